/* SPDX-License-Identifier: MIT */
/*
 * The door to the engine for other rooms: frames by number.
 *
 * Table and descriptor types need the owner's lock, which is taken here;
 * references and writable uses need none.
 */
#include "hv/paging/paging.h"

bool mfn_is_ram(mfn_t m)
{
	return frame_find(m.raw);
}

bool frame_is_of(mfn_t m, const struct domain *d)
{
	struct frame *f = frame_find(m.raw);

	return f && READ_ONCE(f->owner) == owner_tag(&d->mm) &&
	       (READ_ONCE(f->state) & FS_REFS);
}

bool frame_get(mfn_t m, struct domain *d)
{
	struct frame *f = frame_find(m.raw);

	return f && ref_get(f, &d->mm);
}

void frame_put(mfn_t m)
{
	ref_put(&frame_table[m.raw]);
}

bool frame_get_writable(mfn_t m, struct domain *d)
{
	struct frame *f = frame_find(m.raw);

	return f && writable_get(f, &d->mm);
}

void frame_put_writable(mfn_t m)
{
	writable_put(&frame_table[m.raw]);
}

/* @get, with what there is to do before it, under the owner's lock. */
static int locked_get(mfn_t m, struct mm_domain *d, enum frame_type type,
		      int (*get)(struct frame *f, struct mm_domain *d,
				 enum frame_type type)) NO_ANALYSIS
{
	struct frame *f = frame_find(m.raw);
	int rc = mm_begin(d);

	if (!rc)
		rc = f ? get(f, d, type) : -EINVAL;
	spin_unlock(&d->lock);
	return rc;
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
	if (type == FT_WRITABLE)
		return frame_get_writable(m, d) ? 0 : -EINVAL;
	return locked_get(m, &d->mm, type, typed_get);
}

int frame_pin(mfn_t m, struct domain *d, enum frame_type type)
{
	return locked_get(m, &d->mm, type, pin_get);
}

void frame_put_typed(mfn_t m)
{
	struct frame *f = &frame_table[m.raw];
	struct mm_domain *d = owner_of(f);

	if (state_type(READ_ONCE(f->state)) == FT_WRITABLE) {
		writable_put(f);
		return;
	}
	owner_hold(d->domain, 1); /* it may be the last frame */
	mm_lock(d);
	typed_put(f, d);
	spin_unlock(&d->lock);
	owner_drop(d->domain);
}

void owner_hold(struct domain *d, uint32_t nr)
{
	atomic_fetch_add(&d->refs, nr);
}

void owner_drop(struct domain *d)
{
	domain_put(d);
}

/* ---- allocation ---------------------------------------------------------------- */

uint64_t domain_run_alloc(struct domain *d, uint64_t most, mfn_t *first)
{
	unsigned int order = HEAP_MAX_ORDER + 1;

	while (order--) {
		uint32_t m = most >> order ? frames_alloc(&d->mm, order,
							  HEAP_ANYWHERE)
					   : LINK_NONE;

		*first = mfn_of(m);
		if (m != LINK_NONE)
			return 1ull << order;
	}
	return 0;
}

bool frame_unalloc(struct frame *f, struct mm_domain *d, bool alone)
{
	uint64_t s = READ_ONCE(f->state);

	do {
		/* No references: it is being exchanged. */
		if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_ALLOC) ||
		    !(s & FS_REFS) || (alone && (s & FS_REFS) != FS_REF))
			return false;
	} while (!atomic_cmpxchg(&f->state, &s, s - FS_ALLOC));
	ref_put(f);
	return true;
}

bool frame_release(struct mm_domain *d, uint64_t m)
{
	struct frame *f = frame_find(m);

	return f && frame_unalloc(f, d, true);
}

/* ---- pages lent to a domain --------------------------------------------------- */

void frame_share(mfn_t m, struct domain *d, bool writable)
{
	unsigned int type = writable ? FT_WRITABLE : FT_LOCKED;
	struct frame *f = &frame_table[m.raw];

	BUG_ON(f->state != (FS_RAM | FS_HV));
	owner_hold(d, 1);
	f->owner = owner_tag(&d->mm);
	f->link = 0;
	store_release(&f->state,
		      FS_RAM | FS_SHARED | FS_REF | FS_USE | type_state(type));
}

void frame_unshare(mfn_t m)
{
	struct frame *f = &frame_table[m.raw];

	if (state_type(READ_ONCE(f->state)) == FT_WRITABLE) {
		writable_put(f);
	} else {
		atomic_fetch_sub(&f->state, FS_USE);
		ref_put(f);
	}
}

void m2p_set(mfn_t m, uint64_t pfn)
{
	if (frame_find(m.raw))
		WRITE_ONCE(m2p_table[m.raw], pfn);
}
