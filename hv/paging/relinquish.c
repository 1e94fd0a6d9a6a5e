/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain's memory.
 *
 * A domain keeps no list of its frames: they are found by going over the part
 * of the frame table that they lie in.  First all pins, then all allocations;
 * tables come down on the way as their last uses end, since a table is never
 * part of itself.  What is left are frames that other domains have mapped.
 */
#include "hv/paging/paging.h"

/* Frames that one call looks at; most may be others'. */
enum {
	SCAN_STEP = 65536
};

static void frame_relinquish(struct mm_domain *d, struct frame *f, bool pins)
	MUST_HOLD(d->lock)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_REFS))
		return;
	if (pins && (s & FS_PINNED))
		(void)root_unpin(f, d);
	else if (pins)
		(void)busy_abandon(f, d);
	else
		d->budget -= frame_unalloc(f, d, false);
}

int mm_domain_relinquish(struct domain *dom)
{
	struct mm_domain *d = &dom->mm;
	uint64_t nr, step = 0;
	int rc;

	frames_close(d);
	rc = mm_begin(d);
	nr = d->last_mfn + 1 - d->first_mfn;
	if (d->first_mfn > d->last_mfn)
		nr = 0;
	for (; !rc && d->scan < 2 * nr; d->scan++) {
		frame_relinquish(d, &frame_table[d->first_mfn + d->scan % nr],
				 d->scan < nr);
		rc = zombies_drain(d);
		if (!rc && (d->budget <= 0 || ++step == SCAN_STEP))
			rc = -ERESTART;
	}
	spin_unlock(&d->lock);
	return rc;
}
