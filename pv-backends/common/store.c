/* SPDX-License-Identifier: MIT */
/*
 * The store, as backends use it.
 *
 * Calls wait for the daemon, but never long: a daemon that does not answer is
 * one that is gone, and then the backend serves its rings without a store until
 * its supervisor has one again.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/common/store.h"
#include "tools/xs/xs_ext.h"

enum {
	PATIENCE_MS = 5000,
};

static void lose(struct store *s)
{
	if (!s->xs)
		return;
	store_close(s);
	if (s->lost)
		s->lost(s);
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct store *s = io->data;
	char **vec;

	(void)loop;
	(void)what;
	while (s->xs && (vec = xs_check_watch(s->xs))) {
		s->event(s, vec[XS_WATCH_PATH], vec[XS_WATCH_TOKEN]);
		free(vec);
	}
	if (s->xs && errno != EAGAIN)
		lose(s);
	if (s->xs && s->settled)
		s->settled(s);
}

int store_open(struct store *s, struct ev_loop *loop)
{
	s->loop = loop;
	s->failed = 0;
	s->xs = xs_open(0);
	if (!s->xs)
		return -1;
	xs_set_timeout(s->xs, PATIENCE_MS);
	ev_io_init(&s->io, on_readable, xs_fileno(s->xs), EV_READ);
	s->io.data = s;
	ev_io_start(loop, &s->io);
	return 0;
}

void store_close(struct store *s)
{
	if (!s->xs)
		return;
	ev_io_stop(s->loop, &s->io);
	xs_close(s->xs);
	s->xs = NULL;
}

void store_forget(struct store *s)
{
	if (s->xs)
		xs_daemon_destroy_postfork(s->xs);
	s->xs = NULL;
}

static void join(char *path, const char *dir, const char *key)
{
	snprintf(path, STORE_PATH, key ? "%s/%s" : "%s", dir, key);
}

static void got(void *arg, int error, const void *data, size_t len)
{
	struct store_value *v = arg;

	v->there = !error && len < sizeof(v->text) && !memchr(data, 0, len);
	if (!v->there)
		len = 0;
	memcpy(v->text, data, len);
	v->text[len] = '\0';
}

static void done(void *arg, int error, const void *data, size_t len)
{
	struct store *s = arg;

	(void)data;
	(void)len;
	if (error && !s->failed)
		s->failed = error;
}

static void removed(void *arg, int error, const void *data, size_t len)
{
	done(arg, error == ENOENT ? 0 : error, data, len);
}

void store_get(struct store *s, const char *dir, const char *key,
	       struct store_value *value)
{
	char path[STORE_PATH];

	value->there = false;
	value->text[0] = '\0';
	join(path, dir, key);
	if (s->xs)
		xs_queue_read(s->xs, XBT_NULL, path, got, value);
}

void store_put(struct store *s, const char *dir, const char *key,
	       const char *fmt, ...)
{
	char path[STORE_PATH], text[STORE_VALUE];
	va_list ap;

	join(path, dir, key);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->xs)
		xs_queue_write(s->xs, XBT_NULL, path, text, strlen(text), done,
			       s);
}

void store_watch(struct store *s, const char *dir, const char *key,
		 const char *token)
{
	char both[STORE_PATH + 32];
	size_t len;

	join(both, dir, key);
	len = strlen(both) + 1;
	snprintf(both + len, sizeof(both) - len, "%s", token);
	len += strlen(token) + 1;
	if (s->xs)
		xs_queue(s->xs, XS_WATCH, XBT_NULL, both, len, done, s);
}

void store_remove(struct store *s, const char *dir, const char *key)
{
	char path[STORE_PATH];

	join(path, dir, key);
	if (s->xs)
		xs_queue(s->xs, XS_RM, XBT_NULL, path, strlen(path) + 1,
			 removed, s);
}

int store_flush(struct store *s)
{
	int rc;

	if (!s->xs)
		return -ENOTCONN;
	s->failed = 0;
	if (!xs_pump(s->xs, 0)) {
		rc = errno ? -errno : -EIO;
		lose(s);
		return rc;
	}
	return -s->failed;
}

bool store_read(struct store *s, const char *dir, const char *key,
		struct store_value *value)
{
	store_get(s, dir, key, value);
	return !store_flush(s) && value->there;
}

bool store_number(const struct store_value *value, uint64_t max,
		  uint64_t *number)
{
	uint64_t n = 0;

	if (!value->there || !value->text[0])
		return false;
	for (const char *c = value->text; *c; c++) {
		if (*c < '0' || *c > '9' || n > max / 10)
			return false;
		n = 10 * n + (uint64_t)(*c - '0');
	}
	if (n > max)
		return false;
	*number = n;
	return true;
}
