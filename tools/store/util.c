/* SPDX-License-Identifier: MIT */
/*
 * Memory and byte buffers.
 *
 * PURE  A buffer keeps its bytes in one piece and moves them to the front only
 * when room is short, so that a stream of small messages costs no copies.
 * An emptied large buffer goes back to the allocator: thousands of idle
 * connections hold no memory.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/util.h"

#define BUF_KEEP 4096 /* an emptied buffer up to this size is kept */

static void *mem_check(void *p)
{
	if (!p) {
		fputs("store: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return mem_check(malloc(size));
}

void *mem_zalloc(size_t size)
{
	return mem_check(calloc(1, size));
}

void *mem_resize(void *p, size_t size)
{
	return mem_check(realloc(p, size));
}

char *mem_dup(const void *p, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *buf_room(struct buf *b, size_t n)
{
	size_t cap;

	if (b->cap - b->off - b->len >= n && b->mem)
		return b->mem + b->off + b->len;
	if (b->off && b->cap - b->len >= n && b->off >= b->len) {
		memcpy(b->mem, b->mem + b->off, b->len);
		b->off = 0;
		return b->mem + b->len;
	}
	cap = b->cap ? b->cap : 256;
	while (cap - b->off < b->len + n)
		cap *= 2;
	b->mem = mem_resize(b->mem, cap);
	b->cap = cap;
	return b->mem + b->off + b->len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	memcpy(buf_room(b, n), p, n);
	b->len += n;
}

void buf_take(struct buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len)
		return;
	b->off = 0;
	if (b->cap > BUF_KEEP)
		buf_free(b);
}

void buf_free(struct buf *b)
{
	free(b->mem);
	memset(b, 0, sizeof(*b));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}
