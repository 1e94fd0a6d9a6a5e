/* SPDX-License-Identifier: MIT */
/* What is measured and how often, by the environment; medians. */
#include "tests/bench/lib/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned long setting(const char *name, unsigned long otherwise,
		      unsigned long least, unsigned long most)
{
	const char *text = getenv(name);
	unsigned long n = text ? strtoul(text, NULL, 10) : otherwise;

	if (n < least || n > most) {
		errno = EINVAL;
		die(name);
	}
	return n;
}

int is_wanted(const char *variable, const char *metric)
{
	const char *list = getenv(variable), *at = list;
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

void sort_figures(double *figure, size_t count)
{
	qsort(figure, count, sizeof(figure[0]), by_value);
}
