/* SPDX-License-Identifier: MIT */
/*
 * The daemon's socket: lines of JSON in, lines of JSON out (README.md).
 *
 * A request lives until it is answered, exactly once, perhaps after its
 * connection has gone.
 */
#ifndef TOOLS_DAEMON_SERVER_H
#define TOOLS_DAEMON_SERVER_H

#include <json-c/json.h>

#include "tools/daemon/job.h"

#define SERVER_LINE_MAX (4u << 20)
#define SERVER_BACKLOG  (1u << 20) /* bytes that a subscriber may be behind */
#define SERVER_ANSWERS  (64u << 20) /* that wait for who reads none of them */
#define SERVER_CONNS    256

struct conn;

struct request {
	struct daemon *dm;
	struct conn *conn; /* NULL: it has gone */
	struct request *next; /* of the same connection */
	struct json_object *id, *params;
	const char *method; /* of the table */
	struct job_waiter waiter; /* for methods that start a job */
	struct json_object *warnings; /* for the result, or NULL */
};

struct server *server_open(struct daemon *dm, struct fail *why);
void server_close(struct server *s);

/* The reference to `result` is taken; NULL: an empty one. */
void request_answer(struct request *r, struct json_object *result);
/* details (taken) may be NULL. */
void request_fail(struct request *r, const struct fail *why,
		  struct json_object *details);
/* Not an answer; o is taken. */
void request_progress(struct request *r, struct json_object *o);
void request_subscribe(struct request *r);

/* Parameters; a wrong one is a failure in *why. */
const char *param_string(struct request *r, const char *name, struct fail *why);
bool param_bool(const struct request *r, const char *name);
/* fallback if it is not there; PARAM_WRONG, which no limits allow, if it is
 * something else. */
#define PARAM_WRONG INT64_MIN
int64_t param_number(const struct request *r, const char *name,
		     int64_t fallback);

/* Carry out; methods.c. */
void method_call(struct request *r, const char *name);

/* {"name":value}, for building results. */
void put_string(struct json_object *o, const char *name, const char *value);
void put_number(struct json_object *o, const char *name, int64_t value);
void put_bool(struct json_object *o, const char *name, bool value);

#endif
