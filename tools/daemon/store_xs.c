/* SPDX-License-Identifier: MIT */
/*
 * The store through the client library.
 *
 * A batch goes out in one piece and its answers come in one piece: a domain's
 * nodes cost two round trips, not two hundred.  The connection comes back by
 * itself when the store daemon was restarted; a call waits a bounded time.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/batch.h"
#include "tools/xs/xs_ext.h"

#define TIMEOUT_MS 10000
#define TRIES      100

struct store {
	struct xs_handle *xs;
};

/*
 * The library falls back to the kernel's device while there is no socket,
 * unless the variable is set; and there nobody answers before the store runs.
 * Services inherit it.
 */
static const char *socket_path(const char *path)
{
	if (!path)
		path = getenv("XENSTORED_PATH");
	if (!path)
		path = "/run/xenstored/socket";
	setenv("XENSTORED_PATH", path, 1);
	return path;
}

struct store *store_open(const char *path, struct fail *why)
{
	struct store *s = calloc(1, sizeof(*s));

	path = socket_path(path);
	if (s)
		s->xs = xs_open_path(path, XS_OPEN_RECONNECT);
	if (!s || !s->xs) {
		fail_set(why, FAIL_FAILED, "store %s: %s", path,
			 strerror(errno));
		free(s);
		return NULL;
	}
	xs_set_timeout(s->xs, TIMEOUT_MS);
	return s;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	xs_close(s->xs);
	free(s);
}

int store_fd(struct store *s)
{
	return xs_fileno(s->xs);
}

char *store_event(struct store *s)
{
	char **event = xs_check_watch(s->xs);
	char *path = event ? strdup(event[XS_WATCH_PATH]) : NULL;

	free(event);
	return path;
}

int store_watch(struct store *s, const char *path, struct fail *why)
{
	if (xs_watch(s->xs, path, "parapetd"))
		return 0;
	return fail_set(why, FAIL_FAILED, "store: watch %s: %s", path,
			strerror(errno));
}

static char *read_path(struct store *s, const char *fmt, va_list ap)
{
	char path[STORE_PATH_MAX];
	unsigned int len;

	vsnprintf(path, sizeof(path), fmt, ap);
	return xs_read(s->xs, XBT_NULL, path, &len);
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
	char *value, *end;

	va_start(ap, fmt);
	value = read_path(s, fmt, ap);
	va_end(ap);
	if (value && *value) {
		number = strtol(value, &end, 10);
		if (*end)
			number = fallback;
	}
	free(value);
	return number;
}

/* ---- batches ------------------------------------------------------------------- */

/*
 * Answers may still come after the daemon gave up on them (the store hung, and
 * went on): what they point to lives until the last one.
 */
struct answers {
	unsigned int refs;
	bool abandoned;
	int error; /* the first */
	const struct batch_op *culprit; /* unless abandoned */
	struct answer {
		struct answers *all;
		const struct batch_op *op;
	} each[];
};

static void answers_put(struct answers *all)
{
	if (!--all->refs)
		free(all);
}

static void take_answer(void *arg, int error, const void *data, size_t len)
{
	struct answer *a = arg;
	struct answers *all = a->all;

	(void)data;
	(void)len;
	if (error && !all->abandoned && !all->error &&
	    !(error == ENOENT && a->op->kind == BATCH_RM)) {
		all->error = error;
		all->culprit = a->op;
	}
	answers_put(all);
}

static bool queue(struct store *s, xs_transaction_t t, enum xs_type type,
		  const void *payload, size_t len, struct answer *a)
{
	a->all->refs++;
	if (xs_queue(s->xs, type, t, payload, len, take_answer, a))
		return true;
	a->all->refs--;
	return false;
}

