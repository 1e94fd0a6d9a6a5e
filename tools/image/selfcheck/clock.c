/* SPDX-License-Identifier: MIT */
/*
 * Time: never backwards, on no CPU and between none, and at the right rate.
 *
 * A thread on every CPU reads the clock in turns with the others: each takes
 * the latest time that any of them has seen, then reads the clock, which must
 * not be earlier.  The rate is compared with the battery-backed clock, which
 * the platform drives and not the hypervisor.
 */
#include "tools/image/selfcheck/selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS    64
#define RUN_SECONDS 1.0
#define RATE_TRIES  5

static _Atomic int64_t latest;
static _Atomic int64_t worst; /* ns; the longest step back */
static _Atomic long reads;
static _Atomic int stop;

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void raise_to(_Atomic int64_t *max, int64_t value)
{
	int64_t seen = atomic_load(max);

	while (seen < value && !atomic_compare_exchange_weak(max, &seen, value))
		;
}

static void *reader(void *arg)
{
	long cpu = (long)arg, n = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return (void *)(long)errno;
	while (!atomic_load(&stop)) {
		int64_t before = atomic_load(&latest);
		int64_t t = monotonic_ns();

		if (t < before)
			raise_to(&worst, before - t);
		raise_to(&latest, t);
		n++;
	}
	atomic_fetch_add(&reads, n);
	return NULL;
}

static void check_monotonic(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), started = 0;
	pthread_t threads[MAX_CPUS];
	struct timespec nap = {.tv_nsec = (long)(RUN_SECONDS * 1e9) - 1};
	void *rc, *bad = NULL;
	double began = now(), slept;

	if (cpus > MAX_CPUS)
		cpus = MAX_CPUS;
	for (; started < cpus; started++)
		if (pthread_create(&threads[started], NULL, reader,
				   (void *)started))
			break;
	nanosleep(&nap, NULL);
	atomic_store(&stop, 1);
	for (long i = 0; i < started; i++) {
		pthread_join(threads[i], &rc);
		bad = rc ? rc : bad;
	}
	slept = now() - began;
	report(started == cpus && !bad && reads > 0 && worst == 0,
	       "clock-monotonic",
	       "%ld reads on %ld cpus, furthest step back %lld ns", (long)reads,
	       started, (long long)worst);
	report(slept >= RUN_SECONDS - 0.001 && slept < RUN_SECONDS * 10,
	       "timer", "slept %.3f s for %.0f s", slept, RUN_SECONDS);
}

/* Waits for the battery-backed clock's next second; -1 if it stands still. */
static double next_second(int fd)
{
	struct rtc_time first, t;
	double began = now();

	if (ioctl(fd, RTC_RD_TIME, &first))
		return -1;
	do {
		if (ioctl(fd, RTC_RD_TIME, &t) || now() - began > 20)
			return -1;
	} while (t.tm_sec == first.tm_sec);
	return now();
}

/* What two of its seconds take on ours; -1 if it stands still. */
static double two_seconds(int fd)
{
	double from = next_second(fd);
	double to = from < 0 || next_second(fd) < 0 ? -1 : next_second(fd);

	return to < 0 ? -1 : to - from;
}

/*
 * A busy host may pause us between a second's edge and our look at the clock;
 * a clock at a wrong rate is wrong each time.
 */
static void check_rate(void)
{
	int fd = open("/dev/rtc0", O_RDONLY | O_CLOEXEC), ok = 0;
	double took = -1;

	if (fd < 0) {
		report(0, "clock-rate", "/dev/rtc0: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < RATE_TRIES && !ok; i++) {
		took = two_seconds(fd);
		ok = took > 1.9 && took < 2.1;
	}
	close(fd);
	report(ok, "clock-rate", "2 s of the battery-backed clock took %.3f s",
	       took);
}

static void check_date(void)
{
	time_t t = time(NULL);
	char text[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	report(tm.tm_year >= 124, "date", "%s UTC", text);
}

void check_clock(void)
{
	check_monotonic();
	check_rate();
	check_date();
}
