/* SPDX-License-Identifier: MIT */
/* Buffers for data of requests, out of one piece of memory. */
#ifndef PV_BACKENDS_BLK_POOL_H
#define PV_BACKENDS_BLK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POOL_BYTES = 1 << 20,
	POOL_WORDS = POOL_BYTES / 4096 / 64,
	POOL_MOST = 64 * 4096, /* bytes of one buffer */
};

struct pool {
	unsigned char *memory; /* of POOL_BYTES; NULL: there is none */
	uint64_t taken[POOL_WORDS]; /* a bit a page */
};

/* Whole pages.  NULL: nothing that large is free. */
void *pool_get(struct pool *p, size_t bytes);
/* As they were got. */
void pool_put(struct pool *p, void *buffer, size_t bytes);
bool pool_has(const struct pool *p, const void *buffer);

#endif
