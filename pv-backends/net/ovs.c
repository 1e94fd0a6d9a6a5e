/* SPDX-License-Identifier: MIT */
/*
 * Ports of Open vSwitch, through its database (RFC 7047): JSON-RPC on a Unix
 * socket.
 *
 * Bridge, port and interface are rows of three tables; a port that no bridge
 * refers to any more disappears by itself, and its interface with it.  The
 * switch sees the change, there is no other call.
 *
 *	transact: find the bridge, find the port
 *	transact: insert interface and port, add the port to the bridge
 *	...
 *	transact: take the port from the bridge
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "pv-backends/net/ovs.h"

#define DEFAULT_SOCKET "/var/run/openvswitch/db.sock"

enum {
	PATIENCE_S = 5,
	UUID = 40,
	ANSWER_MAX = 65536,
};

struct ovs {
	int fd;
	char bridge[32], port[UUID];
};

static int say(char *why, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int say(char *why, size_t len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, len, fmt, ap);
	va_end(ap);
	return -1;
}

static int connect_database(char *why, size_t len)
{
	const char *path = getenv("PARAPET_OVSDB");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s",
		 path ? path : DEFAULT_SOCKET);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		return fd;
	}
	say(why, len, "openvswitch: %s: %s", sa.sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- requests and answers -------------------------------------------------------- */

/* Read until one JSON value is complete. */
static struct json_object *receive(int fd)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *value = NULL;
	size_t total = 0;
	char part[4096];
	ssize_t n;

	while (tok && !value && total < ANSWER_MAX) {
		n = recv(fd, part, sizeof(part), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		total += (size_t)n;
		value = json_tokener_parse_ex(tok, part, (int)n);
		if (!value &&
		    json_tokener_get_error(tok) != json_tokener_continue)
			break;
	}
	if (tok)
		json_tokener_free(tok);
	return value;
}

/* The member `key` of result n of a transaction; or of the answer (n < 0). */
static struct json_object *member(struct json_object *answer, int n,
				  const char *key)
{
	struct json_object *o = answer, *m = NULL;

	if (n >= 0) {
		if (!json_object_object_get_ex(answer, "result", &o) ||
		    !json_object_is_type(o, json_type_array))
			return NULL;
		o = json_object_array_get_idx(o, (size_t)n);
	}
	if (!o || !json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &m))
		return NULL;
	return m;
}

/* What the database says was wrong, or NULL. */
static const char *complaint(struct json_object *answer)
{
	struct json_object *e, *result = NULL;
	size_t n;

	e = member(answer, -1, "error");
	if (e)
		return json_object_get_string(e);
	if (!json_object_object_get_ex(answer, "result", &result) ||
	    !json_object_is_type(result, json_type_array))
		return "no result";
	n = json_object_array_length(result);
	for (size_t i = 0; i < n; i++) {
		e = member(answer, (int)i, "error");
		if (e)
			return json_object_get_string(e);
	}
	return NULL;
}

/* Carry out operations, written as JSON; NULL: see why. */
static struct json_object *transact(struct ovs *o, const char *operations,
				    char *why, size_t len)
{
	struct json_object *answer;
	const char *bad = "no answer";
	char *text;
	int n = asprintf(&text,
			 "{\"id\":1,\"method\":\"transact\",\"params\":"
			 "[\"Open_vSwitch\",%s]}",
			 operations);

	if (n < 0)
		return NULL;
	answer = send(o->fd, text, (size_t)n, MSG_NOSIGNAL) == n
			 ? receive(o->fd)
			 : NULL;
	free(text);
	if (answer)
		bad = complaint(answer);
	if (!bad)
		return answer;
	say(why, len, "openvswitch %.31s: %.160s", o->bridge, bad);
	json_object_put(answer);
	return NULL;
}

/* The text in ["uuid", "..."]. */
static bool copy_uuid(char uuid[UUID], struct json_object *pair)
{
	struct json_object *text;

	if (!pair || !json_object_is_type(pair, json_type_array))
		return false;
	text = json_object_array_get_idx(pair, 1);
	if (!text ||
	    strspn(json_object_get_string(text), "0123456789abcdef-") != 36)
		return false;
	snprintf(uuid, UUID, "%.36s", json_object_get_string(text));
	return true;
}

