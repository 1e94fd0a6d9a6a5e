/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: give frames, get as many others, contiguous or with short
 * addresses; how a control domain makes memory for its devices.
 *
 * One round takes the larger of both extent sizes: so many frames in, checked
 * to be held by nothing but their allocation, then chunks for the other side,
 * then both change hands.  A round that cannot be done changes nothing.
 */
#include <pv/hypercalls.h>
#include <pv/memory.h>

#include "hv/lib/string.h"
#include "hv/mm/heap.h"
#include "hv/mm/memop.h"

enum {
	MAX_ORDER = 10
};

struct round {
	struct domain *d;
	const struct pv_memory_exchange *x;
	unsigned int order; /* log2 of the frames that change hands */
	uint64_t first; /* frames done before                       */
	uint32_t *in; /* frames that go                             */
	uint32_t *out; /* chunks that come                          */
};

static unsigned int out_chunks(const struct round *r)
{
	return 1u << (r->order - r->x->out.extent_order);
}

static int in_read(struct round *r)
{
	unsigned int order = r->x->in.extent_order;
	uint64_t start = r->first >> order, m;

	for (uint32_t i = 0; i < 1u << r->order; i++) {
		if (!(i & ((1u << order) - 1)) &&
		    copy_from_guest(&m,
				    r->x->in.extent_start +
					    (start + (i >> order)) * sizeof(m),
				    sizeof(m)))
			return -EFAULT;
		if (m >= frame_limit)
			return -EINVAL;
		r->in[i] = (uint32_t)m++;
	}
	return 0;
}

/*
 * The frame is held by its allocation alone: take that, so that nobody can
 * get at it.  Its counts stay the domain's.
 */
static bool steal(struct domain *d, uint32_t m)
{
	struct frame *f = frame_find(m);
	uint64_t s;

	if (!f || READ_ONCE(f->owner) != owner_tag(&d->mm))
		return false;
	s = READ_ONCE(f->state);
	if ((s & (FS_REFS | FS_USES | FS_BUSY | FS_CHANGING | FS_PINNED |
		  FS_SHARED)) != FS_REF ||
	    !(s & FS_ALLOC))
		return false;
	return atomic_cmpxchg(&f->state, &s, s - FS_REF);
}

static void give_back(uint32_t m)
{
	atomic_fetch_add(&frame_table[m].state, FS_REF);
}

static int in_steal(struct round *r)
{
	for (uint32_t i = 0; i < 1u << r->order; i++) {
		if (steal(r->d, r->in[i]))
			continue;
		while (i--)
			give_back(r->in[i]);
		return -EINVAL;
	}
	return 0;
}

static void out_release(struct round *r, unsigned int n)
{
	while (n--)
		for (uint32_t i = 0; i < 1u << r->x->out.extent_order; i++)
			if (domain_frame_release(r->d, mfn_of(r->out[n] + i)))
				BUG();
}

/* The incoming frames are on top of the limit until the others are gone. */
static int out_alloc(struct round *r)
{
	const struct pv_memory_reservation *out = &r->x->out;
	unsigned int bits =
		out->address_bits ? out->address_bits : HEAP_ANYWHERE;
	struct mm_domain *d = &r->d->mm;
	unsigned int n = 0;

	d->max_frames += 1ull << r->order;
	for (; n < out_chunks(r); n++) {
		r->out[n] = frames_alloc(d, out->extent_order, bits, d->scrub);
		if (r->out[n] == LINK_NONE)
			break;
	}
	d->max_frames -= 1ull << r->order;
	if (n == out_chunks(r))
		return 0;
	out_release(r, n);
	return -ENOMEM;
}

static int out_number(struct round *r)
{
	const struct pv_memory_reservation *out = &r->x->out;
	uint64_t start = r->first >> out->extent_order, pfn, m;

	for (unsigned int n = 0; n < out_chunks(r); n++) {
		uint64_t gva = out->extent_start + (start + n) * sizeof(m);

		m = r->out[n];
		if (copy_from_guest(&pfn, gva, sizeof(pfn)) ||
		    copy_to_guest(gva, &m, sizeof(m)))
			return -EFAULT;
		for (uint32_t i = 0; i < 1u << out->extent_order; i++)
			m2p_set(mfn_of(m + i), pfn + i);
	}
	return 0;
}

static int round_do(struct round *r)
{
	uint32_t nr = 1u << r->order;
	int rc = in_read(r);

	if (rc)
		return rc;
	rc = in_steal(r);
	if (rc)
		return rc;
	rc = out_alloc(r);
	if (!rc) {
		rc = out_number(r);
		if (rc)
			out_release(r, out_chunks(r));
	}
	for (uint32_t i = 0; i < nr; i++) {
		give_back(r->in[i]);
		if (!rc && domain_frame_release(r->d, mfn_of(r->in[i])))
			BUG();
	}
	return rc;
}

static bool exchange_refused(const struct pv_memory_exchange *x)
{
	unsigned int in = x->in.extent_order, out = x->out.extent_order;

	return in > MAX_ORDER || out > MAX_ORDER ||
	       x->in.domid != x->out.domid || x->in.nr_extents > ~0ull >> 24 ||
	       x->out.nr_extents > ~0ull >> 24 ||
	       x->in.nr_extents << in != x->out.nr_extents << out ||
	       x->nr_exchanged > x->in.nr_extents;
}

/* Rounds until the budget is used up.  *done: frames changed in this call. */
static int rounds(struct round *r, uint64_t *done)
{
	uint64_t total = r->x->in.nr_extents << r->x->in.extent_order;
	int64_t budget = MM_BUDGET;
	int rc = 0;

	r->first = r->x->nr_exchanged << r->x->in.extent_order;
	if (r->first & ((1ull << r->order) - 1) ||
	    total & ((1ull << r->order) - 1))
		return -EINVAL;
	while (!rc && r->first < total) {
		if (budget <= 0)
			return -ERESTART;
		rc = round_do(r);
		if (rc)
			break;
		r->first += 1ull << r->order;
		*done += 1ull << r->order;
		budget -= 32ll << r->order;
	}
	return rc;
}

long memop_exchange(uint64_t arg)
{
	struct pv_memory_exchange x;
	struct round r = {.x = &x};
	uint64_t done = 0;
	int rc;

	if (copy_from_guest(&x, arg, sizeof(x)))
		return -EFAULT;
	if (exchange_refused(&x))
		return -EINVAL;
	rc = memop_domain(x.in.domid, &r.d);
	if (rc)
		return rc;
	r.order = max(x.in.extent_order, x.out.extent_order);
	r.in = hv_alloc(sizeof(*r.in) << r.order);
	r.out = hv_alloc(sizeof(*r.out) << r.order);
	rc = r.in && r.out ? rounds(&r, &done) : -ENOMEM;
	hv_free(r.out);
	hv_free(r.in);
	domain_put(r.d);
	x.nr_exchanged += done >> x.in.extent_order;
	if (done && copy_to_guest(arg, &x, sizeof(x)))
		return -EFAULT;
	if (rc == -ERESTART)
		return mm_restart(HC_memory_op, XENMEM_exchange, arg, 0, 0);
	return rc;
}
