/* SPDX-License-Identifier: MIT */
/* What eager.c asks of the machine. */
#include <sched.h>
#include <time.h>

#include "tools/xs/eager.h"

uint64_t eager_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* No answer: there are more CPUs than a cpu_set_t holds. */
bool eager_has_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) > 1;
}
