/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: what one domain lets another map or copy.
 *
 * Version 1 of the table alone: its 32-bit frame numbers reach 16 TiB of RAM,
 * and every kernel falls back to it.
 */
#ifndef HV_GNTTAB_GNTTAB_H
#define HV_GNTTAB_GNTTAB_H

#include "hv/domain/domain.h"

#define GNTTAB_DEFAULT_FRAMES 64 /* of 512 grants each                    */

/* @max_frames is the table's limit; it starts with one frame. */
int gnttab_domain_init(struct domain *d, unsigned int max_frames) MUST_CHECK;
/* At most @max mappings of others' frames (rounded up to a page of handles)
 * instead of the default, the most there can be: 262144. */
void gnttab_limit_mappings(struct domain *d, uint32_t max);
/*
 * End all of the dying domain's maps of others' frames, and take its table
 * from it.  Its page tables are gone (mm_domain_relinquish).  Who maps its
 * frames goes on until he unmaps them.  -ERESTART: call again.
 */
int gnttab_domain_destroy(struct domain *d) MUST_CHECK;
/* The last reference on @d is gone; also after a failed init. */
void gnttab_domain_free(struct domain *d);

/*
 * For mm_resource: the machine frames [first, first + nr) of the table, which
 * grows to have them; @nr 0 asks how many there may be.  -EINVAL: beyond that,
 * or another @id than the shared entries; -ENOMEM.
 */
int gnttab_resource(struct domain *d, uint32_t id, uint64_t first, uint32_t nr,
		    uint64_t *mfns);

/* Batches restart themselves through mm_restart. */
long hc_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count);

#endif /* HV_GNTTAB_GNTTAB_H */
