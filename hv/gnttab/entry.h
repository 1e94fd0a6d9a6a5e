/* SPDX-License-Identifier: MIT */
/* One grant: the HOSTILE entry that a guest writes, and our count of it. */
#ifndef HV_GNTTAB_ENTRY_H
#define HV_GNTTAB_ENTRY_H

#include <pv/grant_table.h>

#include "hv/lib/types.h"

/* What is in use of one entry, and for whom.  Trusted. */
struct grant_use {
	uint32_t readers; /* uses for reading only                        */
	uint32_t writers;
	uint32_t frame; /* of the first use; later ones get the same      */
	domid_t user;
	uint16_t pad;
};

/*
 * Begin a use of @entry by @user.  0 and use->frame is what it lends; a
 * GNTST_* error if the entry does not allow it.
 */
int grant_pin(struct pv_grant_entry_v1 *entry, struct grant_use *use,
	      domid_t user, bool writable) MUST_CHECK;
/* End it.  @entry is NULL when the table is gone. */
void grant_unpin(struct pv_grant_entry_v1 *entry, struct grant_use *use,
		 bool writable);

#endif /* HV_GNTTAB_ENTRY_H */
