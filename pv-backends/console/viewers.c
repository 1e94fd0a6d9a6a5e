/* SPDX-License-Identifier: MIT */
/*
 * Who looks at a console: a pty, and any number of clients of a Unix socket.
 *
 * All of them see everything; who comes later first sees what is remembered.
 * Of the clients the one that has been there longest may type; what the others
 * type is dropped, until it is their turn.  The pty may always.
 *
 * Nobody makes the guest wait: a client that does not read is disconnected when
 * too much waits for it, and a pty that nobody reads loses what does not fit.
 *
 * The pty's window size is that of the console, whoever sets it (stty, parapet
 * console).  Nobody is told when it changes, so it is looked at when something
 * is typed there, and again and again while there are clients.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "pv-backends/console/console.h"

enum {
	REMEMBERED = 32 << 10,
	WAITING_MOST = 256 << 10,
	CLIENTS_MOST = 32,
	TYPED_AT_ONCE = 512,
};

#define SIZE_PAUSE 0.5 /* seconds between looks at the window's size */

struct client {
	struct viewers *v;
	struct ev_io in, out;
	char *waiting; /* not taken yet */
	size_t nr_waiting;
	TAILQ_ENTRY(client) link;
};

struct viewers {
	struct ev_loop *loop;
	const struct viewers_ops *ops;
	void *owner;
	int listener, master, slave;
	char tty[64];
	struct ev_io coming, typing;
	struct ev_timer sizing;
	struct winsize size;
	TAILQ_HEAD(, client) clients; /* the first may type */
	unsigned int nr_clients;
	char remembered[REMEMBERED]; /* circular */
	size_t shown;
};

/* ---- the window ----------------------------------------------------------------------- */

static void look_at_size(struct viewers *v)
{
	struct winsize now;

	if (ioctl(v->master, TIOCGWINSZ, &now) ||
	    (now.ws_row == v->size.ws_row && now.ws_col == v->size.ws_col))
		return;
	v->size = now;
	v->ops->resized(v->owner, now.ws_row, now.ws_col);
}

static void on_sizing(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct viewers *v = w->data;

	(void)what;
	look_at_size(v);
	if (!v->nr_clients)
		ev_timer_stop(loop, w);
}

/* ---- clients ------------------------------------------------------------------------ */

static void drop(struct client *c)
{
	struct viewers *v = c->v;
	bool first = TAILQ_FIRST(&v->clients) == c;

	ev_io_stop(v->loop, &c->in);
	ev_io_stop(v->loop, &c->out);
	close(c->in.fd);
	TAILQ_REMOVE(&v->clients, c, link);
	v->nr_clients--;
	free(c->waiting);
	free(c);
	if (first && (c = TAILQ_FIRST(&v->clients)))
		ev_io_start(v->loop, &c->in);
}

/* False: the client is gone. */
static bool keep(struct client *c, const char *text, size_t bytes)
{
	char *more;

	if (c->nr_waiting + bytes > WAITING_MOST)
		return false;
	more = realloc(c->waiting, c->nr_waiting + bytes);
	if (!more)
		return false;
	memcpy(more + c->nr_waiting, text, bytes);
	c->waiting = more;
	c->nr_waiting += bytes;
	ev_io_start(c->v->loop, &c->out);
	return true;
}

static void tell(struct client *c, const char *text, size_t bytes)
{
	ssize_t n = 0;

	if (!c->nr_waiting) {
		n = send(c->in.fd, text, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			drop(c);
			return;
		}
		n = n < 0 ? 0 : n;
	}
	if ((size_t)n < bytes && !keep(c, text + n, bytes - (size_t)n))
		drop(c);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int what)
{
	struct client *c = w->data;
	ssize_t n = send(w->fd, c->waiting, c->nr_waiting,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)what;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->nr_waiting -= (size_t)n;
	memmove(c->waiting, c->waiting + n, c->nr_waiting);
	if (!c->nr_waiting)
		ev_io_stop(loop, w);
}

