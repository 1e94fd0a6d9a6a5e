/* SPDX-License-Identifier: MIT */
/* parapet-bench: the command line, and the files that it leaves. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/bench/report.h"

#define EXAMPLES_KERNEL "/usr/share/parapet/guest/vmlinuz"

int complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("parapet-bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return STATUS_FAILED;
}

void progress(const struct options *o, const char *fmt, ...)
{
	va_list ap;

	if (o->quiet)
		return;
	fputs("parapet-bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int help(FILE *f)
{
	fputs("usage: parapet-bench [OPTION]...\n"
	      "       parapet-bench report FILE [--output DIR]\n\n"
	      "Measure this control domain and a guest, in turns; print a table "
	      "and write\n"
	      "results.json, ratios.svg and report.html.  \"report\" makes them "
	      "of results that\n"
	      "are there already.\n\n"
	      "  --kernel FILE    the guest's (default: /boot/vmlinuz of the "
	      "running version)\n"
	      "  --initrd FILE    the guest's (default: pvbench alone)\n"
	      "  --memory MIB     the guest's (default: 512)\n"
	      "  --rounds N       of which the medians are taken (default: 3)\n"
	      "  --rows A,B       only these metrics\n"
	      "  --quick          one round, short batches\n"
	      "  --no-guest       only this system: the bare machine, say\n"
	      "  --with FILE      add what FILE has of other systems\n"
	      "  --output DIR     where the files go (default: "
	      "parapet-bench)\n"
	      "  --programs DIR   where pvbench is (default: beside this "
	      "program)\n"
	      "  --quiet          no progress\n"
	      "  --help\n",
	      f);
	return f == stdout ? STATUS_OK : STATUS_USAGE;
}

/* False: said why. */
static bool number(const char *name, const char *text, long least, long most,
		   long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	if (!errno && *text && !*end && *value >= least && *value <= most)
		return true;
	complain("--%s %s: not a number from %ld to %ld", name, text, least,
		 most);
	return false;
}

static bool take_option(struct options *o, const char *name, const char *value)
{
	if (!strcmp(name, "kernel"))
		o->kernel = value;
	else if (!strcmp(name, "initrd"))
		o->initrd = value;
	else if (!strcmp(name, "output"))
		o->output = value;
	else if (!strcmp(name, "programs"))
		o->programs = value;
	else if (!strcmp(name, "with"))
		o->with = value;
	else if (!strcmp(name, "rows"))
		o->rows = value;
	else if (!strcmp(name, "memory"))
		return number(name, value, 64, 1 << 20, &o->memory);
	else if (!strcmp(name, "rounds"))
		return number(name, value, 1, MAX_ROUNDS, &o->rounds);
	else if (!strcmp(name, "quick"))
		o->quick = true;
	else if (!strcmp(name, "no-guest"))
		o->no_guest = true;
	else
		o->quiet = true;
	return true;
}

