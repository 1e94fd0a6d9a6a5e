/* SPDX-License-Identifier: MIT */
/*
 * The door to the engine for other rooms: frames by number.
 *
 * Table and descriptor types need the owner's lock, which is taken here;
 * references and writable uses need none.
 */
#include "hv/mm/guest.h"
#include "hv/mm/heap.h"

bool mfn_is_ram(mfn_t m)
{
	return frame_find(m.raw);
}

struct domain *frame_owner(mfn_t m)
{
	struct frame *f = frame_find(m.raw);
	struct mm_domain *d =
		f && !(f->state & (FS_HV | FS_FREE)) ? owner_of(f) : NULL;

	return d ? d->domain : NULL;
}

bool frame_get(mfn_t m, struct domain *d)
{
	struct frame *f = frame_find(m.raw);

	return f && ref_get(f, domain_mm(d));
}

void frame_put(mfn_t m)
{
	ref_put(&frame_table[m.raw]);
}

bool frame_get_writable(mfn_t m, struct domain *d)
{
	struct frame *f = frame_find(m.raw);

	return f && writable_get(f, domain_mm(d));
}

void frame_put_writable(mfn_t m)
{
	writable_put(&frame_table[m.raw]);
}

int frame_get_typed(mfn_t m, struct domain *dom, enum frame_type type)
{
	struct mm_domain *d = domain_mm(dom);
	struct frame *f = frame_find(m.raw);
	int rc;

	if (!f)
		return -EINVAL;
	if (type == FT_WRITABLE)
		return writable_get(f, d) ? 0 : -EINVAL;
	mm_lock(d);
	rc = zombies_drain(d);
	if (!rc)
		rc = typed_get(f, d, type);
	spin_unlock(&d->lock);
	return rc;
}

int frame_pin(mfn_t m, struct domain *dom, enum frame_type type)
{
	struct mm_domain *d = domain_mm(dom);
	struct frame *f = frame_find(m.raw);
	int rc;

	if (!f)
		return -EINVAL;
	mm_lock(d);
	rc = zombies_drain(d);
	if (!rc)
		rc = pin_get(f, d, type);
	spin_unlock(&d->lock);
	return rc;
}

void frame_put_typed(mfn_t m)
{
	struct frame *f = &frame_table[m.raw];
	struct mm_domain *d = owner_of(f);

	if (state_type(READ_ONCE(f->state)) == FT_WRITABLE) {
		writable_put(f);
		return;
	}
	mm_lock(d);
	typed_put(f, d);
	spin_unlock(&d->lock);
}

mfn_t domain_frame_alloc(struct domain *d, unsigned int order)
{
	uint32_t m = frames_alloc(domain_mm(d), order, HEAP_ANYWHERE, true);

	return m == LINK_NONE ? MFN_INVALID : mfn_of(m);
}

uint64_t domain_run_alloc(struct domain *dom, uint64_t most, mfn_t *first)
{
	struct mm_domain *d = domain_mm(dom);
	unsigned int order;
	uint32_t m;

	if (!most)
		return 0;
	order = min(63 - (unsigned int)__builtin_clzll(most),
		    (unsigned int)HEAP_MAX_ORDER);
	for (;;) {
		m = frames_alloc(d, order, HEAP_ANYWHERE, d->scrub);
		if (m != LINK_NONE)
			break;
		if (!order--)
			return 0;
	}
	*first = mfn_of(m);
	return 1ull << order;
}

/* Take the owner's allocation off the frame, with its reference. */
bool frame_unalloc(struct frame *f, struct mm_domain *d)
{
	uint64_t s = READ_ONCE(f->state);

	do {
		if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_ALLOC))
			return false;
	} while (!atomic_cmpxchg(&f->state, &s, s - FS_ALLOC));
	ref_put(f);
	return true;
}

int domain_frame_release(struct domain *dom, mfn_t m)
{
	struct mm_domain *d = domain_mm(dom);
	struct frame *f = frame_find(m.raw);
	bool done;

	if (!f)
		return -EINVAL;
	mm_lock(d);
	if (READ_ONCE(f->owner) == owner_tag(d))
		busy_abandon(f, d);
	done = frame_unalloc(f, d);
	spin_unlock(&d->lock);
	return done ? 0 : -EINVAL;
}

/* ---- pages lent to a domain --------------------------------------------------- */

void frame_share(mfn_t m, struct domain *dom, bool writable)
{
	struct mm_domain *d = domain_mm(dom);
	enum frame_type type =
		writable ? FT_WRITABLE : (enum frame_type)FT_LOCKED;
	struct frame *f = &frame_table[m.raw];
	bool first;

	BUG_ON(f->state != (FS_RAM | FS_HV));
	spin_lock(&heap_lock);
	first = !d->nr_frames && !d->nr_shared;
	d->nr_shared++;
	spin_unlock(&heap_lock);
	if (first && mm_domain_hold)
		mm_domain_hold(dom, true);
	f->owner = owner_tag(d);
	f->link = 0;
	store_release(&f->state,
		      FS_RAM | FS_SHARED | FS_REF | FS_USE | type_state(type));
}

void frame_unshare(mfn_t m)
{
	struct frame *f = &frame_table[m.raw];

	if (state_type(READ_ONCE(f->state)) == FT_WRITABLE) {
		writable_put(f);
		return;
	}
	atomic_fetch_sub(&f->state, FS_USE);
	ref_put(f);
}

void m2p_set(mfn_t m, uint64_t pfn)
{
	if (m.raw < frame_limit && frame_find(m.raw))
		WRITE_ONCE(m2p_table[m.raw], pfn);
}
