/* SPDX-License-Identifier: MIT */
/*
 * Connections: bytes to lines, lines to requests, answers to bytes.
 *
 * Who can open the socket may do everything; it is its owner's alone, or a
 * group's.  Nothing waits for a client: what one does not read is kept up to a
 * bound, beyond which it is disconnected.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/daemon/server.h"
#include "tools/daemon/server_internal.h"

#define CHUNK 65536

/* ---- bytes --------------------------------------------------------------------- */

static bool bytes_add(struct bytes *b, const void *data, size_t n)
{
	size_t room = b->room ? b->room : 4096;
	char *p;

	/* What was sent goes, though there may always be something to send. */
	if (b->at && (b->at > b->room / 2 || b->at == b->len)) {
		memmove(b->data, b->data + b->at, b->len - b->at);
		b->len -= b->at;
		b->at = 0;
	}
	while (room < b->len + n)
		room *= 2;
	if (room != b->room) {
		p = realloc(b->data, room);
		if (!p)
			return false;
		b->data = p;
		b->room = room;
	}
	memcpy(b->data + b->len, data, n);
	b->len += n;
	return true;
}

void conn_close(struct conn *c)
{
	struct request *r;

	for (r = c->requests; r; r = r->next)
		r->conn = NULL;
	ev_io_stop(c->server->dm->loop, &c->read_io);
	ev_io_stop(c->server->dm->loop, &c->write_io);
	close(c->fd);
	TAILQ_REMOVE(&c->server->conns, c, link);
	c->server->nr_conns--;
	free(c->in.data);
	free(c->out.data);
	free(c);
}

/* Send what is there; false: the connection is broken. */
static bool conn_flush(struct conn *c)
{
	struct bytes *b = &c->out;
	ssize_t n;

	while (b->at < b->len) {
		n = send(c->fd, b->data + b->at, b->len - b->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		b->at += (size_t)n;
	}
	if (b->at < b->len)
		ev_io_start(c->server->dm->loop, &c->write_io);
	else
		ev_io_stop(c->server->dm->loop, &c->write_io);
	return true;
}

/* A broken connection is closed by its reader, in a turn of its own. */
void conn_send(struct conn *c, struct json_object *o)
{
	size_t n;
	const char *text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	if (c->broken)
		return;
	if (!text || !bytes_add(&c->out, text, n) ||
	    !bytes_add(&c->out, "\n", 1) || !conn_flush(c) ||
	    c->out.len - c->out.at >
		    (c->subscribed ? SERVER_BACKLOG : SERVER_ANSWERS)) {
		c->broken = true;
		shutdown(c->fd, SHUT_RDWR);
	}
}

/* ---- lines --------------------------------------------------------------------- */

static void conn_refuse(struct conn *c, const char *what)
{
	struct request *r = calloc(1, sizeof(*r));
	struct fail why;

	if (!r)
		return;
	r->dm = c->server->dm;
	r->conn = c;
	r->next = c->requests;
	c->requests = r;
	fail_set(&why, FAIL_INVALID, "%s", what);
	request_fail(r, &why, NULL);
}

static void conn_request(struct conn *c, struct json_object *o)
{
	struct json_object *method;
	struct request *r;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "method", &method) ||
	    !json_object_is_type(method, json_type_string)) {
		conn_refuse(c, "not a request: an object with \"method\"");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->dm = c->server->dm;
	r->conn = c;
	r->next = c->requests;
	c->requests = r;
	if (json_object_object_get_ex(o, "id", &r->id))
		json_object_get(r->id);
	if (json_object_object_get_ex(o, "params", &r->params))
		json_object_get(r->params);
	method_call(r, json_object_get_string(method));
}

static void conn_line(struct conn *c, const char *line, size_t n)
{
	struct json_tokener *t = json_tokener_new_ex(32);
	struct json_object *o = NULL;

	if (!t)
		return;
	json_tokener_set_flags(t, JSON_TOKENER_STRICT |
					  JSON_TOKENER_VALIDATE_UTF8);
	if (n)
		o = json_tokener_parse_ex(t, line, (int)n);
	if (n && json_tokener_get_error(t) == json_tokener_success)
		conn_request(c, o);
	else if (n)
		conn_refuse(c, "not a line of JSON");
	json_object_put(o);
	json_tokener_free(t);
}

