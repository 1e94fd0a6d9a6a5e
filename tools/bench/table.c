/* SPDX-License-Identifier: MIT */
/*
 * The table on a terminal: a row for each metric, and for each system its median
 * and what that is against the base.  The last column is how far the rounds of a
 * system were apart, of the one where that was most.
 */
#include <string.h>

#include "tools/bench/report.h"

enum {
	NAME_WIDTH = 24,
	FIGURE_WIDTH = 12,
	COST_WIDTH = 7,
};

static bool has_cost(const struct report *r, int system)
{
	return r->base >= 0 && system != r->base;
}

/* "parapet-guest" is "parapet" above "guest": columns are narrow. */
static void write_heads(FILE *f, const struct report *r)
{
	for (int line = 0; line < 2; line++) {
		fprintf(f, "%-*s", NAME_WIDTH, line ? "" : "metric");
		for (int i = 0; i < r->nr_systems; i++) {
			const char *name = r->systems[i].name;
			const char *dash = strchr(name, '-');
			int width = FIGURE_WIDTH;
			int len = dash ? (int)(dash - name) : (int)strlen(name);

			if (has_cost(r, i))
				width += COST_WIDTH;
			if (!line)
				fprintf(f, "%*s%.*s",
					width > len ? width - len : 0, "", len,
					name);
			else
				fprintf(f, "%*s", width, dash ? dash + 1 : "");
		}
		fputs(line ? "\n" : "  spread\n", f);
	}
}

static double spread_of(const struct report *r, const struct row *row)
{
	double widest = 0;

	for (int i = 0; i < r->nr_systems; i++) {
		const struct figure *v = &row->of[i];
		double width =
			v->median > 0 ? (v->max - v->min) / v->median : 0;

		if (v->known && width > widest)
			widest = width;
	}
	return widest;
}

static void write_row(FILE *f, const struct report *r, const struct row *row)
{
	char text[TEXT];

	fprintf(f, "  %-*s", NAME_WIDTH - 2, row->name);
	for (int i = 0; i < r->nr_systems; i++) {
		strcpy(text, "-");
		if (row->of[i].known)
			figure_text(text, row->of[i].median, row->unit, false);
		fprintf(f, "%*s", FIGURE_WIDTH, text);
		if (!has_cost(r, i))
			continue;
		cost_text(text, report_cost(r, row, i), false);
		fprintf(f, "%*s", COST_WIDTH, text);
	}
	fprintf(f, "%7.1f%%\n", 100 * spread_of(r, row));
}

static void write_checks(FILE *f, const struct report *r)
{
	struct json_object *checks = report_part(r, "checks"), *text, *good;
	size_t missed = 0, n;

	if (!json_object_is_type(checks, json_type_array))
		return;
	n = json_object_array_length(checks);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(checks, i);

		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, "text", &text) ||
		    !json_object_object_get_ex(o, "good", &good) ||
		    json_object_get_boolean(good))
			continue;
		fprintf(f, "%s%s  MISSED\n", missed++ ? "" : "\n",
			json_object_get_string(text));
	}
	if (n)
		fprintf(f, "\n%zu of %zu limits kept\n", n - missed, n);
}

void write_table(FILE *f, const struct report *r)
{
	write_heads(f, r);
	for (int i = 0; i < r->nr_rows; i++) {
		enum group group = r->rows[i].group;

		if (!i || group != r->rows[i - 1].group)
			fprintf(f, "%s\n", group_title(group));
		write_row(f, r, &r->rows[i]);
	}
	if (r->base >= 0)
		fprintf(f,
			"\nx: what it costs against %s; 2x is twice the time, "
			"or half the rate\n",
			r->systems[r->base].name);
	write_checks(f, r);
}
