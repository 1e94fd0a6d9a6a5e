/* SPDX-License-Identifier: MIT */
/* PURE  A list of changes to the store. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/batch.h"

struct batch *batch_new(unsigned int domid)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b)
		b->domid = domid;
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (unsigned int i = 0; i < b->nr; i++) {
		free(b->op[i].path);
		free(b->op[i].value);
	}
	free(b->op);
	free(b);
}

static void batch_add(struct batch *b, enum batch_kind kind,
		      enum store_perm perm, const char *path, const char *value)
{
	struct batch_op *op;

	if (b->nr == b->room) {
		b->room = b->room ? b->room * 2 : 64;
		op = realloc(b->op, b->room * sizeof(*op));
		if (!op) {
			b->failed = true;
			b->room = b->nr;
			return;
		}
		b->op = op;
	}
	op = &b->op[b->nr++];
	*op = (struct batch_op){.kind = kind, .perm = perm};
	op->path = strdup(path);
	op->value = value ? strdup(value) : NULL;
	if (!op->path || (value && !op->value))
		b->failed = true;
}

/* A formatted text that must fit. */
static void format(struct batch *b, char *text, size_t room, const char *fmt,
		   va_list ap)
{
	int n = vsnprintf(text, room, fmt, ap);

	if (n < 0 || (size_t)n >= room)
		b->failed = true;
}

void batch_mkdir(struct batch *b, enum store_perm perm, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	if (!b)
		return;
	va_start(ap, fmt);
	format(b, path, sizeof(path), fmt, ap);
	va_end(ap);
	batch_add(b, BATCH_MKDIR, perm, path, NULL);
}

void batch_base(struct batch *b, const char *fmt, ...)
{
	va_list ap;

	if (!b)
		return;
	va_start(ap, fmt);
	format(b, b->base, sizeof(b->base), fmt, ap);
	va_end(ap);
}

void batch_put(struct batch *b, const char *node, const char *fmt, ...)
{
	char path[STORE_PATH_MAX * 2], value[STORE_VALUE_MAX];
	va_list ap;

	if (!b)
		return;
	snprintf(path, sizeof(path), "%s/%s", b->base, node);
	va_start(ap, fmt);
	format(b, value, sizeof(value), fmt, ap);
	va_end(ap);
	batch_add(b, BATCH_PUT, PERM_INHERIT, path, value);
}

void batch_rm(struct batch *b, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	if (!b)
		return;
	va_start(ap, fmt);
	format(b, path, sizeof(path), fmt, ap);
	va_end(ap);
	batch_add(b, BATCH_RM, PERM_INHERIT, path, NULL);
}
