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
	const char *list = getenv("pvio_metrics"), *at = list;
	size_t len = strlen(metric);

	if (!list || !*list)
		return 1;
	while ((at = strstr(at, metric))) {
		if ((at == list || at[-1] == ',') &&
		    (at[len] == ',' || !at[len]))
			return 1;
		at += len;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void report(const char *metric, double *figure)
{
	qsort(figure, effort.batches, sizeof(figure[0]), by_value);
	printf("pvbench %s %.1f %.1f %.1f\n", metric,
	       figure[effort.batches / 2], figure[0],
	       figure[effort.batches - 1]);
	fflush(stdout);
}

static unsigned long setting(const char *name, unsigned long otherwise,
			     unsigned long most)
{
	const char *text = getenv(name);
	unsigned long n = text ? strtoul(text, NULL, 10) : otherwise;

	if (n < 1 || n > most) {
		errno = EINVAL;
		die(name);
	}
	return n;
}

void set_effort(void)
{
	effort.batches = (unsigned int)setting("pvio_batches", 7, MAX_BATCHES);
	effort.seconds = (double)setting("pvio_batch_ms", 400, 60000) / 1000;
}
