/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain's memory.
 *
 * A domain keeps no list of its frames: they are found by going over the part
 * of the frame table that they lie in.  First all pins, then all allocations;
 * tables come down on the way as their last uses end, since a table is never
 * part of itself.  What is left are frames that other domains have mapped.
 */
#include "hv/mm/guest.h"
#include "hv/mm/heap.h"

/* Frames that one call looks at; most are others'. */
enum {
	SCAN_STEP = 65536
};

static void frame_relinquish(struct mm_domain *d, struct frame *f, bool pins)
	MUST_HOLD(d->lock)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) != owner_tag(d) ||
	    (s & (FS_HV | FS_FREE | FS_SHARED)))
		return;
	if (pins) {
		busy_abandon(f, d);
		if (s & FS_PINNED)
			pin_put(f, d);
	} else if (s & FS_ALLOC) {
		frame_unalloc(f, d);
		d->budget--;
	}
}

int mm_domain_relinquish(struct domain *dom)
{
	struct mm_domain *d = &dom->mm;
	uint64_t nr, m, step = 0;
	int rc;

	mm_lock(d);
	if (d->first_mfn > d->last_mfn) {
		spin_unlock(&d->lock);
		return 0;
	}
	nr = d->last_mfn + 1 - d->first_mfn;
	rc = zombies_drain(d);
	while (!rc && d->scan < 2 * nr) {
		m = d->first_mfn + d->scan % nr;
		frame_relinquish(d, &frame_table[m], d->scan < nr);
		d->scan++;
		if (d->zombies != LINK_NONE)
			rc = zombies_drain(d);
		if (!rc && (d->budget <= 0 || ++step == SCAN_STEP))
			rc = -ERESTART;
	}
	spin_unlock(&d->lock);
	return rc;
}

void mm_vcpu_relinquish(struct vcpu *v)
{
	while (desc_set_gdt(v, NULL, 0) == -ERESTART)
		;
	while (desc_set_ldt(v, 0, 0) == -ERESTART)
		;
	/* What the roots held comes down with the rest. */
	if (root_set(v, MFN_INVALID) == -ERESTART)
		v->kernel_root = MFN_INVALID;
	if (root_set_user(v, MFN_INVALID) == -ERESTART)
		v->user_root = MFN_INVALID;
}
