/* SPDX-License-Identifier: MIT */
/*
 * pvbench: microbenchmarks of a kernel on a (virtual) machine.
 *
 * Statically linked, so that the same bytes run on every system compared.
 * As the first program of a boot it says when it started and powers the
 * machine off at its end; under another name than init it just measures.
 *
 * The kernel's command line becomes our environment:
 *
 *	bench_metrics=a,b	only these
 *	bench_ticks=insns	count instructions (QEMU's -icount), not time
 *	bench_batches=N		batches of each, of which the median is taken
 *	bench_batch_us=N	least length of a batch, in microseconds
 *	bench_child=PATH	the program of child.S, /child without it
 *	bench_steps=N		no measuring: N operations of each, and a line
 *				on the console before and after
 *
 * For each metric the number of operations in a batch is first found, by
 * doubling until a batch is long enough.  Output:
 *
 *	pvbench boot_to_init NANOSECONDS
 *	pvbench NAME MEDIAN MIN MAX OPERATIONS	(ticks for one operation)
 *	pvbench done
 *
 * With bench_steps the host looks at the machine before and after each metric:
 *
 *	pvbench ready NAME	then waits for a line
 *	pvbench ran NAME N	likewise
 */
#include "tests/bench/pvbench/pvbench.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define MAX_BATCHES  64
#define MAX_BATCH_US 60000000
#define WARM_UP      20

enum ticks ticks_kind;

uint64_t clock_ticks(void)
{
	struct timespec ts;

	if (ticks_kind == TICKS_INSNS)
		return __rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void die(const char *what)
{
	printf("pvbench failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	_exit(1);
}

/* The least of three runs: what is rare, such as a host's pause, drops out. */
static uint64_t least_of_three(const struct metric *m, uint64_t n)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t took = m->run(n);

		if (took < least)
			least = took;
	}
	return least;
}

/*
 * How many operations make a batch of at least `ticks`.  The first ones are
 * a thousand times slower on an emulated machine, which translates the code
 * then: they must be over before anything is concluded.
 */
static uint64_t batch_size(const struct metric *m, uint64_t ticks)
{
	uint64_t n = 1;

	for (int i = 0; i < WARM_UP; i++)
		m->run(1);
	for (;;) {
		uint64_t took = least_of_three(m, n);

		if (took >= ticks)
			return n;
		/* Close to the end, go there in one step. */
		if (took > ticks / 8)
			return n * ticks / took + 1;
		n *= 2;
	}
}

static void measure(const struct metric *m, unsigned long batches,
		    uint64_t ticks)
{
	double result[MAX_BATCHES] = {0};
	uint64_t n = batch_size(m, ticks);

	for (unsigned long i = 0; i < batches; i++)
		result[i] = (double)m->run(n) / (double)n /
			    (double)(m->divisor ? m->divisor : 1);
	sort_figures(result, batches);
	printf("pvbench %s %.2f %.2f %.2f %llu\n", m->name, result[batches / 2],
	       result[0], result[batches - 1], (unsigned long long)n);
	fflush(stdout);
}

/* Let the host look; it answers with a line. */
static void stop_for_host(void)
{
	char byte;

	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

static void step(const struct metric *m, unsigned long n)
{
	for (int i = 0; i < WARM_UP; i++)
		m->run(1);
	printf("pvbench ready %s\n", m->name);
	stop_for_host();
	m->run(n);
	printf("pvbench ran %s %llu\n", m->name,
	       (unsigned long long)(n * (m->divisor ? m->divisor : 1)));
	stop_for_host();
}

static void measure_all(const struct metric *m, unsigned long batches,
			uint64_t ticks)
{
	unsigned long steps = setting("bench_steps", 0, 0, ULONG_MAX);

	for (; m->name; m++) {
		if (!is_wanted("bench_metrics", m->name))
			continue;
		if (steps)
			step(m, steps);
		else
			measure(m, batches, ticks);
	}
}

static void report_boot(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	printf("pvbench boot_to_init %lld\n",
	       ts.tv_sec * 1000000000ll + ts.tv_nsec);
	fflush(stdout);
}

int main(void)
{
	unsigned long batches, us;
	const char *ticks;

	if (getpid() == 1)
		report_boot();

	batches = setting("bench_batches", 9, 1, MAX_BATCHES);
	us = setting("bench_batch_us", 20000, 1, MAX_BATCH_US);
	ticks = getenv("bench_ticks");
	if (ticks && !strcmp(ticks, "insns"))
		ticks_kind = TICKS_INSNS;

	measure_all(syscall_metrics, batches, us * 1000);
	measure_all(memory_metrics, batches, us * 1000);
	measure_all(process_metrics, batches, us * 1000);
	measure_all(compute_metrics, batches, us * 1000);
	printf("pvbench done\n");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
