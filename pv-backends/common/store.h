/* SPDX-License-Identifier: MIT */
/*
 * The store, as backends use it: several keys for one round trip, watches in
 * the loop.
 *
 * Requests are queued and sent together by store_flush(), in order.  Who reads
 * keys passes where each value goes; a missing key leaves an empty string.
 * Values are a guest's own, perhaps: HOSTILE, but always strings.
 */
#ifndef PV_BACKENDS_COMMON_STORE_H
#define PV_BACKENDS_COMMON_STORE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	STORE_VALUE = 1024, /* longest value that is read, with its NUL */
	STORE_PATH = 256,
};

struct xs_handle;

struct store {
	struct xs_handle *xs; /* NULL: the connection was lost */
	struct ev_loop *loop;
	struct ev_io io;
	/* An event of a watch; and once, when the connection is gone. */
	void (*event)(struct store *s, const char *path, const char *token);
	void (*settled)(struct store *s); /* no more for now; may be NULL */
	void (*lost)(struct store *s);
	void *owner;
	int failed; /* errno of the first queued request that was refused */
};

struct store_value {
	bool there;
	char text[STORE_VALUE];
};

/* event, lost and owner are set by the caller.  -1 with errno. */
int store_open(struct store *s, struct ev_loop *loop);
void store_close(struct store *s);
/* In a child: forget the parent's connection. */
void store_forget(struct store *s);

/* dir/key; key NULL: dir itself. */
void store_get(struct store *s, const char *dir, const char *key,
	       struct store_value *value);
void store_put(struct store *s, const char *dir, const char *key,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void store_watch(struct store *s, const char *dir, const char *key,
		 const char *token);
void store_remove(struct store *s, const char *dir, const char *key);
/* 0, or the negative errno of the first that was refused (a missing key that
 * was read is no refusal). */
int store_flush(struct store *s);

/* One key, at once. */
bool store_read(struct store *s, const char *dir, const char *key,
		struct store_value *value);

/* A plain decimal number up to max. */
bool store_number(const struct store_value *value, uint64_t max,
		  uint64_t *number);

#endif