/* Whole lines; what is left stays. */
static void conn_lines(struct conn *c)
{
	struct bytes *b = &c->in;
	char *start = b->data, *end = b->data + b->len, *newline;

	while (!c->broken && start < end &&
	       (newline = memchr(start, '\n', (size_t)(end - start)))) {
		*newline = '\0';
		conn_line(c, start, (size_t)(newline - start));
		start = newline + 1;
	}
	b->len = (size_t)(end - start);
	memmove(b->data, start, b->len);
	if (b->len > SERVER_LINE_MAX)
		conn_refuse(c, "the line is too long");
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct conn *c = io->data;
	char chunk[CHUNK];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !bytes_add(&c->in, chunk, (size_t)n)) {
		conn_close(c);
		return;
	}
	conn_lines(c);
	if (c->in.len > SERVER_LINE_MAX)
		conn_close(c);
}

static void on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct conn *c = io->data;

	(void)loop;
	(void)events;
	if (!conn_flush(c)) {
		c->broken = true;
		shutdown(c->fd, SHUT_RDWR);
		ev_io_stop(loop, &c->write_io);
	}
}

static void on_connection(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct server *s = io->data;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *c;

	(void)events;
	if (fd < 0)
		return;
	c = s->nr_conns < SERVER_CONNS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->fd = fd;
	ev_io_init(&c->read_io, on_readable, fd, EV_READ);
	ev_io_init(&c->write_io, on_writable, fd, EV_WRITE);
	c->read_io.data = c->write_io.data = c;
	ev_io_start(loop, &c->read_io);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->nr_conns++;
}

/* ---- the socket ---------------------------------------------------------------- */

static int set_group(const struct settings *set, struct fail *why)
{
	struct group *g =
		set->socket_group ? getgrnam(set->socket_group) : NULL;

	if (!set->socket_group)
		return 0;
	if (!g)
		return fail_set(why, FAIL_NOT_FOUND, "group %s: no such group",
				set->socket_group);
	if (chown(set->socket, (uid_t)-1, g->gr_gid) ||
	    chmod(set->socket, 0660))
		return fail_set(why, FAIL_FAILED, "%s: %s", set->socket,
				strerror(errno));
	return 0;
}

/* Another daemon that answers keeps its socket. */
static bool is_alive(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = !connect(fd, (const struct sockaddr *)sa, sizeof(*sa));

	close(fd);
	return alive;
}

static int listen_on(struct server *s, const struct settings *set,
		     struct fail *why)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	mode_t mask;
	int rc;

	if (strlen(set->socket) >= sizeof(sa.sun_path))
		return fail_set(why, FAIL_INVALID, "%s: the name is too long",
				set->socket);
	strcpy(sa.sun_path, set->socket);
	if (is_alive(&sa))
		return fail_set(why, FAIL_EXISTS,
				"%s: another daemon is listening", set->socket);
	unlink(set->socket);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	rc = bind(s->fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc || listen(s->fd, 64))
		return fail_set(why, FAIL_FAILED, "%s: %s", set->socket,
				strerror(errno));
	return set_group(set, why);
}

struct server *server_open(struct daemon *dm, struct fail *why)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s) {
		fail_set(why, FAIL_LIMIT, "no memory");
		return NULL;
	}
	s->dm = dm;
	s->fd = -1;
	TAILQ_INIT(&s->conns);
	if (listen_on(s, dm->set, why)) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return NULL;
	}
	ev_io_init(&s->io, on_connection, s->fd, EV_READ);
	s->io.data = s;
	ev_io_start(dm->loop, &s->io);
	return s;
}

void server_close(struct server *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->conns))
		conn_close(TAILQ_FIRST(&s->conns));
	ev_io_stop(s->dm->loop, &s->io);
	close(s->fd);
	unlink(s->dm->set->socket);
	free(s);
}
