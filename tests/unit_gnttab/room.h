/* SPDX-License-Identifier: MIT */
/* Domains with grant tables, and page tables that are an array of slots. */
#ifndef TESTS_UNIT_GNTTAB_ROOM_H
#define TESTS_UNIT_GNTTAB_ROOM_H

#include "tests/unit_evtchn/host.h"

#include "hv/gnttab/internal.h"

#define DOMS  3
#define SLOTS 16 /* page-table entries per domain */

/* Slot n of a domain is the virtual address slot_va(n), the entry at
 * slot_pte(n). */
static inline uint64_t slot_va(unsigned int n)
{
	return 0x10000 + (uint64_t)n * PAGE_SIZE;
}
static inline uint64_t slot_pte(unsigned int n)
{
	return 0x8000000 + 8ull * n;
}

struct slot {
	bool present;
	mfn_t m;
	uint64_t flags;
};
extern struct slot slots[DOMS][SLOTS];
extern unsigned int flushes;

struct room {
	struct domain *d[DOMS];
};
int room_make(void **state);
int room_free(void **state);
/* Begin and finish a domain's destruction, to the last reference. */
void room_destroy(struct room *r, unsigned int id);

/* An entry of @d's table. */
struct pv_grant_entry_v1 *entry(struct domain *d, grant_ref_t ref);
/* A call by @d, restarted until it is done. */
long call(struct domain *d, uint32_t cmd, void *ops, uint32_t count);
extern unsigned int restarts;
/* The guest clears an entry of its page tables by itself. */
void slot_clear(struct domain *d, unsigned int n);

int map(struct domain *d, struct pv_gnttab_map_grant_ref *op);
int unmap(struct domain *d, uint64_t host_addr, uint64_t dev_bus_addr,
	  grant_handle_t handle);

#endif /* TESTS_UNIT_GNTTAB_ROOM_H */
