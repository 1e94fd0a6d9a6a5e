/* SPDX-License-Identifier: MIT */
/*
 * Clients on Unix sockets.
 *
 * HOSTILE  Input is read in pieces of at most READ_SIZE, and only while the
 * connection is not throttled and has little unprocessed input; the kernel's
 * socket buffer then slows the client down.  Requests are not run here but in
 * the daemon's turn, a few of each client at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/store/daemon.h"

#define READ_SIZE   65536
#define INPUT_LIMIT (128u << 10)

static void sock_set_reading(struct sock *s, bool on)
{
	if (on && !ev_is_active(&s->rd))
		ev_io_start(s->dm->loop, &s->rd);
	else if (!on && ev_is_active(&s->rd))
		ev_io_stop(s->dm->loop, &s->rd);
}

void sock_close(struct sock *s)
{
	struct daemon *dm = s->dm;

	ev_io_stop(dm->loop, &s->rd);
	ev_io_stop(dm->loop, &s->wr);
	close(s->fd);
	list_del(&s->link);
	conn_close(s->c);
	free(s);
	dm->nclients--;
	sock_accept_resume(dm);
}

/* The client hung up: what it asked for before is done, as far as answers
 * that nobody reads have room. */
static void sock_eof(struct sock *s)
{
	while (conn_run(s->c, 1u << 16))
		;
	store_seal(s->c->st);
	sock_close(s);
}

static void sock_read(struct ev_loop *loop, ev_io *w, int events)
{
	struct sock *s = container_of(w, struct sock, rd);
	static char bytes[READ_SIZE];
	ssize_t n;

	(void)loop;
	(void)events;
	n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sock_eof(s);
		return;
	}
	conn_input(s->c, bytes, (size_t)n);
	if (s->c->in.len > INPUT_LIMIT || conn_throttled(s->c))
		sock_set_reading(s, false);
}

void sock_send(struct sock *s)
{
	struct conn *c = s->c;
	ssize_t n;

	while (c->out.len) {
		n = send(s->fd, buf_data(&c->out), c->out.len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			sock_close(s);
			return;
		}
		if (n < 0)
			break;
		conn_sent(c, (size_t)n);
	}
	if (c->broken) {
		sock_close(s);
		return;
	}
	if (c->out.len && !ev_is_active(&s->wr))
		ev_io_start(s->dm->loop, &s->wr);
	else if (!c->out.len && ev_is_active(&s->wr))
		ev_io_stop(s->dm->loop, &s->wr);
	sock_set_reading(s, c->in.len <= INPUT_LIMIT && !conn_throttled(c));
}

static void sock_write(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	sock_send(container_of(w, struct sock, wr));
}

struct sock *sock_adopt(struct daemon *dm, int fd)
{
	struct sock *s = mem_zalloc(sizeof(*s));

	s->dm = dm;
	s->fd = fd;
	s->c = conn_open(&dm->st, NULL, s);
	list_add_tail(&dm->socks, &s->link);
	ev_io_init(&s->rd, sock_read, fd, EV_READ);
	ev_io_init(&s->wr, sock_write, fd, EV_WRITE);
	ev_io_start(dm->loop, &s->rd);
	dm->nclients++;
	return s;
}

static void accept_pause(struct daemon *dm)
{
	unsigned i;

	dm->accept_paused = true;
	for (i = 0; i < dm->cfg.nsockets; i++)
		ev_io_stop(dm->loop, &dm->listener[i]);
}

void sock_accept_resume(struct daemon *dm)
{
	unsigned i;

	if (!dm->accept_paused || dm->nclients >= dm->cfg.max_clients)
		return;
	dm->accept_paused = false;
	for (i = 0; i < dm->cfg.nsockets; i++)
		ev_io_start(dm->loop, &dm->listener[i]);
}

static void sock_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *dm = w->data;
	int fd, i;

	(void)loop;
	(void)events;
	for (i = 0; i < 16; i++) {
		if (dm->nclients >= dm->cfg.max_clients) {
			store_log(&dm->st,
				  "socket: %u clients, no more accepted now",
				  dm->nclients);
			accept_pause(dm);
			return;
		}
		fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				accept_pause(dm);
			return;
		}
		sock_adopt(dm, fd);
	}
}

void sock_listen_start(struct daemon *dm, unsigned i, int fd)
{
	ev_io_init(&dm->listener[i], sock_accept, fd, EV_READ);
	dm->listener[i].data = dm;
	ev_io_start(dm->loop, &dm->listener[i]);
}
