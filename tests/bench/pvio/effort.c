/* SPDX-License-Identifier: MIT */
/* How long is measured, and how a figure is printed: for pvio and pvwork. */
#include "tests/bench/pvio/effort.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct effort effort;

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

void die(const char *what)
{
	printf("%s failed: %s: %s\n", program_invocation_short_name, what,
	       strerror(errno));
	exit(1);
}

int wanted(const char *metric)
{
	return is_wanted("pvio_metrics", metric);
}

void report(const char *metric, double *figure)
{
	sort_figures(figure, effort.batches);
	printf("pvbench %s %.1f %.1f %.1f\n", metric,
	       figure[effort.batches / 2], figure[0],
	       figure[effort.batches - 1]);
	fflush(stdout);
}

void set_effort(void)
{
	effort.batches =
		(unsigned int)setting("pvio_batches", 7, 1, MAX_BATCHES);
	effort.seconds = (double)setting("pvio_batch_ms", 400, 1, 60000) / 1000;
}
