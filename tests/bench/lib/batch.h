/* SPDX-License-Identifier: MIT */
/* What all programs that measure in batches have in common. */
#ifndef TESTS_BENCH_LIB_BATCH_H
#define TESTS_BENCH_LIB_BATCH_H

#include <stddef.h>

/* A number of the environment, or `otherwise`; what is not from least to most
 * ends the program. */
unsigned long setting(const char *name, unsigned long otherwise,
		      unsigned long least, unsigned long most);

/* Is the metric in the list "a,b" that this variable of the environment has?
 * No list means everything. */
int is_wanted(const char *variable, const char *metric);

/* Sort one figure a batch: the least is the first, the median in the middle. */
void sort_figures(double *figure, size_t count);

/* Each program's own: say why with errno, and end it. */
void die(const char *what) __attribute__((noreturn));

#endif