/* The first row that result n has. */
static struct json_object *first_row(struct json_object *answer, int n)
{
	struct json_object *rows = member(answer, n, "rows");

	if (!rows || !json_object_is_type(rows, json_type_array))
		return NULL;
	return json_object_array_get_idx(rows, 0);
}

/* ---- ports -------------------------------------------------------------------------- */

/* 1: the port is there, 0: it is not, -1. */
static int find_port(struct ovs *o, const char *interface, char *why,
		     size_t len)
{
	struct json_object *answer, *row, *uuid;
	char ops[512];
	int rc = 0;

	snprintf(ops, sizeof(ops),
		 "{\"op\":\"select\",\"table\":\"Bridge\",\"columns\":"
		 "[\"_uuid\"],\"where\":[[\"name\",\"==\",\"%s\"]]},"
		 "{\"op\":\"select\",\"table\":\"Port\",\"columns\":"
		 "[\"_uuid\"],\"where\":[[\"name\",\"==\",\"%s\"]]}",
		 o->bridge, interface);
	answer = transact(o, ops, why, len);
	if (!answer)
		return -1;
	row = first_row(answer, 1);
	if (!first_row(answer, 0))
		rc = say(why, len, "bridge %s: no such bridge of openvswitch",
			 o->bridge);
	else if (row && json_object_object_get_ex(row, "_uuid", &uuid) &&
		 copy_uuid(o->port, uuid))
		rc = 1;
	json_object_put(answer);
	return rc;
}

static int insert_port(struct ovs *o, const char *interface, char *why,
		       size_t len)
{
	struct json_object *answer;
	char ops[1024];
	int rc = 0;

	snprintf(ops, sizeof(ops),
		 "{\"op\":\"insert\",\"table\":\"Interface\",\"row\":"
		 "{\"name\":\"%s\"},\"uuid-name\":\"i\"},"
		 "{\"op\":\"insert\",\"table\":\"Port\",\"row\":{\"name\":"
		 "\"%s\",\"interfaces\":[\"named-uuid\",\"i\"]},"
		 "\"uuid-name\":\"p\"},"
		 "{\"op\":\"mutate\",\"table\":\"Bridge\",\"where\":"
		 "[[\"name\",\"==\",\"%s\"]],\"mutations\":"
		 "[[\"ports\",\"insert\",[\"named-uuid\",\"p\"]]]}",
		 interface, interface, o->bridge);
	answer = transact(o, ops, why, len);
	if (!answer)
		return -1;
	if (!copy_uuid(o->port, member(answer, 1, "uuid")))
		rc = say(why, len, "openvswitch %s: no port was made",
			 o->bridge);
	json_object_put(answer);
	return rc;
}

static void remove_port(struct ovs *o)
{
	char ops[512], why[256];

	snprintf(ops, sizeof(ops),
		 "{\"op\":\"mutate\",\"table\":\"Bridge\",\"where\":"
		 "[[\"name\",\"==\",\"%s\"]],\"mutations\":"
		 "[[\"ports\",\"delete\",[\"uuid\",\"%s\"]]]}",
		 o->bridge, o->port);
	json_object_put(transact(o, ops, why, sizeof(why)));
}

/* Names go into JSON as they are. */
static bool plain(const char *name)
{
	return *name && !strpbrk(name, "\"\\") && strlen(name) < 32;
}

struct ovs *ovs_attach(const char *bridge, const char *interface, char *why,
		       size_t len)
{
	struct ovs *o;
	int rc;

	if (!plain(bridge) || !plain(interface)) {
		say(why, len, "bridge %.64s: not a name", bridge);
		return NULL;
	}
	o = calloc(1, sizeof(*o));
	if (!o) {
		say(why, len, "no memory");
		return NULL;
	}
	strcpy(o->bridge, bridge);
	o->fd = connect_database(why, len);
	if (o->fd < 0) {
		free(o);
		return NULL;
	}
	rc = find_port(o, interface, why, len);
	if (!rc)
		rc = insert_port(o, interface, why, len);
	if (rc >= 0)
		return o;
	ovs_close(o, false);
	return NULL;
}

void ovs_close(struct ovs *o, bool remove)
{
	if (remove && *o->port)
		remove_port(o);
	close(o->fd);
	free(o);
}