/* STATUS_OK, or the status to end with; *done: with that. */
static int take_options(struct options *o, int argc, char **argv, bool *done)
{
	static const struct option known[] = {
		{"kernel", required_argument, NULL, 1},
		{"initrd", required_argument, NULL, 1},
		{"output", required_argument, NULL, 1},
		{"programs", required_argument, NULL, 1},
		{"with", required_argument, NULL, 1},
		{"rows", required_argument, NULL, 1},
		{"memory", required_argument, NULL, 1},
		{"rounds", required_argument, NULL, 1},
		{"quick", no_argument, NULL, 1},
		{"no-guest", no_argument, NULL, 1},
		{"quiet", no_argument, NULL, 1},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, i = 0;

	*done = true;
	while ((c = getopt_long(argc, argv, "hq", known, &i)) != -1) {
		if (c == 'h')
			return help(stdout);
		if (c == '?')
			return STATUS_USAGE;
		if (!take_option(o, c == 'q' ? "quiet" : known[i].name, optarg))
			return STATUS_USAGE;
	}
	if (o->quick)
		o->rounds = 1;
	*done = false;
	return STATUS_OK;
}

/* Words of a kernel's command line that are ours must stay one word. */
static bool good_rows(const char *rows)
{
	return !rows ||
	       strspn(rows, "abcdefghijklmnopqrstuvwxyz0123456789_,") ==
		       strlen(rows);
}

static int check_options(const struct options *o)
{
	char path[PATH_MAX];

	if (!good_rows(o->rows)) {
		complain("--rows %s: names with commas between", o->rows);
		return STATUS_USAGE;
	}
	snprintf(path, sizeof(path), "%s/pvbench", o->programs);
	if (access(path, X_OK))
		return complain("%s: %s; --programs says where it is", path,
				strerror(errno));
	if (!o->no_guest && access(o->kernel, R_OK))
		return complain("kernel %s: %s; --kernel names another",
				o->kernel, strerror(errno));
	if (!o->no_guest && o->initrd && access(o->initrd, R_OK))
		return complain("initrd %s: %s", o->initrd, strerror(errno));
	if (o->with && access(o->with, R_OK))
		return complain("%s: %s", o->with, strerror(errno));
	return STATUS_OK;
}

/* ---- files --------------------------------------------------------------------- */

static void plot_alone(FILE *f, const struct report *r)
{
	write_plot(f, r, true);
}

static bool write_file(const char *folder, const char *name,
		       void (*write)(FILE *f, const struct report *r),
		       const struct report *r)
{
	char path[PATH_MAX];
	FILE *f;
	bool bad;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (f) {
		write(f, r);
		bad = ferror(f);
		if (!fclose(f) && !bad)
			return true;
	}
	complain("%s: %s", path, strerror(errno));
	return false;
}

static void write_json(FILE *f, const struct report *r)
{
	fputs(json_object_to_json_string_ext(r->json, JSON_C_TO_STRING_PRETTY),
	      f);
	fputc('\n', f);
}

static int write_reports(const struct report *r, const char *folder, bool json)
{
	if (mkdir(folder, 0777) && errno != EEXIST)
		return complain("%s: %s", folder, strerror(errno));
	if ((json && !write_file(folder, "results.json", write_json, r)) ||
	    !write_file(folder, "ratios.svg", plot_alone, r) ||
	    !write_file(folder, "report.html", write_page, r))
		return STATUS_FAILED;
	write_table(stdout, r);
	printf("\nwrote %s/report.html, %s/ratios.svg%s\n", folder, folder,
	       json ? " and results.json" : "");
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

/* ---- commands ------------------------------------------------------------------ */

static int report(const struct options *o, const char *path, bool has_output)
{
	static struct report r;
	char error[256], folder[PATH_MAX];
	int status;

	if (!report_load(&r, path, error, sizeof(error))) {
		error[strcspn(error, "\n")] = '\0';
		return complain("%s: %s", path, error);
	}
	snprintf(folder, sizeof(folder), "%s", path);
	status = write_reports(&r, has_output ? o->output : dirname(folder),
			       has_output);
	report_free(&r);
	return status;
}

/* What the other results have of systems that we have not. */
static bool add_others(struct json_object *ours, const char *path)
{
	struct json_object *other = json_object_from_file(path), *from, *to;
	bool good = json_object_object_get_ex(ours, "metrics", &to) && other &&
		    json_object_object_get_ex(other, "metrics", &from) &&
		    json_object_is_type(from, json_type_object);

	if (!good) {
		complain("%s: no results", path);
		json_object_put(other);
		return false;
	}
	json_object_object_foreach(from, name, metric)
	{
		struct json_object *have, *add, *systems;

		if (!json_object_object_get_ex(to, name, &have)) {
			json_object_object_add(to, name,
					       json_object_get(metric));
			continue;
		}
		if (!json_object_object_get_ex(have, "systems", &systems) ||
		    !json_object_is_type(metric, json_type_object) ||
		    !json_object_object_get_ex(metric, "systems", &add) ||
		    !json_object_is_type(add, json_type_object))
			continue;
		json_object_object_foreach(add, system, figures)
		{
			if (!json_object_object_get_ex(systems, system, NULL))
				json_object_object_add(
					systems, system,
					json_object_get(figures));
		}
	}
	json_object_put(other);
	return true;
}

static int run(const struct options *o)
{
	static struct report r;
	struct json_object *results;
	char error[256];
	int status = check_options(o);

	if (status)
		return status;
	results = run_all(o);
	if (!results)
		return STATUS_FAILED;
	if (o->with && !add_others(results, o->with)) {
		json_object_put(results);
		return STATUS_FAILED;
	}
	if (!report_read(&r, results, error, sizeof(error)))
		return complain("%s", error);
	status = write_reports(&r, o->output, true);
	report_free(&r);
	return status;
}

/* Of the running kernel, or what tools/examples makes for guests. */
static void find_kernel(char *path, size_t room)
{
	struct utsname u;

	if (!uname(&u)) {
		snprintf(path, room, "/boot/vmlinuz-%s", u.release);
		if (!access(path, R_OK))
			return;
	}
	if (!access(EXAMPLES_KERNEL, R_OK))
		snprintf(path, room, EXAMPLES_KERNEL);
}

int main(int argc, char **argv)
{
	static char kernel[256] = "/boot/vmlinuz", self[PATH_MAX];
	struct options o = {.rounds = 3, .memory = 512, .kernel = kernel};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	bool done;
	int status;

	o.programs = n > 0 ? dirname(self) : ".";
	find_kernel(kernel, sizeof(kernel));
	status = take_options(&o, argc, argv, &done);
	if (done)
		return status;
	if (optind == argc) {
		if (!o.output)
			o.output = "parapet-bench";
		return run(&o);
	}
	if (strcmp(argv[optind], "report") != 0 || argc != optind + 2)
		return help(stderr);
	return report(&o, argv[optind + 1], o.output != NULL);
}
