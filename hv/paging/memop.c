/* SPDX-License-Identifier: MIT */
/*
 * memory_op: how many frames a domain has, and which.
 *
 * A long list restarts itself: the number of extents that are done travels in
 * the command's upper bits.  A call that did some of its list and then failed
 * answers with how many it did.
 */
#include <pv/hypercalls.h>
#include <pv/memory.h>

#include "hv/paging/paging.h"

enum {
	DONE_SHIFT = 6,
	CMD_MASK = (1 << DONE_SHIFT) - 1,
	GUEST_ORDER = 9
};

unsigned int (*mm_machine_map)(struct pv_e820_entry *map, unsigned int max);
int (*mm_resource)(struct domain *d, uint32_t id, uint64_t first, uint32_t nr,
		   uint64_t *mfns);

/* The domain that a call names; others only for the privileged. */
static int memop_domain(domid_t id, struct domain **d)
{
	struct domain *self = current->domain;

	if (id == self->id)
		id = DOMID_SELF;
	if (id != DOMID_SELF && !self->privileged)
		return -EPERM;
	*d = domain_get(id);
	return *d ? 0 : -ESRCH;
}

/* ---- more, fewer ----------------------------------------------------------------- */

/* @numbered: the list has the guest's numbers for it. */
static int extent_new(struct domain *d, const struct pv_memory_reservation *r,
		      uint64_t i, bool numbered)
{
	unsigned int bits = r->address_bits ? r->address_bits : HEAP_ANYWHERE;
	uint64_t at = r->extent_start + i * sizeof(uint64_t), pfn = 0, mfn;
	uint32_t m, nr = 1u << r->extent_order;

	if (numbered && copy_from_guest(&pfn, at, sizeof(pfn)))
		return -EFAULT;
	m = frames_alloc(&d->mm, r->extent_order, bits);
	if (m == LINK_NONE)
		return -ENOMEM;
	for (uint32_t k = 0; numbered && k < nr; k++)
		m2p_set(mfn_of(m + k), pfn + k);
	mfn = m;
	if (!r->extent_start || !copy_to_guest(at, &mfn, sizeof(mfn)))
		return 0;
	/* The guest may have guessed one and freed it itself. */
	for (uint32_t k = 0; k < nr; k++)
		(void)frame_release(&d->mm, m + k);
	return -EFAULT;
}

/* One extent more. */
static int extent_add(struct domain *d, const struct pv_memory_reservation *r,
		      uint64_t i, bool numbered)
{
	int rc = -ESRCH;

	if (frames_grow(&d->mm)) {
		rc = extent_new(d, r, i, numbered);
		frames_grown(&d->mm);
	}
	return rc;
}

static int extent_remove(struct domain *d,
			 const struct pv_memory_reservation *r, uint64_t i)
{
	uint64_t m;

	if (copy_from_guest(&m, r->extent_start + i * sizeof(m), sizeof(m)))
		return -EFAULT;
	for (uint64_t k = 0; k < 1ull << r->extent_order; k++)
		if (!frame_release(&d->mm, m + k))
			return -EINVAL;
	return 0;
}

static long reservation(unsigned int cmd, uint64_t done, uint64_t arg)
{
	struct pv_memory_reservation r;
	int64_t budget = MM_BUDGET;
	struct domain *d;
	int rc;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.nr_extents > ~0u >> DONE_SHIFT || done > r.nr_extents)
		return -EINVAL;
	rc = memop_domain(r.domid, &d);
	if (rc)
		return rc;
	/* What has to be cleared is given in small parts. */
	if (r.extent_order > (d->mm.scrub ? GUEST_ORDER : HEAP_MAX_ORDER))
		rc = -EINVAL;
	while (!rc && done < r.nr_extents && budget > 0) {
		rc = cmd == XENMEM_decrease_reservation
			     ? extent_remove(d, &r, done)
			     : extent_add(d, &r, done,
					  cmd == XENMEM_populate_physmap);
		done += !rc;
		/* Clearing a frame costs as much as 16 entries. */
		budget -= 16ll << r.extent_order;
	}
	domain_put(d);
	if (!rc && done < r.nr_extents)
		return mm_restart(HC_memory_op, cmd | done << DONE_SHIFT, arg,
				  0, 0);
	return (long)done;
}

