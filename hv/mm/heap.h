/* SPDX-License-Identifier: MIT */
/* The frame allocator, for the room's own files. */
#ifndef HV_MM_HEAP_H
#define HV_MM_HEAP_H

#include "hv/mm/frame.h"

#define HEAP_MAX_ORDER 18 /* 1 GiB */
#define HEAP_ANYWHERE  64 /* address bits: no limit                          */

extern spinlock_t heap_lock;

/* Give a run of RAM frames to the allocator (boot); any alignment. */
void heap_add(uint64_t mfn, uint64_t nr);
/* A chunk of 2^order frames below 2^bits bytes; LINK_NONE. */
uint32_t heap_take(unsigned int order, unsigned int bits) MUST_HOLD(heap_lock);
void heap_give(uint32_t mfn, unsigned int order) MUST_HOLD(heap_lock);

/*
 * A chunk for @d below 2^bits bytes, within its limits; @clear: zeroed.
 * LINK_NONE.
 */
uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits, bool clear);

void page_clear(void *page);
void page_copy(void *to, const void *from);

#endif /* HV_MM_HEAP_H */
