/* SPDX-License-Identifier: MIT */
/*
 * Work without the kernel: what a hypervisor must not slow down at all.
 */
#include "tests/bench/pvbench/pvbench.h"

#include <stdlib.h>
#include <string.h>

#define COPY_BYTES (256u << 10)
#define LOOPS      100000

/*
 * The C library's own would choose by what the processor says that it has, and
 * not every system passes that on: the same instructions everywhere.
 */
typedef uint64_t line __attribute__((vector_size(16), aligned(16)));

static void copy(line *to, const line *from)
{
	for (size_t i = 0; i < COPY_BYTES / sizeof(line); i += 4) {
		to[i] = from[i];
		to[i + 1] = from[i + 1];
		to[i + 2] = from[i + 2];
		to[i + 3] = from[i + 3];
		asm volatile("" ::: "memory"); /* no call of memcpy */
	}
}

static uint64_t run_memcpy(uint64_t n)
{
	static line *from, *to;
	uint64_t began;

	if (!from) {
		from = aligned_alloc(sizeof(line), COPY_BYTES);
		to = aligned_alloc(sizeof(line), COPY_BYTES);
		if (!from || !to)
			die("malloc");
		memset(from, 1, COPY_BYTES);
		memset(to, 2, COPY_BYTES);
	}
	began = clock_ticks();
	while (n--)
		copy(to, from);
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
