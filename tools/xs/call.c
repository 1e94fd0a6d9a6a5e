/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers.
 *
 * A caller writes its request and then waits.  One waiting thread reads the
 * socket, for all of them, and hands answers out by request id; when its own
 * has come it passes the duty on.  A single-threaded program so has exactly two
 * system calls for each request and never a thread switch.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/xs/internal.h"

#define IN_SIZE  (128u << 10)
#define OUT_SIZE (32u << 10)
#define TX_BITS  24

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct iovec part_string(const char *s)
{
	return (struct iovec){(void *)(uintptr_t)s, strlen(s) + 1};
}

bool tx_wire(const struct xs_handle *h, xs_transaction_t t, uint32_t *id)
{
	*id = t;
	if (!(h->flags & XS_OPEN_RECONNECT) || !t)
		return true;
	*id = t & ((1u << TX_BITS) - 1);
	return t >> TX_BITS == (h->epoch & 0xff);
}

xs_transaction_t tx_user(const struct xs_handle *h, uint32_t id)
{
	if (!(h->flags & XS_OPEN_RECONNECT))
		return id;
	return (id & ((1u << TX_BITS) - 1)) | (h->epoch & 0xff) << TX_BITS;
}

static int error_number(const char *name)
{
#define X(e)                                                                   \
	if (!strcmp(name, #e))                                                 \
		return e;
	XS_ERRORS(X)
#undef X
	return EINVAL;
}

static void call_finish(struct xs_handle *h, struct call *c,
			const struct xs_hdr *hdr, const char *data)
{
	struct call **at = &h->calls;

	if (c->fn) {
		while (*at != c)
			at = &(*at)->next;
		*at = c->next;
		if (h->calls_end == &c->next)
			h->calls_end = at;
		h->queued--;
		pthread_mutex_unlock(&h->lock);
		c->fn(c->arg, hdr->type == XS_ERROR ? error_number(data) : 0,
		      data, hdr->len);
		pthread_mutex_lock(&h->lock);
		free(c);
		return;
	}
	c->done = true;
	if (hdr->type == XS_ERROR) {
		c->error = error_number(data);
	} else {
		c->data = malloc(hdr->len + 1);
		if (!c->data) {
			c->error = ENOMEM;
			return;
		}
		memcpy(c->data, data, hdr->len);
		c->data[hdr->len] = '\0';
		c->len = hdr->len;
	}
}

static void handle_message(struct xs_handle *h, const struct xs_hdr *hdr,
			   char *data)
{
	char saved = data[hdr->len];
	struct call *c;

	if (hdr->type == XS_WATCH_EVENT) {
		handle_event(h, data, hdr->len);
		return;
	}
	for (c = h->calls; c; c = c->next)
		if (c->req_id == hdr->req_id && !c->done)
			break;
	if (!c)
		return;
	data[hdr->len] = '\0'; /* there is always room for one byte */
	call_finish(h, c, hdr, data);
	data[hdr->len] = saved;
}

/* Take whole messages apart. */
static void handle_parse(struct xs_handle *h)
{
	struct xs_hdr hdr;
	char *at;

	while (h->in_len - h->in_at >= sizeof(hdr)) {
		at = h->in + h->in_at;
		memcpy(&hdr, at, sizeof(hdr));
		if (hdr.len > XS_PAYLOAD_MAX) {
			h->dead = true;
			return;
		}
		if (h->in_len - h->in_at < sizeof(hdr) + hdr.len)
			break;
		h->in_at += sizeof(hdr) + hdr.len;
		handle_message(h, &hdr, at + sizeof(hdr));
	}
	if (h->in_at == h->in_len) {
		h->in_at = h->in_len = 0;
	} else if (h->in_cap - h->in_len < sizeof(hdr) + XS_PAYLOAD_MAX) {
		memmove(h->in, h->in + h->in_at, h->in_len - h->in_at);
		h->in_len -= h->in_at;
		h->in_at = 0;
	}
}

static ssize_t read_some(struct xs_handle *h, bool wait)
{
	size_t room = h->in_cap - h->in_len - 1;
	ssize_t n;

	do {
		if (h->device)
			n = read(h->fd, h->in + h->in_len, room);
		else
			n = recv(h->fd, h->in + h->in_len, room,
				 wait ? 0 : MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Look for a moment, if that is worth it; eager.h. */
static ssize_t read_eagerly(struct xs_handle *h)
{
	ssize_t n;

	while (eager_wait(&h->eager, eager_clock())) {
		n = read_some(h, false);
		if (n >= 0 || errno != EAGAIN)
			return n;
		sched_yield();
	}
	return -1;
}

static bool wait_readable(struct xs_handle *h, int wait)
{
	struct pollfd p = {h->fd, POLLIN, 0};
	int rc;

	if (wait < 0 || (!wait && !h->device))
		return true;
	do {
		rc = poll(&p, 1, wait);
	} while (rc < 0 && errno == EINTR);
	if (!rc)
		errno = wait ? ETIMEDOUT : EAGAIN;
	return rc > 0;
}

bool handle_fill(struct xs_handle *h, int wait)
{
	ssize_t n = -1;
	bool ready;
	int rc;

	if (!h->in) {
		h->in = malloc(IN_SIZE);
		h->in_cap = IN_SIZE;
		if (!h->in)
			return false;
	}
	if (h->dead) {
		errno = ECONNRESET;
		return false;
	}
	h->reading = true;
	poll_arm(h, false);
	pthread_mutex_unlock(&h->lock);
	if (wait && !h->device)
		n = read_eagerly(h);
	ready = n >= 0 || wait_readable(h, wait);
	if (ready && n < 0)
		n = read_some(h, wait != 0);
	rc = errno;
	if (n > 0 && wait)
		eager_came(&h->eager, eager_clock());
	pthread_mutex_lock(&h->lock);
	if (n > 0) {
		h->in_len += (size_t)n;
		handle_parse(h);
	} else if (!n || (ready && rc != EAGAIN)) {
		if (!handle_reconnect(h)) {
			h->dead = true;
			rc = n ? rc : ECONNRESET;
		} else {
			n = 1;
		}
	}
	h->reading = false; /* not before: reply functions drop the lock */
	poll_arm(h, true);
	pthread_cond_broadcast(&h->cond);
	errno = rc;
	return n > 0;
}

bool handle_write(struct xs_handle *h, const char *p, size_t n)
{
	ssize_t done;

	while (n) {
		if (h->device)
			done = write(h->fd, p, n);
		else
			done = send(h->fd, p, n, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static struct call *call_add(struct xs_handle *h, enum xs_type type)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (!++h->next_id)
		h->next_id = 1;
	c->req_id = h->next_id;
	c->type = type;
	*h->calls_end = c;
	h->calls_end = &c->next;
	return c;
}

static void call_remove(struct xs_handle *h, struct call *c)
{
	struct call **at = &h->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (h->calls_end == &c->next)
		h->calls_end = at;
	free(c->msg);
	free(c);
}

/* Answers to calls that nobody waits for any more. */
static void calls_sweep(struct xs_handle *h)
{
	struct call *c, *next;

	for (c = h->calls; c; c = next) {
		next = c->next;
		if (c->abandoned && c->done) {
			free(c->data);
			call_remove(h, c);
		}
	}
}

static bool call_wait(struct xs_handle *h, struct call *c)
{
	int64_t until = h->timeout ? clock_ms() + h->timeout : 0, left;
	struct timespec ts;

	while (!c->done) {
		left = until ? until - clock_ms() : 0;
		if (until && left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (!h->reading) {
			if (!handle_fill(h, until ? (int)left : -1) &&
			    !c->done && errno != EAGAIN)
				return false;
			continue;
		}
		if (!until) {
			pthread_cond_wait(&h->cond, &h->lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += left % 1000 * 1000000;
		ts.tv_sec += left / 1000 + ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&h->cond, &h->lock, &ts);
	}
	return true;
}

/* Keep a copy for the reconnection. */
static void call_keep(struct call *c, const char *msg, size_t n)
{
	c->msg = malloc(sizeof(*c->msg) + n);
	if (!c->msg)
		return;
	c->msg->iov_base = c->msg + 1;
	c->msg->iov_len = n;
	memcpy(c->msg + 1, msg, n);
}

static size_t message_build(char *msg, const struct xs_hdr *hdr,
			    const struct iovec *parts, unsigned n)
{
	size_t at = sizeof(*hdr);
	unsigned i;

	memcpy(msg, hdr, sizeof(*hdr));
	for (i = 0; i < n; i++) {
		if (parts[i].iov_len)
			memcpy(msg + at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
	return at;
}

static bool message_send(struct xs_handle *h, struct call *c, const char *msg,
			 size_t n)
{
	if (h->flags & XS_OPEN_RECONNECT)
		call_keep(c, msg, n);
	if (!h->dead && handle_write(h, msg, n))
		return true;
	if (h->dead || h->reading || !handle_reconnect(h)) {
		if (h->reading)
			return true; /* the reader will notice */
		errno = ECONNRESET;
		return false;
	}
	return true; /* sent, or settled, by the reconnection */
}

char *xs_call(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
	      const struct iovec *parts, unsigned n, size_t *len)
{
	char msg[sizeof(struct xs_hdr) + XS_PAYLOAD_MAX], *data = NULL;
	struct xs_hdr hdr = {.type = type};
	struct call *c;
	size_t total = 0;
	unsigned i;
	int rc = 0;

	for (i = 0; i < n; i++)
		total += parts[i].iov_len;
	if (total > XS_PAYLOAD_MAX) {
		errno = E2BIG;
		return NULL;
	}
	pthread_mutex_lock(&h->lock);
	if (!tx_wire(h, t, &hdr.tx_id)) {
		pthread_mutex_unlock(&h->lock);
		errno = EAGAIN; /* that transaction died with its connection */
		return NULL;
	}
	c = call_add(h, type);
	if (!c) {
		pthread_mutex_unlock(&h->lock);
		return NULL;
	}
	hdr.req_id = c->req_id;
	hdr.len = (uint32_t)total;
	total = message_build(msg, &hdr, parts, n);
	poll_arm(h, false);
	if (message_send(h, c, msg, total) && call_wait(h, c)) {
		data = c->data;
		rc = c->error;
		if (len)
			*len = c->len;
		call_remove(h, c);
	} else {
		rc = errno;
		c->abandoned = true;
	}
	if (h->calls)
		calls_sweep(h);
	poll_arm(h, true);
	pthread_mutex_unlock(&h->lock);
	if (rc)
		errno = rc;
	return rc ? NULL : data;
}

bool xs_call_ok(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
		const struct iovec *parts, unsigned n)
{
	char *data = xs_call(h, type, t, parts, n, NULL);

	free(data);
	return data != NULL;
}

/*
 * Pipelining.
 */
bool xs_queue(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
	      const void *payload, size_t len, xs_reply_fn *fn, void *arg)
{
	struct xs_hdr hdr = {.type = type, .len = (uint32_t)len};
	struct iovec part = {(void *)(uintptr_t)payload, len};
	struct call *c;
	bool ok = false;
	char *out;

	if (len > XS_PAYLOAD_MAX) {
		errno = E2BIG;
		return false;
	}
	pthread_mutex_lock(&h->lock);
	if (h->out_cap - h->out_len < sizeof(hdr) + len) {
		out = realloc(h->out, h->out_cap + OUT_SIZE);
		if (!out)
			goto unlock;
		h->out = out;
		h->out_cap += OUT_SIZE;
	}
	if (!tx_wire(h, t, &hdr.tx_id)) {
		errno = EAGAIN;
		goto unlock;
	}
	c = call_add(h, type);
	if (!c)
		goto unlock;
	c->fn = fn;
	c->arg = arg;
	hdr.req_id = c->req_id;
	h->out_len += message_build(h->out + h->out_len, &hdr, &part, 1);
	h->queued++;
	ok = true;
unlock:
	pthread_mutex_unlock(&h->lock);
	return ok;
}

/* Send without blocking; the rest stays queued. */
static bool flush_some(struct xs_handle *h)
{
	ssize_t n;

	if (!h->out_len)
		return true;
	n = h->device ? write(h->fd, h->out, h->out_len)
		      : send(h->fd, h->out, h->out_len,
			     MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	h->out_len -= (size_t)n;
	if (h->out_len)
		memmove(h->out, h->out + n, h->out_len);
	return true;
}

static void wait_both(struct xs_handle *h)
{
	struct pollfd p = {h->fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, h->timeout ? (int)h->timeout : -1);
}

bool xs_pump(struct xs_handle *h, unsigned left)
{
	bool ok = true;

	pthread_mutex_lock(&h->lock);
	while (ok && (h->out_len || h->queued > left)) {
		ok = !h->dead && flush_some(h);
		if (!ok)
			break;
		if (h->reading) {
			pthread_cond_wait(&h->cond, &h->lock);
		} else if (h->out_len) {
			wait_both(h);
			ok = handle_fill(h, 0) || errno == EAGAIN;
		} else if (h->queued > left) {
			ok = handle_fill(h, h->timeout ? (int)h->timeout : -1);
		}
	}
	pthread_mutex_unlock(&h->lock);
	return ok;
}

bool xs_queue_read(struct xs_handle *h, xs_transaction_t t, const char *path,
		   xs_reply_fn *fn, void *arg)
{
	return xs_queue(h, XS_READ, t, path, strlen(path) + 1, fn, arg);
}

bool xs_queue_write(struct xs_handle *h, xs_transaction_t t, const char *path,
		    const void *value, size_t len, xs_reply_fn *fn, void *arg)
{
	char payload[XS_PAYLOAD_MAX];
	size_t plen = strlen(path) + 1;

	if (plen + len > sizeof(payload)) {
		errno = E2BIG;
		return false;
	}
	memcpy(payload, path, plen);
	memcpy(payload + plen, value, len);
	return xs_queue(h, XS_WRITE, t, payload, plen + len, fn, arg);
}
