/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef HV_GNTTAB_INTERNAL_H
#define HV_GNTTAB_INTERNAL_H

#include <pv/errno.h>
#include <pv/grant_table.h>

#include "hv/gnttab/entry.h"
#include "hv/gnttab/gnttab.h"
#include "hv/gnttab/maptrack.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"

#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(struct pv_grant_entry_v1))

/* A page of entries that the domain maps, and our counts of them. */
struct grant_frame {
	struct pv_grant_entry_v1 *entries; /* HOSTILE; NULL: taken away    */
	struct grant_use *uses;
};
#define USES_ORDER 1
_Static_assert(GRANTS_PER_FRAME * sizeof(struct grant_use) ==
		       PAGE_SIZE << USES_ORDER,
	       "the size of uses");

struct gnttab {
	spinlock_t lock; /* RUNG_GNTTAB: the table.  Never two of them.    */
	unsigned int nr_frames, max_frames;
	uint32_t released; /* handles below are free; the domain is dying  */
	struct maptrack track;
	struct grant_frame frame[];
};
/* What fits in the page of a struct gnttab. */
#define GNTTAB_MAX_FRAMES                                                      \
	((PAGE_SIZE - sizeof(struct gnttab)) / sizeof(struct grant_frame))

/* ---- table.c */
/* Grow to @nr frames; GNTST_*. */
int table_grow(struct domain *d, unsigned int nr) MUST_CHECK;
/* Frame @i, which the table has; MFN_INVALID if it has been taken away. */
mfn_t table_mfn(struct domain *d, unsigned int i);
/*
 * Begin and end a use of a grant of @owner by @user.  table_frame is what it
 * lends, as long as it is in use.
 */
int table_pin(struct domain *owner, grant_ref_t ref, domid_t user,
	      bool writable, mfn_t *m) MUST_CHECK;
void table_unpin(struct domain *owner, grant_ref_t ref, bool writable);
mfn_t table_frame(struct domain *owner, grant_ref_t ref);
int table_swap(struct domain *d, grant_ref_t a, grant_ref_t b);

/* A reference on a frame of @owner for one use. */
static inline bool use_frame(struct domain *owner, mfn_t m, bool writable)
{
	return writable ? frame_get_writable(m, owner) : frame_get(m, owner);
}
static inline void unuse_frame(mfn_t m, bool writable)
{
	if (writable)
		frame_put_writable(m);
	else
		frame_put(m);
}

/* ---- map.c, copy.c: @n structures, already copied in; status in each */
#define GNTTAB_CHUNK 32u
void map_ops(void *ops, unsigned int n);
void unmap_ops(void *ops, unsigned int n);
void replace_ops(void *ops, unsigned int n);
void copy_ops(void *ops, unsigned int n);
/* End mappings of a dying domain from handle @from on: the next one to do. */
uint32_t release_mappings(struct domain *d, uint32_t from, unsigned int budget);

#endif /* HV_GNTTAB_INTERNAL_H */
