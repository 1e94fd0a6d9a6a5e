/* SPDX-License-Identifier: MIT */
/* Commands that start and end domains. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "tools/cli/cli.h"
#include "tools/cli/console.h"

/* ---- create, start --------------------------------------------------------------- */

struct json_object *params_xml(const char *path)
{
	char *xml = read_file(path);
	struct json_object *o;

	if (!xml)
		return NULL;
	o = params_new();
	add_string(o, "xml", xml);
	add_string(o, "file", strcmp(path, "-") ? path : "standard input");
	free(xml);
	return o;
}

static int started(struct cli *c, struct json_object *result)
{
	int status = STATUS_OK;

	if (c->json)
		print_json(result);
	else if (!c->quiet)
		printf("Domain %s started, number %lld\n",
		       get_string(result, "name"), get_number(result, "domid"));
	if (option("console")) {
		fflush(stdout);
		status = console_attach(c, get_string(result, "name"), false);
	}
	json_object_put(result);
	return status;
}

static int cmd_create(struct cli *c)
{
	struct json_object *params, *result;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	params = params_xml(c->argv[1]);
	if (!params)
		return STATUS_NOT_FOUND;
	add_bool(params, "paused", option("paused") != NULL);
	add_bool(params, "ignore_unsupported",
		 option("ignore-unsupported") != NULL);
	result = call(c, "create", params, &status);
	return result ? started(c, result) : status;
}

static int cmd_start(struct cli *c)
{
	struct json_object *params, *result;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	params = params_domain(c->argv[1]);
	add_bool(params, "paused", option("paused") != NULL);
	result = call(c, "start", params, &status);
	return result ? started(c, result) : status;
}

/* ---- waiting for the end ------------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Let the next read give up then; 0: never. */
static void set_patience(struct cli *c, double seconds)
{
	struct timeval tv = {
		.tv_sec = (time_t)seconds,
		.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) *
					 1e6),
	};

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* A wait for a domain's end, and what it has heard. */
struct ending {
	char uuid[64];
	bool reboot; /* it shall come back */
	bool restarts; /* it ended, and is to be started again */
	bool failed; /* it is not, though it should */
};

/* After this event there is nothing to wait for. */
static bool is_last(struct ending *e, struct json_object *o)
{
	const char *event = get_string(o, "event");
	const char *then = get_string(o, "then");

	if (strcmp(get_string(o, "uuid"), e->uuid))
		return false;
	if (*then)
		e->restarts = !strcmp(then, "restart");
	if (!strcmp(then, "preserve"))
		return true;
	if (!strcmp(event, "destroyed"))
		return !e->reboot || !e->restarts;
	if (!e->reboot)
		return false;
	if (!strcmp(event, "failed"))
		e->failed = true;
	return !strcmp(event, "started") || (e->failed && e->restarts);
}

static int wait_end(struct cli *c, struct ending *e, double seconds)
{
	double until = now() + seconds, left = 0;
	struct json_object *o;
	bool last = false;

	while (!last) {
		left = until - now();
		if (seconds > 0 && left <= 0)
			return complain(STATUS_TIMEOUT,
					"it did not end within %g s", seconds);
		set_patience(c, seconds > 0 ? left + 0.001 : 0);
		o = next_message(c);
		if (!o && errno == EAGAIN)
			continue;
		if (!o)
			return complain(STATUS_NO_DAEMON,
					"the daemon has gone");
		last = is_last(e, o);
		json_object_put(o);
	}
	set_patience(c, 0);
	return e->failed ? complain(STATUS_FAILED, "it did not start again")
			 : STATUS_OK;
}

/* Ask; with --wait, subscribe first, and wait for the events. */
static int ask_to_end(struct cli *c, const char *method, bool reboot)
{
	struct ending e = {.reboot = reboot};
	struct json_object *info;
	double seconds = 0;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	if (option("timeout") && !parse_seconds(option("timeout"), &seconds))
		return usage(c);
	if (option("wait") || option("timeout")) {
		info = call(c, "info", params_domain(c->argv[1]), &status);
		if (!info)
			return status;
		snprintf(e.uuid, sizeof(e.uuid), "%s",
			 get_string(info, "uuid"));
		json_object_put(info);
		json_object_put(call(c, "subscribe", NULL, &status));
	}
	status = call_simple(c, method, params_domain(c->argv[1]));
	if (status || !*e.uuid)
		return status;
	return wait_end(c, &e, seconds);
}

static int cmd_shutdown(struct cli *c)
{
	return ask_to_end(c, "shutdown", false);
}

static int cmd_reboot(struct cli *c)
{
	return ask_to_end(c, "reboot", true);
}

static int simple(struct cli *c, const char *method)
{
	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	return call_simple(c, method, params_domain(c->argv[1]));
}

static int cmd_destroy(struct cli *c)
{
	return simple(c, "destroy");
}

static int cmd_pause(struct cli *c)
{
	return simple(c, "pause");
}

static int cmd_resume(struct cli *c)
{
	return simple(c, "resume");
}

static int cmd_console(struct cli *c)
{
	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	return console_attach(c, c->argv[1], option("read-only") != NULL);
}

const struct command life_commands[] = {
	{"create", "[--paused] [--console] [--ignore-unsupported] FILE",
	 "start a domain from XML", cmd_create},
	{"start", "[--paused] [--console] DOMAIN", "start a defined domain",
	 cmd_start},
	{"console", "[--read-only] DOMAIN", "its console; leave with Ctrl-]",
	 cmd_console},
	{"shutdown", "[--wait] [--timeout=S] DOMAIN", "ask it to power off",
	 cmd_shutdown},
	{"reboot", "[--wait] [--timeout=S] DOMAIN", "ask it to reboot",
	 cmd_reboot},
	{"destroy", "DOMAIN", "end it now", cmd_destroy},
	{"pause", "DOMAIN", "stop its CPUs", cmd_pause},
	{"resume", "DOMAIN", "let them go on", cmd_resume},
	{NULL, NULL, NULL, NULL},
};
