/* SPDX-License-Identifier: MIT */
/*
 * parapet-bench: a control domain and a guest of its, measured in turns.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/* What was asked for. */
struct options {
	const char *kernel; /* of the guest */
	const char *initrd; /* NULL: one is made of pvbench */
	const char *output; /* folder of the reports */
	const char *programs; /* folder of pvbench and pvbench-child */
	const char *with; /* results of another system; may be NULL */
	const char *rows; /* "a,b"; NULL: all */
	long rounds, memory; /* MiB */
	bool quick, no_guest, quiet;
};

/* "parapet-bench: ..."; returns STATUS_FAILED. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* To standard error, unless quiet. */
void progress(const struct options *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* run.c: measure; results.json as an object.  NULL: said why. */
struct json_object *run_all(const struct options *o);

/* ---- samples.c: what each round gave ------------------------------------------- */

enum {
	MAX_ROUNDS = 50,
	MAX_SAMPLED = 64, /* metrics */
	NR_SAMPLED = 2, /* systems */
};

struct samples {
	const char *systems[NR_SAMPLED];
	struct metric {
		char name[40];
		double values[NR_SAMPLED][MAX_ROUNDS];
		int counts[NR_SAMPLED];
	} metrics[MAX_SAMPLED];
	int nr_metrics;
};

enum line {
	LINE_OTHER,
	LINE_FIGURE,
	LINE_DONE, /* pvbench has ended */
	LINE_FAILED, /* it says why */
};

/* One line of pvbench's, perhaps among others of a kernel. */
enum line samples_take(struct samples *s, int system, const char *line);
/* "metrics" of results.json. */
struct json_object *samples_metrics(const struct samples *s);

/* ---- guest.c ------------------------------------------------------------------- */

/*
 * A guest that runs pvbench as its first program, from its creation to its end.
 * False: said why.
 */
bool guest_run(const struct options *o, struct samples *s, int system,
	       int round);

/* ---- initrd.c ------------------------------------------------------------------ */

/* An initramfs with pvbench as the first program.  False: errno. */
bool initrd_write(const char *path, const char *init, const char *child);

#endif
