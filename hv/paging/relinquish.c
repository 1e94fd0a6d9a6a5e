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
	SCAN_STEP = 131072
};

/* The first frame from @mfn on that is @d's, or @end. */
static uint64_t next_owned(const struct mm_domain *d, uint64_t mfn,
			   uint64_t end)
{
	uint32_t tag = owner_tag(d);

	while (mfn < end) {
		unsigned int part = frame_part(mfn);
		uint64_t stop = min(frame_part_end(part), end);

		if (!(d->parts & 1ull << part))
			mfn = stop;
		for (; mfn < stop; mfn++)
			if (READ_ONCE(frame_table[mfn].owner) == tag)
				return mfn;
	}
	return end;
}

static void frame_relinquish(struct mm_domain *d, struct frame *f, bool pins)
	MUST_HOLD(d->lock)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_REFS))
		return;
	if (pins && (s & FS_PINNED))
		(void)pt_unpin(f, d);
	else if (pins)
		(void)busy_abandon(f, d);
	else
		d->budget -= frame_unalloc(f, d, false);
}

/* From where the scan is to @end; frame 0 of the pass is @base. */
static int scan_some(struct mm_domain *d, uint64_t base, uint64_t end,
		     bool pins) MUST_HOLD(d->lock)
{
	uint64_t mfn;
	int rc = 0;

	while (!rc) {
		mfn = next_owned(d, base + d->scan, base + end);
		d->scan = mfn - base;
		if (d->scan == end)
			break;
		frame_relinquish(d, &frame_table[mfn], pins);
		d->scan++;
		rc = zombies_drain(d);
		if (!rc && d->budget <= 0)
			rc = -ERESTART;
	}
	return rc;
}

int mm_domain_relinquish(struct domain *dom)
{
	struct mm_domain *d = &dom->mm;
	uint64_t nr, first, end, step = SCAN_STEP;
	int rc;

	frames_close(d);
	rc = mm_begin(d);
	nr = d->last_mfn + 1 - d->first_mfn;
	if (d->first_mfn > d->last_mfn)
		nr = 0;
	while (!rc && d->scan < 2 * nr) {
		first = d->scan < nr ? 0 : nr;
		end = min(first + nr, d->scan + step);
		step -= end - d->scan;
		rc = scan_some(d, d->first_mfn - first, end, !first);
		if (!rc && !step && d->scan < 2 * nr)
			rc = -ERESTART;
	}
	spin_unlock(&d->lock);
	return rc;
}
