/* SPDX-License-Identifier: MIT */
/* What programs that measure a machine have in common. */
#ifndef TESTS_BENCH_PVIO_EFFORT_H
#define TESTS_BENCH_PVIO_EFFORT_H

#include "tests/bench/lib/batch.h"

enum {
	MAX_BATCHES = 32,
};

/* How long and how often; set once, from the environment: main.c of pvio. */
struct effort {
	unsigned int batches;
	double seconds; /* of one batch, at least */
};
extern struct effort effort;
void set_effort(void);

double now(void);
/* Is that metric to be measured? */
int wanted(const char *metric);
/* Print the median, the least and the greatest of one figure a batch. */
void report(const char *metric, double *figure);

#endif
