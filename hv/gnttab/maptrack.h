/* SPDX-License-Identifier: MIT */
/* Handles: which grants a domain has mapped. */
#ifndef HV_GNTTAB_MAPTRACK_H
#define HV_GNTTAB_MAPTRACK_H

#include <pv/grant_table.h>

#include "hv/lib/spinlock.h"

struct domain;

/* One mapping.  Its parts are GNTMAP_host_map and GNTMAP_device_map. */
struct mapping {
	struct domain *owner; /* who granted; a reference                  */
	grant_ref_t ref; /* free entry: the next free handle               */
	uint32_t flags; /* GNTMAP_* of the parts that are left; 0: free   */
};
#define MAPPING_BUSY      0x80000000u /* in flags: somebody works on it    */
#define MAPPINGS_PER_PAGE (PAGE_SIZE / sizeof(struct mapping))
#define MAPTRACK_PAGES    1024

struct maptrack {
	spinlock_t lock; /* RUNG_GNTTAB */
	uint32_t nr; /* handles that have memory                          */
	uint32_t limit; /* no page more when nr has reached it             */
	uint32_t free; /* first free handle, or HANDLE_NONE                */
	struct mapping **pages; /* room for MAPTRACK_PAGES; NULL: none yet */
};
#define HANDLE_NONE        UINT32_MAX
#define MAPTRACK_DIR_ORDER 1
_Static_assert(MAPTRACK_PAGES * sizeof(void *) == PAGE_SIZE
							  << MAPTRACK_DIR_ORDER,
	       "the directory's size");

void maptrack_init(struct maptrack *t);
void maptrack_free(struct maptrack *t);
/* A handle, busy; GNTST_no_space. */
int maptrack_alloc(struct maptrack *t, grant_handle_t *handle) MUST_CHECK;
/* Make a mapping busy and copy it; GNTST_bad_handle if there is none. */
int maptrack_take(struct maptrack *t, grant_handle_t handle,
		  struct mapping *out) MUST_CHECK;
/* Give a busy one back as @m; flags of 0 free it. */
void maptrack_give(struct maptrack *t, grant_handle_t handle,
		   const struct mapping *m);

#endif /* HV_GNTTAB_MAPTRACK_H */
