/* SPDX-License-Identifier: MIT */
/*
 * Watches and their events.
 *
 * xs_fileno gives an epoll descriptor over the socket and an eventfd.  The
 * eventfd is set while events are queued here.  The socket counts only while
 * nobody waits for an answer: otherwise a thread that polls would wake up for
 * another thread's reply.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tools/xs/internal.h"

static void event_signal(struct xs_handle *h)
{
	uint64_t one = 1;

	if (h->event_fd >= 0 && write(h->event_fd, &one, sizeof(one)) < 0)
		return;
}

void handle_event(struct xs_handle *h, const char *data, size_t len)
{
	struct event *e = calloc(1, sizeof(*e));
	const char *nul = memchr(data, 0, len);
	char *text;

	if (!e || !nul || !len || data[len - 1])
		goto bad;
	e->vec = malloc(2 * sizeof(*e->vec) + len);
	if (!e->vec)
		goto bad;
	text = (char *)(e->vec + 2);
	memcpy(text, data, len);
	e->vec[XS_WATCH_PATH] = text;
	e->vec[XS_WATCH_TOKEN] = text + (nul - data) + 1;
	if (e->vec[XS_WATCH_TOKEN] >= text + len)
		e->vec[XS_WATCH_TOKEN] = text + (nul - data);
	*h->events_end = e;
	h->events_end = &e->next;
	event_signal(h);
	return;
bad:
	free(e);
}

static char **event_take(struct xs_handle *h)
{
	struct event *e = h->events;
	uint64_t count;
	char **vec;

	if (!e)
		return NULL;
	h->events = e->next;
	if (!h->events) {
		h->events_end = &h->events;
		if (h->event_fd >= 0 &&
		    read(h->event_fd, &count, sizeof(count)) < 0)
			errno = 0;
	}
	vec = e->vec;
	free(e);
	return vec;
}

static bool calls_waiting(const struct xs_handle *h)
{
	const struct call *c;

	for (c = h->calls; c; c = c->next)
		if (!c->done && !c->abandoned && !c->fn)
			return true;
	return false;
}

void poll_arm(struct xs_handle *h, bool on)
{
	struct epoll_event e = {.events = on ? EPOLLIN : 0};

	if (h->poll_fd < 0 || h->fd < 0 || h->armed == on)
		return;
	if (on && (h->reading || calls_waiting(h)))
		return; /* they will read */
	epoll_ctl(h->poll_fd, EPOLL_CTL_MOD, h->fd, &e);
	h->armed = on;
}

int xs_fileno(struct xs_handle *h)
{
	struct epoll_event e = {.events = EPOLLIN};

	pthread_mutex_lock(&h->lock);
	if (h->poll_fd < 0) {
		h->poll_fd = epoll_create1(EPOLL_CLOEXEC);
		h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->event_fd, &e);
		epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, h->fd, &e);
		h->armed = true;
		if (h->events)
			event_signal(h);
	}
	pthread_mutex_unlock(&h->lock);
	return h->poll_fd;
}

char **xs_check_watch(struct xs_handle *h)
{
	char **vec;
	bool alive = true;
	int rc;

	pthread_mutex_lock(&h->lock);
	if (!h->events && !h->reading)
		alive = handle_fill(h, 0) || errno == EAGAIN;
	rc = errno;
	vec = event_take(h);
	pthread_mutex_unlock(&h->lock);
	if (!vec)
		errno = alive ? EAGAIN : rc;
	return vec;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
	char **vec;
	int rc = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->events && !rc) {
		if (h->reading)
			pthread_cond_wait(&h->cond, &h->lock);
		else if (!handle_fill(h, h->timeout ? (int)h->timeout : -1) &&
			 errno != EAGAIN)
			rc = errno;
	}
	vec = event_take(h);
	pthread_mutex_unlock(&h->lock);
	if (vec)
		*num = 2;
	else
		errno = rc;
	return vec;
}

static void watched_add(struct xs_handle *h, const char *path,
			const char *token, int depth)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return;
	w->path = strdup(path);
	w->token = strdup(token);
	w->depth = depth;
	pthread_mutex_lock(&h->lock);
	w->next = h->watches;
	h->watches = w;
	pthread_mutex_unlock(&h->lock);
}

static void watched_del(struct xs_handle *h, const char *path,
			const char *token)
{
	struct watched **at, *w = NULL;

	pthread_mutex_lock(&h->lock);
	for (at = &h->watches; *at; at = &(*at)->next) {
		if (strcmp((*at)->path, path) || strcmp((*at)->token, token))
			continue;
		w = *at;
		*at = w->next;
		break;
	}
	pthread_mutex_unlock(&h->lock);
	if (!w)
		return;
	free(w->path);
	free(w->token);
	free(w);
}

bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
		    int depth)
{
	struct iovec parts[3] = {part_string(path), part_string(token)};
	char text[16];

	if (depth >= 0) {
		snprintf(text, sizeof(text), "%d", depth);
		parts[2] = part_string(text);
	}
	watched_add(h, path, token, depth);
	if (xs_call_ok(h, XS_WATCH, 0, parts, depth >= 0 ? 3 : 2))
		return true;
	watched_del(h, path, token);
	return false;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return xs_watch_depth(h, path, token, -1);
}

/* Events of a watch that is gone. */
static void events_filter(struct xs_handle *h, const char *path,
			  const char *token)
{
	struct event **at = &h->events, *e;
	uint64_t count;

	while ((e = *at)) {
		if (strcmp(e->vec[XS_WATCH_TOKEN], token) ||
		    (path[0] != '@' &&
		     !xs_path_is_subpath(path, e->vec[XS_WATCH_PATH]))) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		free(e->vec);
		free(e);
	}
	h->events_end = at;
	if (!h->events && h->event_fd >= 0 &&
	    read(h->event_fd, &count, sizeof(count)) < 0)
		return;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	struct iovec parts[2] = {part_string(path), part_string(token)};

	watched_del(h, path, token);
	if (!xs_call_ok(h, XS_UNWATCH, 0, parts, 2))
		return false;
	if (h->flags & XS_UNWATCH_FILTER) {
		pthread_mutex_lock(&h->lock);
		events_filter(h, path, token);
		pthread_mutex_unlock(&h->lock);
	}
	return true;
}
