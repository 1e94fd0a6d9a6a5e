/* SPDX-License-Identifier: MIT */
/* Figures collected over the rounds, and what results.json has of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/bench/bench.h"

static struct metric *metric_get(struct samples *s, const char *name)
{
	struct metric *m;

	for (int i = 0; i < s->nr_metrics; i++)
		if (!strcmp(s->metrics[i].name, name))
			return &s->metrics[i];
	if (s->nr_metrics == MAX_SAMPLED)
		return NULL;
	m = &s->metrics[s->nr_metrics++];
	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

enum line samples_take(struct samples *s, int system, const char *line)
{
	const char *at = strstr(line, "pvbench ");
	struct metric *m;
	char name[40];
	double value;

	if (!at)
		return LINE_OTHER;
	at += strlen("pvbench ");
	if (!strncmp(at, "done", 4))
		return LINE_DONE;
	if (!strncmp(at, "failed", 6))
		return LINE_FAILED;
	if (sscanf(at, "%39[a-z0-9_] %lf", name, &value) != 2 ||
	    !(value >= 0 && value <= 1e15)) /* nor is it NaN */
		return LINE_OTHER;
	m = metric_get(s, name);
	if (m && m->counts[system] < MAX_ROUNDS)
		m->values[system][m->counts[system]++] = value;
	return LINE_FIGURE;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct json_object *summary(const double *values, int count)
{
	struct json_object *o = json_object_new_object();
	double sorted[MAX_ROUNDS], median;

	memcpy(sorted, values, (size_t)count * sizeof(sorted[0]));
	qsort(sorted, (size_t)count, sizeof(sorted[0]), by_value);
	median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
	json_object_object_add(o, "median", json_object_new_double(median));
	json_object_object_add(o, "min", json_object_new_double(sorted[0]));
	json_object_object_add(o, "max",
			       json_object_new_double(sorted[count - 1]));
	return o;
}

struct json_object *samples_metrics(const struct samples *s)
{
	struct json_object *metrics = json_object_new_object();

	for (int i = 0; i < s->nr_metrics; i++) {
		const struct metric *m = &s->metrics[i];
		struct json_object *o = json_object_new_object();
		struct json_object *systems = json_object_new_object();

		for (int n = 0; n < NR_SAMPLED; n++)
			if (m->counts[n])
				json_object_object_add(
					systems, s->systems[n],
					summary(m->values[n], m->counts[n]));
		json_object_object_add(o, "unit", json_object_new_string("ns"));
		json_object_object_add(o, "systems", systems);
		json_object_object_add(metrics, m->name, o);
	}
	return metrics;
}
