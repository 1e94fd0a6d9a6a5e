/* SPDX-License-Identifier: MIT */
/*
 * Results read and put in order: systems as their columns come, rows by group.
 *
 * What is read may be anything.  Numbers that are none, or negative, are as good
 * as not there; more systems or rows than there is room for are an error.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/report.h"

static bool wrong(char *error, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool wrong(char *error, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, room, fmt, ap);
	va_end(ap);
	return false;
}

static struct json_object *member(struct json_object *o, const char *name,
				  enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

static bool number(struct json_object *o, const char *name, double *value)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, name, &v);
	if (!json_object_is_type(v, json_type_double) &&
	    !json_object_is_type(v, json_type_int))
		return false;
	*value = json_object_get_double(v);
	return isfinite(*value) && *value >= 0;
}

static struct figure figure_of(struct json_object *o)
{
	struct figure f = {0};

	f.known = number(o, "median", &f.median);
	if (!number(o, "min", &f.min))
		f.min = f.median;
	if (!number(o, "max", &f.max))
		f.max = f.median;
	return f;
}

static int find_system(const struct report *r, const char *name)
{
	for (int i = 0; i < r->nr_systems; i++)
		if (!strcmp(r->systems[i].name, name))
			return i;
	return -1;
}

static int by_column(const void *a, const void *b)
{
	const struct system *x = a, *y = b;
	int order = system_place(x->name) - system_place(y->name);

	return order ? order : strcmp(x->name, y->name);
}

static int by_group(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = (int)x->group - (int)y->group;

	if (!order)
		order = row_place(x->name) - row_place(y->name);
	return order ? order : strcmp(x->name, y->name);
}

/* Every system that has a figure of any metric. */
static bool collect_systems(struct report *r, struct json_object *metrics)
{
	json_object_object_foreach(metrics, name, metric)
	{
		struct json_object *list =
			member(metric, "systems", json_type_object);

		(void)name;
		if (!list)
			continue;
		json_object_object_foreach(list, system, figures)
		{
			(void)figures;
			if (find_system(r, system) >= 0)
				continue;
			if (r->nr_systems == MAX_SYSTEMS)
				return false;
			r->systems[r->nr_systems++].name = system;
		}
	}
	qsort(r->systems, (size_t)r->nr_systems, sizeof(r->systems[0]),
	      by_column);
	for (int i = 0; i < r->nr_systems; i++)
		system_describe(&r->systems[i]);
	return true;
}

static void read_row(struct report *r, const char *name,
		     struct json_object *metric)
{
	struct json_object *unit = member(metric, "unit", json_type_string);
	struct json_object *list = member(metric, "systems", json_type_object);
	struct row *row = &r->rows[r->nr_rows];
	bool any = false;

	if (!unit || !list)
		return;
	memset(row, 0, sizeof(*row));
	row->name = name;
	row->unit = json_object_get_string(unit);
	row_describe(row);
	for (int i = 0; i < r->nr_systems; i++) {
		struct json_object *o = NULL;

		json_object_object_get_ex(list, r->systems[i].name, &o);
		row->of[i] = figure_of(o);
		any |= row->of[i].known;
	}
	r->nr_rows += any;
}

bool report_read(struct report *r, struct json_object *json, char *error,
		 size_t room)
{
	struct json_object *metrics;

	memset(r, 0, sizeof(*r));
	r->json = json;
	metrics = member(json, "metrics", json_type_object);
	if (!metrics) {
		report_free(r);
		return wrong(error, room, "no results: it has no \"metrics\"");
	}
	if (!collect_systems(r, metrics) ||
	    json_object_object_length(metrics) > MAX_ROWS) {
		report_free(r);
		return wrong(error, room,
			     "more than %d systems, or than %d metrics",
			     MAX_SYSTEMS, MAX_ROWS);
	}
	json_object_object_foreach(metrics, name, metric)
	{
		read_row(r, name, metric);
	}
	if (!r->nr_rows) {
		report_free(r);
		return wrong(error, room, "no results: it has no figures");
	}
	qsort(r->rows, (size_t)r->nr_rows, sizeof(r->rows[0]), by_group);
	/* The bare machine is the first, if it is there. */
	r->base = r->nr_systems > 1 ? 0 : -1;
	return true;
}

bool report_load(struct report *r, const char *path, char *error, size_t room)
{
	struct json_object *json = json_object_from_file(path);

	if (!json)
		return wrong(error, room, "%s", json_util_get_last_err());
	return report_read(r, json, error, room);
}

void report_free(struct report *r)
{
	json_object_put(r->json);
	r->json = NULL;
}

struct json_object *report_part(const struct report *r, const char *name)
{
	struct json_object *part = NULL;

	json_object_object_get_ex(r->json, name, &part);
	return part;
}

double report_cost(const struct report *r, const struct row *row, int system)
{
	double base, value;

	/* Most are next to none: a ratio would say nothing. */
	if (r->base < 0 || row->group == GROUP_FLUSHES)
		return 0;
	base = row->of[r->base].median;
	value = row->of[system].median;
	if (base <= 0 || value <= 0)
		return 0;
	return row->more_is_better ? base / value : value / base;
}

double report_mean_cost(const struct report *r, enum group group, int system,
			int *count)
{
	double sum = 0;

	*count = 0;
	for (int i = 0; i < r->nr_rows; i++) {
		double cost = report_cost(r, &r->rows[i], system);

		if (r->rows[i].group != group || cost <= 0)
			continue;
		sum += log(cost);
		++*count;
	}
	return *count ? exp(sum / *count) : 0;
}
