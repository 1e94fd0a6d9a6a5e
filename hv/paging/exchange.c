/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: give frames, get as many others, contiguous or with short
 * addresses; how a control domain makes memory for its devices.
 *
 * One round takes the larger of both extent sizes: so many frames in, held by
 * nothing but their allocation, then chunks for the other side, then both
 * change hands.  A round that cannot be done changes nothing.  Its lists live
 * in one page, which bounds the order.
 *
 * HOSTILE  Frames may be released by another vcpu at any moment, also new ones
 * whose numbers it guessed: what is not there any more is not missed.
 */
#include <pv/hypercalls.h>
#include <pv/memory.h>

#include "hv/paging/paging.h"

enum {
	MAX_ORDER = 10
};

struct round {
	struct domain *d;
	struct pv_memory_exchange x;
	unsigned int order; /* log2 of the frames that change hands */
	uint64_t first; /* frames done before                       */
	uint32_t *frames; /* in; then chunks that come              */
};

/* Where the list of one side has the extent of a frame. */
static uint64_t extent_gva(const struct pv_memory_reservation *side,
			   uint64_t frame)
{
	return side->extent_start +
	       (frame >> side->extent_order) * sizeof(uint64_t);
}

/*
 * A frame held by its allocation alone loses that reference: nobody can get
 * at it.
 */
static bool steal(struct domain *d, uint64_t m)
{
	struct frame *f = frame_find(m);
	uint64_t s;

	if (!f || READ_ONCE(f->owner) != owner_tag(&d->mm))
		return false;
	s = READ_ONCE(f->state);
	return (s & FS_ALLOC) && (s & FS_REFS) == FS_REF &&
	       !(s & (FS_USES | FS_BUSY | FS_CHANGING)) &&
	       atomic_cmpxchg(&f->state, &s, s - FS_REF);
}

/* End of the theft of @n frames; @gone: they leave the domain, too. */
static void restore(struct round *r, uint32_t n, bool gone)
{
	for (uint32_t i = 0; i < n; i++) {
		atomic_fetch_add(&frame_table[r->frames[i]].state, FS_REF);
		if (gone)
			(void)frame_release(&r->d->mm, r->frames[i]);
	}
}

static int take_in(struct round *r)
{
	uint64_t mask = (1ull << r->x.in.extent_order) - 1, m = 0;

	for (uint32_t i = 0; i < 1u << r->order; i++, m++) {
		int rc = 0;

		if (!(i & mask) &&
		    copy_from_guest(&m, extent_gva(&r->x.in, r->first + i),
				    sizeof(m)))
			rc = -EFAULT;
		else if (!steal(r->d, m))
			rc = -EBUSY;
		if (rc) {
			restore(r, i, false);
			return rc;
		}
		r->frames[i] = (uint32_t)m;
	}
	return 0;
}

static void release_chunk(struct domain *d, uint32_t m, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++)
		(void)frame_release(&d->mm, m + i);
}

/* Allocate the chunk that follows @frame and tell the guest. */
static int bring_chunk(struct round *r, uint64_t frame, uint32_t *m)
{
	const struct pv_memory_reservation *out = &r->x.out;
	unsigned int bits =
		out->address_bits ? out->address_bits : HEAP_ANYWHERE;
	uint64_t gva = extent_gva(out, frame), pfn, mfn;

	if (copy_from_guest(&pfn, gva, sizeof(pfn)))
		return -EFAULT;
	*m = frames_alloc(&r->d->mm, out->extent_order, bits);
	if (*m == LINK_NONE)
		return -ENOMEM;
	mfn = *m;
	if (copy_to_guest(gva, &mfn, sizeof(mfn))) {
		release_chunk(r->d, *m, out->extent_order);
		return -EFAULT;
	}
	for (uint32_t i = 0; i < 1u << out->extent_order; i++)
		m2p_set(mfn_of(*m + i), pfn + i);
	return 0;
}

static int bring_out(struct round *r)
{
	uint32_t step = 1u << r->x.out.extent_order, n = 0, m, at;
	uint32_t *chunks = r->frames + (1u << r->order);
	int rc = 0;

	for (at = 0; !rc && at < 1u << r->order; at += step) {
		rc = bring_chunk(r, r->first + at, &m);
		if (!rc)
			chunks[n++] = m;
	}
	while (rc && n)
		release_chunk(r->d, chunks[--n], r->x.out.extent_order);
	return rc;
}

static int round_do(struct round *r)
{
	int rc = take_in(r);

	if (rc)
		return rc;
	/* What is stolen leaves room for what comes. */
	frames_count(&r->d->mm, -(1ll << r->order));
	rc = bring_out(r);
	frames_count(&r->d->mm, 1ll << r->order);
	restore(r, 1u << r->order, !rc);
	return rc;
}

static bool refused(const struct pv_memory_exchange *x)
{
	unsigned int in = x->in.extent_order, out = x->out.extent_order;

	return in > MAX_ORDER || out > MAX_ORDER ||
	       x->in.domid != x->out.domid || x->in.nr_extents >> 40 ||
	       x->out.nr_extents >> 40 ||
	       x->in.nr_extents << in != x->out.nr_extents << out ||
	       x->nr_exchanged > x->in.nr_extents ||
	       (out > in && (x->in.nr_extents | x->nr_exchanged) &
				    ((1ull << (out - in)) - 1));
}

static int rounds(struct round *r)
{
	uint64_t total = r->x.in.nr_extents << r->x.in.extent_order;
	int64_t budget = MM_BUDGET;
	int rc = 0;

	r->first = r->x.nr_exchanged << r->x.in.extent_order;
	while (!rc && r->first < total) {
		if (budget <= 0)
			return -ERESTART;
		rc = round_do(r);
		if (!rc)
			r->first += 1ull << r->order;
		budget -= 32ll << r->order;
	}
	return rc;
}

long memop_exchange(uint64_t arg)
{
	struct round r;
	uint64_t before;
	int rc;

	if (copy_from_guest(&r.x, arg, sizeof(r.x)))
		return -EFAULT;
	if (refused(&r.x))
		return -EINVAL;
	r.d = current->domain;
	if (r.x.in.domid != DOMID_SELF && r.x.in.domid != r.d->id)
		return -EPERM;
	before = r.x.nr_exchanged;
	r.order = max(r.x.in.extent_order, r.x.out.extent_order);
	r.frames = hv_alloc(2 * sizeof(*r.frames) << r.order);
	rc = r.frames ? rounds(&r) : -ENOMEM;
	if (r.frames)
		r.x.nr_exchanged = r.first >> r.x.in.extent_order;
	hv_free(r.frames);
	if (r.x.nr_exchanged != before && copy_to_guest(arg, &r.x, sizeof(r.x)))
		return -EFAULT;
	if (rc == -ERESTART)
		return mm_restart(HC_memory_op, XENMEM_exchange, arg, 0, 0);
	return rc;
}
