/* SPDX-License-Identifier: MIT */
/* The frame allocator and the hypervisor's tables, for mm and paging. */
#ifndef HV_MM_HEAP_H
#define HV_MM_HEAP_H

#include "hv/mm/frame.h"

#define HEAP_MAX_ORDER 18 /* 1 GiB */
#define HEAP_ANYWHERE  64 /* address bits: no limit */

extern spinlock_t heap_lock;

/* Give a run of RAM frames to the allocator (boot); any alignment. */
void heap_add(uint64_t mfn, uint64_t nr);
/*
 * A chunk for @d below 2^bits bytes, within its limits; @clear: zeroed.
 * LINK_NONE.
 */
uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits, bool clear);
/* @d counts so many more frames as its own. */
void frames_count(struct mm_domain *d, int64_t more);
/* From now on @d gets no frames (it ends). */
void frames_close(struct mm_domain *d);
/* Each frame that a domain owns or is lent is a reference to it (paging). */
void owner_hold(struct domain *d, uint32_t frames);
void owner_drop(struct domain *d);

void page_clear(void *page);

/* Where hv_map takes zeroed pages for tables from. */
extern void *(*map_page_alloc)(void);
void *map_page_from_heap(void);
uint64_t *map_l2(uint64_t *l4, uint64_t va);

#endif /* HV_MM_HEAP_H */
