/* SPDX-License-Identifier: MIT */
/*
 * The microbenchmarks: one operation each, and how they are timed.
 */
#ifndef TESTS_BENCH_PVBENCH_H
#define TESTS_BENCH_PVBENCH_H

#include <stdint.h>

#include "tests/bench/lib/batch.h"

/*
 * One benchmark.  run(n) does the operation n times and returns the ticks it
 * took (clock_ticks() before and after); what it prepares and tears down for
 * each run is outside.
 */
struct metric {
	const char *name;
	uint64_t (*run)(uint64_t n);
	uint64_t divisor; /* operations in one n, if more than one */
};

/* Ends with an entry without a name. */
extern const struct metric syscall_metrics[];
extern const struct metric process_metrics[];
extern const struct metric memory_metrics[];
extern const struct metric compute_metrics[];

/* How ticks are counted; set once, before the first measurement. */
enum ticks {
	TICKS_NS, /* nanoseconds of CLOCK_MONOTONIC */
	TICKS_INSNS, /* the TSC, which counts instructions under -icount */
};
extern enum ticks ticks_kind;

uint64_t clock_ticks(void);

#endif
