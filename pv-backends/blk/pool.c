/* SPDX-License-Identifier: MIT */
/*
 * Buffers for data of requests, out of one piece of memory, which an image can
 * make known to the kernel beforehand.
 *
 * Sizes are rounded up to powers of two and lie at multiples of them; the first
 * place that is free is taken.  So what came together lies together, where
 * requests of one size follow each other on the disk, and little memory is in
 * use, which stays in the caches.
 *
 * PURE
 */
#include "pv-backends/blk/pool.h"

enum {
	PAGE = 4096,
};

static unsigned int pages_of(size_t bytes)
{
	size_t pages = (bytes + PAGE - 1) / PAGE;

	return pages < 2 ? 1 : 1u << (64 - __builtin_clzll(pages - 1));
}

static uint64_t bits_of(unsigned int pages)
{
	return pages == 64 ? UINT64_MAX : (UINT64_C(1) << pages) - 1;
}

void *pool_get(struct pool *p, size_t bytes)
{
	unsigned int pages, bit;

	if (!p->memory || bytes > POOL_MOST)
		return NULL;
	pages = pages_of(bytes);
	for (size_t i = 0; i < POOL_WORDS; i++) {
		if (p->taken[i] == UINT64_MAX)
			continue;
		for (bit = 0; bit < 64; bit += pages) {
			uint64_t bits = bits_of(pages) << bit;

			if (p->taken[i] & bits)
				continue;
			p->taken[i] |= bits;
			return p->memory + (i * 64 + bit) * PAGE;
		}
	}
	return NULL;
}

void pool_put(struct pool *p, void *buffer, size_t bytes)
{
	size_t page = (size_t)((unsigned char *)buffer - p->memory) / PAGE;

	p->taken[page / 64] &= ~(bits_of(pages_of(bytes)) << page % 64);
}

bool pool_has(const struct pool *p, const void *buffer)
{
	return p->memory &&
	       (uintptr_t)buffer - (uintptr_t)p->memory < (uintptr_t)POOL_BYTES;
}
