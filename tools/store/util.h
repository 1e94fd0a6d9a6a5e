/* SPDX-License-Identifier: MIT */
/*
 * Small things that every file of the store uses: lists, buffers, memory.
 *
 * Memory that cannot be had ends the daemon: quotas bound what a client can
 * make it allocate, and the journal brings the next instance up where this
 * one stopped.  That is safer than thousands of untried error paths.
 */
#ifndef TOOLS_STORE_UTIL_H
#define TOOLS_STORE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_resize(void *p, size_t size);
char *mem_dup(const void *p, size_t len); /* adds a NUL */

/* A circular doubly linked list; an empty head points at itself. */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Leaves l empty, so that a second removal is harmless. */
static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define list_for_each(pos, head)                                               \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
#define list_for_each_safe(pos, tmp, head)                                     \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head);       \
	     (pos) = (tmp), (tmp) = (pos)->next)

/* Bytes in a row: appended at the end, taken from the front. */
struct buf {
	char *mem;
	size_t off, len, cap; /* the bytes are mem[off .. off + len) */
};

static inline char *buf_data(const struct buf *b)
{
	/* An empty buffer has no memory, and NULL has no offsets in C. */
	return (char *)((uintptr_t)b->mem + b->off);
}

char *buf_room(struct buf *b, size_t n); /* at least n free bytes at the end */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_take(struct buf *b, size_t n); /* drop n bytes from the front */
void buf_free(struct buf *b);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
