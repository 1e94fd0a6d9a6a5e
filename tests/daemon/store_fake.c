/* SPDX-License-Identifier: MIT */
/*
 * The door of tools/daemon/store.h over a list of paths and values.
 *
 * A backend's "state" of 1 is answered with hotplug-status, a 5 with a 6, each
 * with an event, as a backend would.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/daemon/store_fake.h"
#include "tools/daemon/batch.h"

#define NODES  1024
#define EVENTS 256

struct node {
	char *path, *value;
};

struct store {
	struct node node[NODES];
	unsigned int nr_nodes, fail_at, introduced;
	char *event[EVENTS];
	unsigned int nr_events;
	int fd;
	const char *refuse; /* a type */
	bool held; /* what shall close does not */
	bool deaf; /* nothing opens or closes   */
};

void store_fake_fail(struct store *s, unsigned int n)
{
	s->fail_at = n;
}

unsigned int store_fake_nodes(const struct store *s)
{
	return s->nr_nodes;
}

unsigned int store_fake_introduced(const struct store *s)
{
	return s->introduced;
}

void store_fake_refuse(struct store *s, const char *type)
{
	s->refuse = type;
}

static bool fails(struct store *s)
{
	return s->fail_at && !--s->fail_at;
}

static int refused(struct fail *why)
{
	return fail_set(why, FAIL_FAILED, "store: it fails for a test");
}

struct store *store_open(const char *path, struct fail *why)
{
	struct store *s = calloc(1, sizeof(*s));

	(void)path;
	(void)why;
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s;
}

static void forget(struct store *s, unsigned int i)
{
	free(s->node[i].path);
	free(s->node[i].value);
	s->node[i] = s->node[--s->nr_nodes];
}

void store_close(struct store *s)
{
	while (s->nr_nodes)
		forget(s, 0);
	while (s->nr_events)
		free(s->event[--s->nr_events]);
	close(s->fd);
	free(s);
}

/* ---- events -------------------------------------------------------------------- */

int store_fd(struct store *s)
{
	return s->fd;
}

char *store_event(struct store *s)
{
	uint64_t count;
	char *path;

	if (!s->nr_events) {
		if (read(s->fd, &count, sizeof(count)) < 0)
			return NULL;
		return NULL;
	}
	path = s->event[0];
	memmove(&s->event[0], &s->event[1],
		--s->nr_events * sizeof(s->event[0]));
	return path;
}

int store_watch(struct store *s, const char *path, struct fail *why)
{
	(void)s;
	(void)path;
	(void)why;
	return 0;
}

static void tell(struct store *s, const char *path)
{
	uint64_t one = 1;

	if (s->nr_events < EVENTS)
		s->event[s->nr_events++] = strdup(path);
	if (write(s->fd, &one, sizeof(one)) < 0)
		abort();
}

/* ---- nodes --------------------------------------------------------------------- */

static struct node *find(struct store *s, const char *path)
{
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		if (!strcmp(s->node[i].path, path))
			return &s->node[i];
	return NULL;
}

static void set(struct store *s, const char *path, const char *value)
{
	struct node *n = find(s, path);

	if (!n) {
		if (s->nr_nodes == NODES)
			abort();
		n = &s->node[s->nr_nodes++];
		*n = (struct node){.path = strdup(path)};
	}
	free(n->value);
	n->value = strdup(value);
}

static void set_beside(struct store *s, const char *path, const char *name,
		       const char *value)
{
	char other[STORE_PATH_MAX * 2];

	snprintf(other, sizeof(other), "%.*s/%s",
		 (int)(strrchr(path, '/') - path), path, name);
	set(s, other, value);
	tell(s, other);
}

/* Of a backend's state: the guest has not closed its end. */
static bool guest_uses(struct store *s, const char *path)
{
	char other[STORE_PATH_MAX * 2];
	const struct node *front, *state;

	snprintf(other, sizeof(other), "%.*s/frontend",
		 (int)(strrchr(path, '/') - path), path);
	front = find(s, other);
	snprintf(other, sizeof(other), "%s/state", front ? front->value : "");
	state = find(s, other);
	return state && strcmp(state->value, "6");
}

/* What a backend would do. */
static void answer(struct store *s, const char *path, const char *value)
{
	const char *name = strrchr(path, '/');

	if (s->deaf || strncmp(path, "/parapet/backend/", 17) ||
	    strcmp(name, "/state"))
		return;
	if (!strcmp(value, "5")) {
		if (s->held && guest_uses(s, path))
			return;
		set(s, path, "6");
	} else if (s->refuse && strstr(path, s->refuse)) {
		set_beside(s, path, "hotplug-error", "not today");
		set_beside(s, path, "hotplug-status", "error");
	} else {
		set_beside(s, path, "hotplug-status", "connected");
	}
	tell(s, path);
}

void store_fake_deaf(struct store *s, bool deaf)
{
	s->deaf = deaf;
}

void store_fake_hold(struct store *s, bool held)
{
	const char *tail;

	s->held = held;
	for (unsigned int i = 0; !held && i < s->nr_nodes; i++) {
		tail = strrchr(s->node[i].path, '/');
		if (!strcmp(tail, "/state") && !strcmp(s->node[i].value, "5"))
			answer(s, s->node[i].path, "5");
	}
}

static void remove_tree(struct store *s, const char *path)
{
	size_t n = strlen(path);

	for (unsigned int i = 0; i < s->nr_nodes;)
		if (!strncmp(s->node[i].path, path, n) &&
		    (s->node[i].path[n] == '/' || !s->node[i].path[n]))
			forget(s, i);
		else
			i++;
}

int batch_commit(struct store *s, struct batch *b, struct fail *why)
{
	if (!b || b->failed || fails(s)) {
		batch_free(b);
		return refused(why);
	}
	for (unsigned int i = 0; i < b->nr; i++) {
		const struct batch_op *op = &b->op[i];

		if (op->kind == BATCH_RM)
			remove_tree(s, op->path);
		else if (op->kind == BATCH_PUT)
			set(s, op->path, op->value);
	}
	for (unsigned int i = 0; i < b->nr; i++)
		if (b->op[i].kind == BATCH_PUT)
			answer(s, b->op[i].path, b->op[i].value);
	batch_free(b);
	return 0;
}

static char *read_path(struct store *s, const char *fmt, va_list ap)
{
	char path[STORE_PATH_MAX];
	const struct node *n;

	vsnprintf(path, sizeof(path), fmt, ap);
	n = find(s, path);
	errno = ENOENT;
	return n ? strdup(n->value) : NULL;
}

char *store_read(struct store *s, const char *fmt, ...)
{
	va_list ap;
	char *value;

	va_start(ap, fmt);
	value = read_path(s, fmt, ap);
	va_end(ap);
	return value;
}

long store_read_number(struct store *s, long fallback, const char *fmt, ...)
{
	long number = fallback;
	va_list ap;
	char *value;

	va_start(ap, fmt);
	value = read_path(s, fmt, ap);
	va_end(ap);
	if (value)
		number = strtol(value, NULL, 10);
	free(value);
	return number;
}

/* ---- domains ------------------------------------------------------------------- */

int store_introduce(struct store *s, unsigned int domid, unsigned long mfn,
		    unsigned int port, struct fail *why)
{
	(void)domid;
	(void)mfn;
	(void)port;
	if (fails(s))
		return refused(why);
	s->introduced++;
	return 0;
}

void store_release(struct store *s, unsigned int domid)
{
	(void)domid;
	s->introduced--;
}

void store_stopped(struct store *s, unsigned int domid)
{
	(void)s;
	(void)domid;
}
