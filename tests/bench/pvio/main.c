/* SPDX-License-Identifier: MIT */
/*
 * pvio: what a machine's disk and network give to its programs.
 *
 *	pvio block DEVICE
 *	pvio net HOST PORT	against "pvio serve PORT" there
 *	pvio serve PORT
 *	pvio life LOG		create and destroy a guest (control domain)
 *	pvio wait LOG WORDS	until a guest's console has said that
 *
 * Statically linked, so that the same bytes run on every system compared.
 * Environment:
 *
 *	pvio_metrics=a,b	only these
 *	pvio_batches=N		batches of each, of which the median is taken
 *	pvio_batch_ms=N		least length of a batch
 *	pvio_create=WORDS	pvio life: the command that creates the guest,
 *	pvio_destroy=WORDS	destroys it,
 *	pvio_list=WORDS		lists all, if there is such a command
 *
 * Output, a line for each:
 *
 *	pvbench NAME MEDIAN MIN MAX
 *	pvio done
 */
#include "tests/bench/pvio/pvio.h"

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
	printf("pvio failed: %s: %s\n", what, strerror(errno));
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

int main(int argc, char **argv)
{
	effort.batches = (unsigned int)setting("pvio_batches", 7, MAX_BATCHES);
	effort.seconds = (double)setting("pvio_batch_ms", 400, 60000) / 1000;

	if (argc == 3 && !strcmp(argv[1], "block"))
		measure_block(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "net"))
		measure_net(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "serve"))
		serve_net(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "life"))
		measure_life(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "wait"))
		return wait_for_words(argv[2], argv[3]), 0;
	else
		return 2;
	printf("pvio done\n");
	return 0;
}
