/* SPDX-License-Identifier: MIT */
/*
 * parapet: the command line of the toolstack daemon.
 *
 * A command asks the daemon (call()), and prints a table or, with --json, the
 * result as it came.
 */
#ifndef TOOLS_CLI_CLI_H
#define TOOLS_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

/* Exit statuses: a script can tell why. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_FOUND = 3,
	STATUS_STATE = 4, /* not possible now, or it exists already */
	STATUS_LIMIT = 5,
	STATUS_INVALID = 6, /* XML or a value; not supported */
	STATUS_TIMEOUT = 7,
	STATUS_NO_DAEMON = 8,
};

struct cli {
	const char *socket;
	bool json, quiet;
	int fd; /* -1: not connected */
	char *in; /* bytes received */
	size_t in_len, in_room;
	int next_id;
	bool progress_shown;
	int argc; /* of the command, its name first */
	char **argv;
};

struct command {
	const char *name;
	const char *arguments; /* for the help, and for take_options() */
	const char *what;
	int (*run)(struct cli *c);
};

/* The tables, by file; each ends with a NULL name. */
extern const struct command life_commands[], device_commands[], info_commands[],
	config_commands[], live_commands[];
const struct command *command_find(const char *name);

/* Wrong usage of the command; returns STATUS_USAGE. */
int usage(struct cli *c);
/* "parapet: ..." */
int complain(enum status status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- the daemon ---------------------------------------------------------------- */

/* Send one request (params is taken, may be NULL), show its progress, and wait
 * for the answer.  NULL: the failure was printed, *status is set. */
struct json_object *call(struct cli *c, const char *method,
			 struct json_object *params, int *status);
/* The same when the result does not matter, printing it with --json. */
int call_simple(struct cli *c, const char *method, struct json_object *params);
/* The next line from the daemon, parsed; NULL: it has gone. */
struct json_object *next_message(struct cli *c);
int daemon_connect(struct cli *c);

/* ---- building and reading JSON ------------------------------------------------- */

struct json_object *params_new(void);
/* {"domain": name} */
struct json_object *params_domain(const char *name);
void add_string(struct json_object *o, const char *name, const char *value);
void add_number(struct json_object *o, const char *name, long long value);
void add_bool(struct json_object *o, const char *name, bool value);
const char *get_string(struct json_object *o, const char *name);
long long get_number(struct json_object *o, const char *name);
double get_double(struct json_object *o, const char *name);
bool get_bool(struct json_object *o, const char *name);
bool has(struct json_object *o, const char *name);
struct json_object *get_array(struct json_object *o, const char *name);
void print_json(struct json_object *o);

/* ---- arguments ----------------------------------------------------------------- */

/*
 * Options of a command, as its usage has them: "[--wait] [--timeout=S]".  They
 * are removed from argv.  False: an unknown one, or a value is missing; usage()
 * was called.
 */
bool take_options(struct cli *c);
/* The value of an option, "" without one; NULL: it was not given. */
const char *option(const char *name);
/* Exactly so many arguments besides the name, else usage(). */
bool want_args(struct cli *c, int least, int most);

bool parse_number(const char *text, long *n);
/* Not below 0. */
bool parse_seconds(const char *text, double *seconds);
/* A size: a number of KiB, or with k, M, G, T.  0: wrong. */
unsigned long long parse_size(const char *text);
/* A file, or "-"; NULL: said why. */
char *read_file(const char *path);

/* XML that a command made itself. */
void xml_attr(FILE *f, const char *name, const char *value);

#endif
