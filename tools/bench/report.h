/* SPDX-License-Identifier: MIT */
/*
 * What a benchmark measured, and the reports that are made of it.
 *
 * Figures come as results.json: each metric's unit, and for each system the
 * median, least and greatest of its rounds.  Texts in a struct report belong to
 * the JSON object that it holds.
 */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

enum {
	MAX_SYSTEMS = 12,
	MAX_ROWS = 96,
	TEXT = 48, /* room for a figure with its unit */
};

/* In the order of the report. */
enum group {
	GROUP_KERNEL,
	GROUP_PROCESSOR,
	GROUP_WORK,
	GROUP_DISK,
	GROUP_NETWORK,
	GROUP_LIFE,
	GROUP_INSNS,
	GROUP_FLUSHES,
	GROUP_OTHER,
	NR_GROUPS,
};

struct figure {
	bool known;
	double median, min, max;
};

struct row {
	const char *name, *unit;
	char title[80];
	enum group group;
	bool more_is_better; /* a rate; what is a time is better if less */
	struct figure of[MAX_SYSTEMS];
};

struct system {
	const char *name;
	char title[64];
	const char *style; /* a class of style.css and plot.c */
};

struct report {
	struct json_object *json;
	struct system systems[MAX_SYSTEMS];
	int nr_systems;
	int base; /* the system that others are compared with; -1: no others */
	struct row rows[MAX_ROWS]; /* by group */
	int nr_rows;
};

/* False: why is in `error`. */
bool report_load(struct report *r, const char *path, char *error, size_t room);
/* Takes the object, in any case. */
bool report_read(struct report *r, struct json_object *json, char *error,
		 size_t room);
void report_free(struct report *r);

/*
 * What the row costs on that system against the base: 2 is twice the time, or
 * half the rate.  0: it cannot be said.
 */
double report_cost(const struct report *r, const struct row *row, int system);
/* The geometric mean of the group's costs; *count of them. */
double report_mean_cost(const struct report *r, enum group group, int system,
			int *count);

/* rows.c: what the names mean. */
void row_describe(struct row *row);
void system_describe(struct system *s);
const char *group_title(enum group group);
const char *group_note(enum group group);
/* Where a system has its column; what is not known comes last. */
int system_place(const char *name);
int row_place(const char *name);
/* A figure as people read it: "11.2 us", or "µs" if `utf8`. */
void figure_text(char text[TEXT], double value, const char *unit, bool utf8);
void cost_text(char text[TEXT], double cost, bool utf8);

/* For checks and setup, which the reports show as they are. */
struct json_object *report_part(const struct report *r, const char *name);

/* table.c, plot.c, page.c */
void write_table(FILE *f, const struct report *r);
void write_plot(FILE *f, const struct report *r, bool alone);
void write_page(FILE *f, const struct report *r);
/* Text in XML. */
void write_text(FILE *f, const char *text);

#endif
