/* SPDX-License-Identifier: MIT */
/* Paths: what is allowed, absolute form, prefixes and their hashes. */
#ifndef TOOLS_STORE_PATH_H
#define TOOLS_STORE_PATH_H

#include "tools/store/hash.h"
#include "tools/xs/wire.h"

#define PATH_MAX_DEPTH (XS_ABS_PATH_MAX / 2)

/*
 * A checked absolute path.  Prefix i has i components, end[i] bytes and
 * hash[i]; prefix 0 is the root.  Only the used part is ever written.
 */
struct path {
	uint16_t len;
	uint16_t depth; /* components; 0 is the root, also for @names  */
	bool special; /* starts with '@'                             */
	uint16_t relative; /* bytes of the base that was put in front     */
	char str[XS_ABS_PATH_MAX + 1];
	uint16_t end[PATH_MAX_DEPTH + 1];
	uint32_t hash[PATH_MAX_DEPTH + 1];
};

#define PATH_SPECIAL 1u /* names that start with '@' are welcome */

/*
 * Check text of len bytes (no NUL inside) and make it absolute with base.
 * 0, or EINVAL for a path that no store accepts.
 */
int path_parse(struct path *p, const char *base, const char *text, size_t len,
	       unsigned flags);

/* Hash of any absolute path that is known to be well formed. */
uint32_t path_hash(const char *s, size_t len);

static inline uint32_t path_own_hash(const struct path *p)
{
	return p->hash[p->depth];
}

/* Bytes that count against the path quota: below /local/domain/N/. */
size_t path_quota_len(const struct path *p);

/* How many components s has; the root has none. */
unsigned path_depth(const char *s, size_t len);

/* Is s the prefix itself, or below it? */
bool path_covers(const char *prefix, size_t plen, const char *s, size_t len);

#endif
