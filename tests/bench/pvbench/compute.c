/* SPDX-License-Identifier: MIT */
/*
 * Work without the kernel: what a hypervisor must not slow down at all.
 */
#include "tests/bench/pvbench/pvbench.h"

#include <stdlib.h>
#include <string.h>

#define COPY_BYTES (256u << 10)
#define LOOPS      100000

static uint64_t run_memcpy(uint64_t n)
{
	static char *from, *to;
	uint64_t began;

	if (!from) {
		from = malloc(COPY_BYTES);
		to = malloc(COPY_BYTES);
		if (!from || !to)
			die("malloc");
		memset(from, 1, COPY_BYTES);
		memset(to, 2, COPY_BYTES);
	}
	began = clock_ticks();
	while (n--) {
		memcpy(to, from, COPY_BYTES);
		asm volatile("" ::"r"(to) : "memory");
	}
	return clock_ticks() - began;
}

static uint64_t run_int_loop(uint64_t n)
{
	uint64_t began = clock_ticks(), x = 1;

	while (n--)
		for (int i = 0; i < LOOPS; i++) {
			x = x * 6364136223846793005 + 1442695040888963407;
			x ^= x >> 29;
			asm volatile("" : "+r"(x));
		}
	return clock_ticks() - began;
}

const struct metric compute_metrics[] = {
	{"memcpy", run_memcpy, 0},
	{"int_loop", run_int_loop, 0},
	{0},
};
