/* SPDX-License-Identifier: MIT */
/*
 * Measuring: in turns the system that this program runs on, and a guest.
 *
 * Here pvbench is a process on one CPU.  In the guest it is the first program,
 * so what else that kernel could do is not done.
 */
#include <errno.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "tools/bench/bench.h"

extern char **environ;

/* The first line of a file; empty without one. */
static void read_line(const char *path, char *text, int room)
{
	FILE *f = fopen(path, "re");

	text[0] = '\0';
	if (!f)
		return;
	if (fgets(text, room, f))
		text[strcspn(text, "\n")] = '\0';
	fclose(f);
}

/* The name that this system has in the report. */
static const char *own_name(void)
{
	char extra[64], type[16], may[64];

	read_line("/sys/hypervisor/type", type, sizeof(type));
	if (!type[0])
		return "native";
	read_line("/proc/xen/capabilities", may, sizeof(may));
	if (!strstr(may, "control_d"))
		return "this-guest";
	read_line("/sys/hypervisor/version/extra", extra, sizeof(extra));
	return strstr(extra, "parapet") ? "parapet-control" : "xen-control";
}

/* On the CPU that the kernel has put us on: what goes back and forth between
 * CPUs is another question. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void set_environment(const struct options *o, const char *child)
{
	setenv("bench_child", child, 1);
	if (o->rows)
		setenv("bench_metrics", o->rows, 1);
	if (o->quick) {
		setenv("bench_batches", "5", 1);
		setenv("bench_batch_us", "8000", 1);
	}
}

static bool measure_here(const struct options *o, struct samples *s, int system)
{
	char command[1024], line[512];
	enum line kind, last = LINE_OTHER;
	FILE *f;

	snprintf(command, sizeof(command), "%s/pvbench-child", o->programs);
	set_environment(o, command);
	snprintf(command, sizeof(command), "'%s/pvbench'", o->programs);
	f = popen(command, "re");
	if (!f) {
		complain("%s: %s", command, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), f)) {
		kind = samples_take(s, system, line);
		if (kind == LINE_DONE || kind == LINE_FAILED)
			last = kind;
		if (kind == LINE_FAILED)
			complain("%.*s", (int)strcspn(line, "\n"), line);
	}
	if (pclose(f) || last != LINE_DONE) {
		complain("%s has not come to its end", command);
		return false;
	}
	return true;
}

static void add(struct json_object *o, const char *name, const char *text)
{
	json_object_object_add(o, name, json_object_new_string(text));
}

/* "model name : ..." of /proc/cpuinfo. */
static void read_processor(char *text, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(text, room, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !at)
			continue;
		at += 1 + strspn(at + 1, " ");
		snprintf(text, room, "%.*s", (int)strcspn(at, "\n"), at);
		break;
	}
	if (f)
		fclose(f);
}

static struct json_object *setup_of(const struct options *o)
{
	struct json_object *setup = json_object_new_object();
	char text[128];
	struct utsname u;
	time_t now = time(NULL);

	if (!uname(&u))
		add(setup, "kernel", u.release);
	read_processor(text, sizeof(text));
	add(setup, "processor", text);
	if (!o->no_guest)
		add(setup, "guest", o->kernel);
	strftime(text, sizeof(text), "%Y-%m-%d", gmtime(&now));
	add(setup, "date", text);
	json_object_object_add(setup, "rounds",
			       json_object_new_int64(o->rounds));
	return setup;
}

static bool run_round(const struct options *o, struct samples *s, int round)
{
	progress(o, "round %d of %ld: %s", round, o->rounds, s->systems[0]);
	if (!measure_here(o, s, 0))
		return false;
	if (o->no_guest)
		return true;
	progress(o, "round %d of %ld: %s", round, o->rounds, s->systems[1]);
	return guest_run(o, s, 1, round);
}

struct json_object *run_all(const struct options *o)
{
	static struct samples s;
	struct json_object *results;

	s.systems[0] = own_name();
	s.systems[1] = "parapet-guest";
	if (!o->no_guest && strcmp(s.systems[0], "parapet-control") != 0) {
		complain("this is not Parapet's control domain (%s): "
			 "--no-guest measures it alone",
			 s.systems[0]);
		return NULL;
	}
	stay_here();
	for (int round = 1; round <= o->rounds; round++)
		if (!run_round(o, &s, round))
			return NULL;
	results = json_object_new_object();
	json_object_object_add(results, "setup", setup_of(o));
	json_object_object_add(results, "metrics", samples_metrics(&s));
	return results;
}
