/* SPDX-License-Identifier: MIT */
/* The hypervisor's mappings, for the room's own files. */
#ifndef HV_MM_MAP_H
#define HV_MM_MAP_H

#include "hv/mm/heap.h"

/* Where hv_map takes zeroed pages for tables from. */
extern void *(*map_page_alloc)(void);
void *map_page_from_heap(void);
uint64_t *map_l2(uint64_t *l4, uint64_t va);

#endif /* HV_MM_MAP_H */