static bool queue_perms(struct store *s, xs_transaction_t t,
			const struct batch *b, struct answer *a)
{
	char text[STORE_PATH_MAX + 40];
	size_t n = strlen(a->op->path) + 1;
	int k;

	memcpy(text, a->op->path, n);
	if (a->op->perm == PERM_GUEST_READ)
		k = snprintf(text + n, 40, "n0%cr%u", 0, b->domid);
	else if (a->op->perm == PERM_GUEST_OWN)
		k = snprintf(text + n, 40, "n%u", b->domid);
	else
		k = snprintf(text + n, 40, "n0");
	return queue(s, t, XS_SET_PERMS, text, n + (size_t)k + 1, a);
}

static bool queue_write(struct store *s, xs_transaction_t t, struct answer *a)
{
	char text[STORE_PATH_MAX * 2 + STORE_VALUE_MAX];
	size_t n = strlen(a->op->path) + 1, len = strlen(a->op->value);

	memcpy(text, a->op->path, n);
	memcpy(text + n, a->op->value, len);
	return queue(s, t, XS_WRITE, text, n + len, a);
}

static bool queue_op(struct store *s, xs_transaction_t t, const struct batch *b,
		     struct answer *a)
{
	const struct batch_op *op = a->op;
	size_t n = strlen(op->path) + 1;

	switch (op->kind) {
	case BATCH_PUT:
		return queue_write(s, t, a);
	case BATCH_RM:
		return queue(s, t, XS_RM, op->path, n, a);
	default:
		return queue(s, t, XS_MKDIR, op->path, n, a) &&
		       (op->perm == PERM_INHERIT || queue_perms(s, t, b, a));
	}
}

/* All requests, and their answers.  0, or an errno number. */
static int batch_send(struct store *s, xs_transaction_t t,
		      const struct batch *b, struct answers *all)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		all->each[i] = (struct answer){all, &b->op[i]};
		if (!queue_op(s, t, b, &all->each[i]))
			return errno;
	}
	return xs_pump(s->xs, 0) ? all->error : errno;
}

/* One try.  0, or an errno number with *culprit. */
static int batch_try(struct store *s, const struct batch *b,
		     const struct batch_op **culprit)
{
	struct answers *all =
		calloc(1, sizeof(*all) + b->nr * sizeof(all->each[0]));
	xs_transaction_t t;
	int err;

	if (!all)
		return ENOMEM;
	all->refs = 1;
	t = xs_transaction_start(s->xs);
	err = t == XBT_NULL ? errno : batch_send(s, t, b, all);
	if (t != XBT_NULL && !xs_transaction_end(s->xs, t, err != 0) && !err)
		err = errno;
	*culprit = all->culprit;
	all->abandoned = true;
	answers_put(all);
	return err;
}

int batch_commit(struct store *s, struct batch *b, struct fail *why)
{
	const struct batch_op *culprit = NULL;
	int err = EAGAIN;

	if (!b || b->failed) {
		batch_free(b);
		return fail_set(why, FAIL_LIMIT,
				"store: no memory, or a "
				"value is too long");
	}
	for (int i = 0; i < TRIES && err == EAGAIN; i++)
		err = batch_try(s, b, &culprit);
	if (err)
		fail_set(why, fail_of_errno(err), "store: %s: %s",
			 culprit ? culprit->path : "transaction",
			 strerror(err));
	batch_free(b);
	return err ? -1 : 0;
}

/* ---- domains ------------------------------------------------------------------- */

int store_introduce(struct store *s, unsigned int domid, unsigned long mfn,
		    unsigned int port, struct fail *why)
{
	if (xs_introduce_domain(s->xs, domid, mfn, port))
		return 0;
	return fail_set(why, fail_of_errno(errno), "store: introduce d%u: %s",
			domid, strerror(errno));
}

void store_release(struct store *s, unsigned int domid)
{
	xs_release_domain(s->xs, domid);
}

void store_stopped(struct store *s, unsigned int domid)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", domid);
	free(xs_control_command(s->xs, "domain-shutdown", number,
				(unsigned int)strlen(number) + 1));
}
