/* SPDX-License-Identifier: MIT */
/* Commands that go on: top, events; and those that are programs: store, bench. */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tools/cli/cli.h"

/* ---- top ----------------------------------------------------------------------- */

static struct termios before;
static bool changed;

static void terminal_restore(void)
{
	if (changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	changed = false;
}

/* Whoever is ended leaves no terminal without an echo. */
static void on_signal(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	signal(number, SIG_DFL);
	raise(number);
}

static void terminal_quiet(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &before))
		return;
	t = before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	atexit(terminal_restore);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	changed = !tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

static struct json_object *row_of(struct json_object *stats, long long domid)
{
	struct json_object *list = get_array(stats, "domains"), *o;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		if (get_number(o, "domid") == domid)
			return o;
	}
	return NULL;
}

/* What a counter grew by, a second. */
static double rate(struct json_object *now, struct json_object *was,
		   const char *name, double seconds)
{
	if (!was || seconds <= 0)
		return 0;
	return (double)(get_number(now, name) - get_number(was, name)) /
	       seconds;
}

static void top_head(struct json_object *now, struct json_object *was,
		     double seconds)
{
	struct json_object *m, *cpus = get_array(now, "cpus"), *old;

	json_object_object_get_ex(now, "machine", &m);
	printf("parapet top: %lld domains, up %.0f s, %lld MiB, %lld MiB "
	       "free\n",
	       get_number(m, "domains"),
	       (double)get_number(m, "uptime_ns") / 1e9,
	       get_number(m, "memory_kib") / 1024,
	       get_number(m, "free_kib") / 1024);
	old = was ? get_array(was, "cpus") : NULL;
	for (size_t i = 0; i < json_object_array_length(cpus); i++) {
		double idle = old ? rate(json_object_array_get_idx(cpus, i),
					 json_object_array_get_idx(old, i),
					 "idle_ns", seconds) /
					      1e7
				  : 100;

		printf("cpu%zu %.1f%% busy  ", i, idle > 100 ? 0 : 100 - idle);
	}
	fputs("\n\n", stdout);
}

static void top_rows(struct json_object *now, struct json_object *was,
		     double seconds)
{
	struct json_object *list = get_array(now, "domains"), *o, *old;

	printf("%4s %-20s %-9s %6s %9s %5s %10s %10s\n", "Id", "Name", "State",
	       "CPU%", "Mem(MiB)", "VCPUs", "NetIn/s", "NetOut/s");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		old = was ? row_of(was, get_number(o, "domid")) : NULL;
		printf("%4lld %-20.20s %-9s %6.1f %9lld %5lld %9.0fk %9.0fk\n",
		       get_number(o, "domid"), get_string(o, "name"),
		       get_string(o, "state"),
		       rate(o, old, "cpu_ns", seconds) / 1e7,
		       get_number(o, "memory_kib") / 1024,
		       get_number(o, "vcpus"),
		       rate(o, old, "net_in_bytes", seconds) / 1024,
		       rate(o, old, "net_out_bytes", seconds) / 1024);
	}
}

/* false: the user wants to leave. */
static bool top_wait(double seconds)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&p, isatty(STDIN_FILENO) ? 1 : 0, (int)(seconds * 1000)) <= 0)
		return true;
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q';
}

static int top_run(struct cli *c, double delay, long rounds, bool terminal)
{
	struct json_object *was = NULL, *now;
	double seconds;
	int status = STATUS_OK;

	for (long i = 0; !rounds || i < rounds; i++) {
		if (i && !top_wait(delay))
			break;
		now = call(c, "stats", NULL, &status);
		if (!now)
			break;
		seconds =
			was ? get_double(now, "time") - get_double(was, "time")
			    : 0;
		if (terminal)
			fputs("\033[H\033[2J", stdout);
		if (c->json) {
			print_json(now);
		} else {
			top_head(now, was, seconds);
			top_rows(now, was, seconds);
		}
		fflush(stdout);
		json_object_put(was);
		was = now;
	}
	json_object_put(was);
	return status;
}

static int cmd_top(struct cli *c)
{
	bool terminal = isatty(STDOUT_FILENO) && !c->json;
	double delay = 2;
	long rounds = 0;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	if ((option("delay") && !parse_seconds(option("delay"), &delay)) ||
	    (option("count") && !parse_number(option("count"), &rounds)) ||
	    delay < 0.1 || delay > 3600 || rounds < 0)
		return usage(c);
	if (!rounds && !terminal)
		rounds = 1;
	if (terminal)
		terminal_quiet();
	status = top_run(c, delay, rounds, terminal);
	terminal_restore();
	return status;
}

/* ---- events -------------------------------------------------------------------- */

static void print_event(struct json_object *o)
{
	double at = get_double(o, "time");
	time_t whole = (time_t)at;
	char when[32];

	strftime(when, sizeof(when), "%F %T", localtime(&whole));
	printf("%s.%03d %s", when, (int)((at - (double)whole) * 1000),
	       get_string(o, "event"));
	json_object_object_foreach(o, name, value)
	{
		if (!strcmp(name, "event") || !strcmp(name, "time") ||
		    !strcmp(name, "uuid"))
			continue;
		if (!strcmp(name, "domain"))
			printf(" %s", json_object_get_string(value));
		else
			printf(" %s=%s", name, json_object_get_string(value));
	}
	putchar('\n');
}

static int cmd_events(struct cli *c)
{
	struct json_object *o;
	long left = 0;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	if (option("count") &&
	    (!parse_number(option("count"), &left) || left < 0))
		return usage(c);
	o = call(c, "subscribe", NULL, &status);
	if (!o)
		return status;
	json_object_put(o);
	while ((o = next_message(c))) {
		if (has(o, "event") && c->json)
			puts(json_object_to_json_string_ext(
				o, JSON_C_TO_STRING_PLAIN));
		else if (has(o, "event"))
			print_event(o);
		fflush(stdout);
		json_object_put(o);
		if (left && !--left)
			return STATUS_OK;
	}
	return complain(STATUS_NO_DAEMON, "the daemon has gone");
}

/* ---- programs of their own ----------------------------------------------------- */

/* One of ours: beside this program, or wherever the shell finds it. */
static int execute(struct cli *c, const char *name, const char *option)
{
	char self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char **words = calloc((size_t)c->argc + 2, sizeof(*words));
	int k = 1;

	if (!words)
		return complain(STATUS_FAILED, "no memory");
	words[0] = name;
	if (option)
		words[k++] = option;
	for (int i = 1; i < c->argc; i++)
		words[k++] = c->argv[i];
	if (n > 0) {
		self[n] = '\0';
		snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
		execv(path, (char *const *)words);
	}
	execvp(name, (char *const *)words);
	free(words);
	return complain(STATUS_FAILED, "%s: %s", name, strerror(errno));
}

static int cmd_store(struct cli *c)
{
	return execute(c, "parapet-store", c->json ? "--json" : NULL);
}

static int cmd_bench(struct cli *c)
{
	return execute(c, "parapet-bench", c->quiet ? "--quiet" : NULL);
}

const struct command live_commands[] = {
	{"top", "[--delay=S] [--count=N]", "what domains do, as they do it",
	 cmd_top},
	{"events", "[--count=N]", "what happens, as it happens", cmd_events},
	{"store", "ls|read|write|rm|watch ...", "the store: see parapet-store",
	 cmd_store},
	{"bench", "[OPTION]... | report FILE",
	 "measure this domain and a guest: see parapet-bench", cmd_bench},
	{NULL, NULL, NULL, NULL},
};
