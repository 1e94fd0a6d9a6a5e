/* SPDX-License-Identifier: MIT */
/*
 * parapet-selfcheck: does the control domain have a working machine?
 *
 * Runs from the initramfs, statically linked.  It takes what it should find
 * from environment variables that the kernel made of its command line:
 *
 *	parapet_expect	native | xen | parapet
 *	parapet_cpus	how many CPUs should be online
 *	parapet_echo	IPv4:PORT of an echo service on the QEMU host
 *
 * Prints a line for each check, then "self-check: N passed, N failed"; the
 * status is 0 only if all passed.  Conditions are waited for, and every wait
 * has a bound that a slow emulated machine keeps easily.
 */
#include "tools/image/selfcheck/selfcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void read_line(const char *path, char *out, size_t room)
{
	FILE *file = fopen(path, "re");

	out[0] = '\0';
	if (!file)
		return;
	if (!fgets(out, (int)room, file))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(file);
}

uint64_t pattern_word(uint64_t seed, uint64_t n)
{
	uint64_t x = seed + n * 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
	const char *system = getenv("parapet_expect");
	const char *cpus = getenv("parapet_cpus");
	const struct expected want = {
		.system = system ? system : "parapet",
		.echo = getenv("parapet_echo"),
		.cpus = cpus ? strtol(cpus, NULL, 10) : 0,
	};

	check_system(&want);
	check_clock();
	check_disk();
	check_network(&want);
	return report_end("self-check");
}
