/* SPDX-License-Identifier: MIT */
/*
 * Talking to the daemon: lines of JSON over its socket.
 *
 * Progress goes to standard error, on one line that the next one overwrites,
 * and only on a terminal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/cli/cli.h"

int daemon_connect(struct cli *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (c->fd >= 0)
		return STATUS_OK;
	if (strlen(c->socket) >= sizeof(sa.sun_path))
		return complain(STATUS_USAGE, "%s: the name is too long",
				c->socket);
	strcpy(sa.sun_path, c->socket);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && !connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)))
		return STATUS_OK;
	complain(STATUS_NO_DAEMON, "no daemon at %s: %s%s", c->socket,
		 strerror(errno),
		 errno == EACCES ? "" : " (does parapetd run?)");
	close(c->fd);
	c->fd = -1;
	return STATUS_NO_DAEMON;
}

static bool send_line(struct cli *c, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t n = strlen(text), at = 0;
	ssize_t done;
	char *line = malloc(n + 1);

	if (!line)
		return false;
	memcpy(line, text, n);
	line[n++] = '\n';
	while (at < n) {
		done = send(c->fd, line + at, n - at, MSG_NOSIGNAL);
		if (done < 0 && errno != EINTR)
			break;
		at += done < 0 ? 0 : (size_t)done;
	}
	free(line);
	return at == n;
}

/* More bytes; false: the daemon has gone. */
static bool receive(struct cli *c)
{
	char *p;
	ssize_t n;

	if (c->in_room - c->in_len < 65536) {
		p = realloc(c->in, c->in_room + 131072);
		if (!p)
			return false;
		c->in = p;
		c->in_room += 131072;
	}
	do
		n = recv(c->fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	while (n < 0 && errno == EINTR);
	c->in_len += n > 0 ? (size_t)n : 0;
	if (!n)
		errno = ECONNRESET;
	return n > 0;
}

struct json_object *next_message(struct cli *c)
{
	struct json_object *o;
	char *newline = NULL;
	size_t n;

	while (!c->in_len || !(newline = memchr(c->in, '\n', c->in_len)))
		if (!receive(c))
			return NULL;
	*newline = '\0';
	o = json_tokener_parse(c->in);
	n = (size_t)(newline + 1 - c->in);
	memmove(c->in, newline + 1, c->in_len - n);
	c->in_len -= n;
	if (!o)
		errno = EPROTO;
	return o;
}

/* ---- progress ------------------------------------------------------------------ */

static bool progress_wanted(const struct cli *c)
{
	return !c->quiet && !c->json && isatty(STDERR_FILENO);
}

static void progress_show(struct cli *c, struct json_object *progress)
{
	fprintf(stderr, "\r%s: %s ...\033[K", get_string(progress, "domain"),
		get_string(progress, "stage"));
	c->progress_shown = true;
}

static void progress_clear(struct cli *c)
{
	if (c->progress_shown)
		fputs("\r\033[K", stderr);
	c->progress_shown = false;
}

/* ---- calls --------------------------------------------------------------------- */

static enum status status_of(const char *code)
{
	static const struct {
		const char *code;
		enum status status;
	} table[] = {
		{"invalid", STATUS_INVALID},
		{"unsupported", STATUS_INVALID},
		{"not-found", STATUS_NOT_FOUND},
		{"exists", STATUS_STATE},
		{"state", STATUS_STATE},
		{"limit", STATUS_LIMIT},
		{"timeout", STATUS_TIMEOUT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].code, code))
			return table[i].status;
	return STATUS_FAILED;
}

static int print_failure(struct cli *c, struct json_object *error)
{
	struct json_object *details = get_array(error, "details");
	const char *code = get_string(error, "code");
	int status =
		complain(status_of(code), "%s", get_string(error, "message"));

	/* The first is in the message. */
	for (size_t i = 1; details && i < json_object_array_length(details);
	     i++)
		fprintf(stderr, "  %s\n",
			json_object_get_string(
				json_object_array_get_idx(details, i)));
	if (details && !strcmp(code, "unsupported"))
		fputs("  (--ignore-unsupported goes on without it)\n", stderr);
	if (c->json)
		print_json(error);
	return status;
}

static void print_warnings(struct cli *c, struct json_object *result)
{
	struct json_object *list = get_array(result, "warnings");

	for (size_t i = 0;
	     !c->quiet && list && i < json_object_array_length(list); i++)
		fprintf(stderr, "parapet: warning: %s\n",
			json_object_get_string(
				json_object_array_get_idx(list, i)));
}

/* The answer to request `id`; *status is set if there is none. */
static struct json_object *wait_answer(struct cli *c, int id, int *status)
{
	struct json_object *o, *part, *result = NULL;

	while ((o = next_message(c))) {
		if (!has(o, "id") || get_number(o, "id") != id) {
			json_object_put(o);
			continue;
		}
		if (json_object_object_get_ex(o, "progress", &part)) {
			if (progress_wanted(c))
				progress_show(c, part);
			json_object_put(o);
			continue;
		}
		progress_clear(c);
		if (json_object_object_get_ex(o, "result", &result))
			json_object_get(result);
		else if (json_object_object_get_ex(o, "error", &part))
			*status = print_failure(c, part);
		else
			*status = complain(STATUS_FAILED,
					   "the daemon's answer makes no "
					   "sense");
		json_object_put(o);
		return result;
	}
	progress_clear(c);
	*status = complain(STATUS_NO_DAEMON, "the daemon has gone");
	return NULL;
}

struct json_object *call(struct cli *c, const char *method,
			 struct json_object *params, int *status)
{
	struct json_object *o = params_new(), *result = NULL;
	int id = ++c->next_id;

	*status = daemon_connect(c);
	add_number(o, "id", id);
	add_string(o, "method", method);
	/* Each line of progress would wake us up. */
	if (params && !progress_wanted(c))
		add_bool(params, "silent", true);
	if (params)
		json_object_object_add(o, "params", params);
	if (*status == STATUS_OK && !send_line(c, o))
		*status = complain(STATUS_NO_DAEMON, "the daemon has gone");
	else if (*status == STATUS_OK)
		result = wait_answer(c, id, status);
	json_object_put(o);
	if (result)
		print_warnings(c, result);
	return result;
}

int call_simple(struct cli *c, const char *method, struct json_object *params)
{
	int status;
	struct json_object *result = call(c, method, params, &status);

	if (result && c->json)
		print_json(result);
	json_object_put(result);
	return status;
}