static void on_client(struct ev_loop *loop, struct ev_io *w, int what)
{
	struct client *c = w->data;
	struct viewers *v = c->v;
	bool writer = TAILQ_FIRST(&v->clients) == c;
	size_t room = writer ? v->ops->room(v->owner) : TYPED_AT_ONCE;
	char text[TYPED_AT_ONCE];
	ssize_t n;

	(void)what;
	if (!room) {
		ev_io_stop(loop, w); /* until viewers_more() */
		return;
	}
	n = recv(w->fd, text, room < sizeof(text) ? room : sizeof(text),
		 MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		drop(c);
	else if (writer)
		v->ops->typed(v->owner, text, (size_t)n);
}

static void tell_remembered(struct client *c)
{
	const struct viewers *v = c->v;
	size_t end = v->shown % REMEMBERED;

	if (v->shown > REMEMBERED &&
	    !keep(c, v->remembered + end, REMEMBERED - end))
		return;
	if (end)
		keep(c, v->remembered, end);
}

static void on_coming(struct ev_loop *loop, struct ev_io *w, int what)
{
	struct viewers *v = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;

	(void)what;
	if (fd < 0)
		return;
	c = v->nr_clients < CLIENTS_MOST ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->v = v;
	ev_io_init(&c->in, on_client, fd, EV_READ);
	ev_io_init(&c->out, on_writable, fd, EV_WRITE);
	c->in.data = c->out.data = c;
	TAILQ_INSERT_TAIL(&v->clients, c, link);
	v->nr_clients++;
	tell_remembered(c);
	ev_io_start(loop, &c->in);
	ev_timer_again(loop, &v->sizing);
}

/* ---- the pty --------------------------------------------------------------------------- */

static void on_typing(struct ev_loop *loop, struct ev_io *w, int what)
{
	struct viewers *v = w->data;
	size_t room = v->ops->room(v->owner);
	char text[TYPED_AT_ONCE];
	ssize_t n;

	(void)what;
	if (!room) {
		ev_io_stop(loop, w);
		return;
	}
	look_at_size(v);
	n = read(w->fd, text, room < sizeof(text) ? room : sizeof(text));
	if (n > 0)
		v->ops->typed(v->owner, text, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		ev_io_stop(loop, w);
}

/* The other end stays open here too: no hang-up when the last reader goes. */
static int make_pty(struct viewers *v)
{
	struct termios raw;

	v->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (v->master < 0 || grantpt(v->master) || unlockpt(v->master) ||
	    ptsname_r(v->master, v->tty, sizeof(v->tty)))
		return -1;
	v->slave = open(v->tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (v->slave < 0 || tcgetattr(v->slave, &raw))
		return -1;
	cfmakeraw(&raw);
	if (tcsetattr(v->slave, TCSANOW, &raw))
		return -1;
	return fcntl(v->master, F_SETFL, O_NONBLOCK);
}

static int make_socket(struct viewers *v, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int rc;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	v->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (v->listener < 0)
		return -1;
	unlink(path);
	mask = umask(0077);
	rc = bind(v->listener, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	return rc ? rc : listen(v->listener, 8);
}

/* ---- all ----------------------------------------------------------------------------------- */

struct viewers *viewers_open(struct ev_loop *loop, const char *socket,
			     const struct viewers_ops *ops, void *owner)
{
	struct viewers *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->loop = loop;
	v->ops = ops;
	v->owner = owner;
	v->listener = v->master = v->slave = -1;
	TAILQ_INIT(&v->clients);
	ev_init(&v->coming, on_coming);
	ev_init(&v->typing, on_typing);
	ev_timer_init(&v->sizing, on_sizing, 0, SIZE_PAUSE);
	v->coming.data = v->typing.data = v->sizing.data = v;
	if (make_pty(v) || make_socket(v, socket)) {
		int err = errno;

		viewers_close(v);
		errno = err;
		return NULL;
	}
	ev_io_set(&v->coming, v->listener, EV_READ);
	ev_io_set(&v->typing, v->master, EV_READ);
	ev_io_start(loop, &v->coming);
	ev_io_start(loop, &v->typing);
	return v;
}

void viewers_close(struct viewers *v)
{
	const int fd[] = {v->listener, v->master, v->slave};

	while (!TAILQ_EMPTY(&v->clients))
		drop(TAILQ_FIRST(&v->clients));
	ev_io_stop(v->loop, &v->coming);
	ev_io_stop(v->loop, &v->typing);
	ev_timer_stop(v->loop, &v->sizing);
	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		if (fd[i] >= 0)
			close(fd[i]);
	free(v);
}

const char *viewers_tty(const struct viewers *v)
{
	return v->tty;
}

static void remember(struct viewers *v, const char *text, size_t bytes)
{
	while (bytes) {
		size_t at = v->shown % REMEMBERED, n = REMEMBERED - at;

		n = n < bytes ? n : bytes;
		memcpy(v->remembered + at, text, n);
		v->shown += n;
		text += n;
		bytes -= n;
	}
}

void viewers_show(struct viewers *v, const char *text, size_t bytes)
{
	struct client *c, *next;

	remember(v, text, bytes);
	if (write(v->master, text, bytes) < 0)
		errno = 0; /* nobody reads it, and it is full */
	for (c = TAILQ_FIRST(&v->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		tell(c, text, bytes);
	}
}

void viewers_more(struct viewers *v)
{
	struct client *c = TAILQ_FIRST(&v->clients);

	ev_io_start(v->loop, &v->typing);
	if (c)
		ev_io_start(v->loop, &c->in);
}

bool viewers_are_behind(const struct viewers *v)
{
	const struct client *c;

	TAILQ_FOREACH(c, &v->clients, link)
	if (c->nr_waiting > WAITING_MOST / 4)
		return true;
	return false;
}