/* ---- questions -------------------------------------------------------------------- */

static long domain_question(unsigned int cmd, uint64_t arg)
{
	struct domain *d;
	domid_t id;
	long rc;

	if (copy_from_guest(&id, arg, sizeof(id)))
		return -EFAULT;
	rc = memop_domain(id, &d);
	if (rc)
		return rc;
	rc = (long)(cmd == XENMEM_current_reservation ? d->mm.nr_frames
						      : d->mm.max_frames);
	domain_put(d);
	return rc;
}

static long machphys_mapping(uint64_t arg)
{
	struct pv_machphys_mapping m = {
		.v_start = MACH2PHYS_VIRT_START,
		.v_end = MACH2PHYS_VIRT_END,
		.max_mfn = frame_limit - 1,
	};

	return copy_to_guest(arg, &m, sizeof(m));
}

static long map_answer(uint64_t arg, const struct pv_e820_entry *map,
		       unsigned int n)
{
	struct pv_memory_map m;

	if (copy_from_guest(&m, arg, sizeof(m)))
		return -EFAULT;
	if (m.nr_entries < n)
		return -EINVAL;
	m.nr_entries = n;
	if (copy_to_guest(m.buffer, map, n * sizeof(*map)) ||
	    copy_to_guest(arg, &m, sizeof(m)))
		return -EFAULT;
	return 0;
}

static long memory_map(uint64_t arg)
{
	struct mm_domain *d = &current->domain->mm;

	return d->nr_map ? map_answer(arg, d->map, d->nr_map) : -ENOSYS;
}

static long machine_memory_map(uint64_t arg)
{
	struct pv_e820_entry *map;
	long rc;

	if (!current->domain->privileged)
		return -EPERM;
	if (!mm_machine_map)
		return -ENOSYS;
	map = hv_alloc(PV_E820_MAX * sizeof(*map));
	if (!map)
		return -ENOMEM;
	rc = map_answer(arg, map, mm_machine_map(map, PV_E820_MAX));
	hv_free(map);
	return rc;
}

/* A domain's grant frames, for who maps them on its behalf. */
static long acquire_resource(uint64_t arg)
{
	struct pv_mem_acquire_resource r;
	uint64_t mfns[32];
	struct domain *d;
	int rc;

	if (!current->domain->privileged)
		return -EPERM;
	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.type != XENMEM_resource_grant_table || r.flags || !mm_resource ||
	    r.nr_frames > ARRAY_SIZE(mfns))
		return -EINVAL;
	d = domain_get(r.domid);
	if (!d)
		return -ESRCH;
	rc = mm_resource(d, r.id, r.frame, r.nr_frames, mfns);
	domain_put(d);
	if (rc < 0)
		return rc;
	if (r.nr_frames)
		return copy_to_guest(r.frame_list, mfns,
				     r.nr_frames * sizeof(*mfns));
	r.nr_frames = (uint32_t)rc;
	return copy_to_guest(arg, &r, sizeof(r));
}

long hc_memory_op(uint32_t cmd, uint64_t arg)
{
	uint64_t done = cmd >> DONE_SHIFT;

	switch (cmd & CMD_MASK) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(cmd & CMD_MASK, done, arg);
	case XENMEM_exchange:
		return memop_exchange(arg);
	case XENMEM_maximum_ram_page:
		return (long)(frame_limit - 1);
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
		return domain_question(cmd & CMD_MASK, arg);
	case XENMEM_memory_map:
		return memory_map(arg);
	case XENMEM_machine_memory_map:
		return machine_memory_map(arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_acquire_resource:
		return acquire_resource(arg);
	}
	return -ENOSYS;
}
