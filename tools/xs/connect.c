/* SPDX-License-Identifier: MIT */
/* Opening and closing, and connecting again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/xs/internal.h"

#define RECONNECT_MS      5000
#define RECONNECT_STEP_US 20000

static const char *const devices[] = {"/dev/xen/xenbus", "/proc/xen/xenbus"};

static char *socket_path(void)
{
	const char *path = getenv("XENSTORED_PATH");
	const char *dir = getenv("XENSTORED_RUNDIR");
	char *out;

	if (path)
		return strdup(path);
	if (asprintf(&out, "%s/socket", dir ? dir : "/run/xenstored") < 0)
		return NULL;
	return out;
}

static int connect_socket(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

int handle_connect(struct xs_handle *h)
{
	size_t i;
	int rc;

	h->device = false;
	h->fd = connect_socket(h->path);
	if (h->fd >= 0) {
		h->epoch++;
		return 0;
	}
	rc = errno;
	if (getenv("XENSTORED_PATH"))
		return rc;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		h->fd = open(devices[i], O_RDWR | O_CLOEXEC);
		if (h->fd >= 0) {
			h->device = true;
			h->epoch++;
			return 0;
		}
	}
	return rc;
}

struct xs_handle *xs_open_path(const char *path, unsigned long flags)
{
	struct xs_handle *h = calloc(1, sizeof(*h));
	int rc = ENOMEM;

	if (!h)
		return NULL;
	h->path = path ? strdup(path) : socket_path();
	h->flags = flags;
	h->fd = h->poll_fd = h->event_fd = -1;
	h->calls_end = &h->calls;
	h->events_end = &h->events;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, NULL);
	if (h->path)
		rc = handle_connect(h);
	if (!rc)
		return h;
	free(h->path);
	free(h);
	errno = rc;
	return NULL;
}

struct xs_handle *xs_open(unsigned long flags)
{
	return xs_open_path(NULL, flags);
}

struct xs_handle *xs_daemon_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
	return xs_open(XS_OPEN_READONLY);
}

static void call_free(struct call *c)
{
	free(c->msg);
	free(c->data);
	free(c);
}

static void handle_free(struct xs_handle *h)
{
	struct call *c;
	struct event *e;
	struct watched *w;

	while ((c = h->calls)) {
		h->calls = c->next;
		call_free(c);
	}
	while ((e = h->events)) {
		h->events = e->next;
		free(e->vec);
		free(e);
	}
	while ((w = h->watches)) {
		h->watches = w->next;
		free(w->path);
		free(w->token);
		free(w);
	}
	if (h->fd >= 0)
		close(h->fd);
	if (h->poll_fd >= 0)
		close(h->poll_fd);
	if (h->event_fd >= 0)
		close(h->event_fd);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->cond);
	free(h->in);
	free(h->out);
	free(h->path);
	free(h);
}

void xs_close(struct xs_handle *h)
{
	if (h)
		handle_free(h);
}

void xs_daemon_close(struct xs_handle *h)
{
	xs_close(h);
}

void xs_daemon_destroy_postfork(struct xs_handle *h)
{
	handle_free(h);
}

void xs_set_timeout(struct xs_handle *h, unsigned milliseconds)
{
	h->timeout = milliseconds;
}

/* May a request be sent twice? */
static bool call_repeats(const struct call *c)
{
	const struct xs_hdr *hdr = c->msg ? c->msg->iov_base : NULL;

	if (!hdr || hdr->tx_id || c->type == XS_CONTROL)
		return false;
	return c->type != XS_INTRODUCE && c->type != XS_TRANSACTION_END &&
	       c->type != XS_WATCH && c->type != XS_UNWATCH;
}

/* The pipelined ones all fail: who queued them knows how to go on. */
static void queued_fail(struct xs_handle *h)
{
	struct call **at = &h->calls, *c, *failed = NULL, **end = &failed;

	h->out_len = 0;
	while ((c = *at)) {
		if (!c->fn) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->next = NULL;
		*end = c;
		end = &c->next;
		h->queued--;
	}
	h->calls_end = at;
	while ((c = failed)) {
		failed = c->next;
		pthread_mutex_unlock(&h->lock);
		c->fn(c->arg, ECONNRESET, "", 0);
		pthread_mutex_lock(&h->lock);
		call_free(c);
	}
}

/* What an unanswered call that may not be repeated comes to. */
static int call_verdict(const struct call *c)
{
	if (c->type == XS_WATCH || c->type == XS_UNWATCH)
		return 0; /* done by the reconnection itself */
	return c->type == XS_TRANSACTION_END ? ECONNRESET : EAGAIN;
}

static void calls_settle(struct xs_handle *h)
{
	struct call *c;

	queued_fail(h);
	for (c = h->calls; c; c = c->next) {
		if (c->done)
			continue;
		if (call_repeats(c)) {
			handle_write(h, c->msg->iov_base, c->msg->iov_len);
			continue;
		}
		c->done = true;
		c->error = call_verdict(c);
		if (!c->error) {
			c->data = strdup("OK");
			c->len = 3;
		}
	}
}

static void watch_again(struct xs_handle *h, const struct watched *w)
{
	char msg[sizeof(struct xs_hdr) + XS_PAYLOAD_MAX];
	struct xs_hdr hdr = {.type = XS_WATCH, .req_id = 0};
	size_t p = strlen(w->path) + 1, t = strlen(w->token) + 1;
	int n;

	if (p + t + 16 > XS_PAYLOAD_MAX)
		return;
	memcpy(msg + sizeof(hdr), w->path, p);
	memcpy(msg + sizeof(hdr) + p, w->token, t);
	hdr.len = (uint32_t)(p + t);
	if (w->depth >= 0) {
		n = sprintf(msg + sizeof(hdr) + p + t, "%d", w->depth);
		hdr.len += (uint32_t)n + 1;
	}
	memcpy(msg, &hdr, sizeof(hdr));
	handle_write(h, msg, sizeof(hdr) + hdr.len);
}

bool handle_reconnect(struct xs_handle *h)
{
	int64_t until = clock_ms() + (h->timeout ? h->timeout : RECONNECT_MS);
	const struct watched *w;

	if (!(h->flags & XS_OPEN_RECONNECT) || h->dead)
		return false;
	close(h->fd);
	h->fd = -1;
	h->in_len = h->in_at = 0;
	while (handle_connect(h)) {
		if (clock_ms() >= until) {
			h->dead = true;
			return false;
		}
		usleep(RECONNECT_STEP_US);
	}
	h->armed = false;
	if (h->poll_fd >= 0) {
		struct epoll_event e = {0};

		epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->fd, &e);
	}
	for (w = h->watches; w; w = w->next)
		watch_again(h, w);
	calls_settle(h);
	return true;
}
