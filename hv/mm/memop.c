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

#include "hv/lib/string.h"
#include "hv/mm/guest.h"
#include "hv/mm/heap.h"
#include "hv/mm/memop.h"

enum {
	DONE_SHIFT = 6,
	CMD_MASK = (1 << DONE_SHIFT) - 1
};

unsigned int (*mm_machine_map)(struct pv_e820_entry *map, unsigned int max);

/* The domain that a call names; others only for the privileged. */
int memop_domain(domid_t id, struct domain **d)
{
	struct domain *self = current->domain;

	if (id == self->id)
		id = DOMID_SELF;
	if (id != DOMID_SELF && !self->privileged)
		return -EPERM;
	*d = domain_get(id);
	return *d ? 0 : -ESRCH;
}

static int extent_read(const struct pv_memory_reservation *r, uint64_t i,
		       uint64_t *value)
{
	return copy_from_guest(value, r->extent_start + i * sizeof(*value),
			       sizeof(*value));
}

static int extent_write(const struct pv_memory_reservation *r, uint64_t i,
			uint64_t value)
{
	return copy_to_guest(r->extent_start + i * sizeof(value), &value,
			     sizeof(value));
}

/* ---- more, fewer ----------------------------------------------------------------- */

static void chunk_release(struct domain *d, uint32_t m, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++)
		if (domain_frame_release(d, mfn_of(m + i)))
			BUG();
}

/* One extent more; @numbered: the list has the guest's numbers for it. */
static int extent_add(struct domain *d, const struct pv_memory_reservation *r,
		      uint64_t i, bool numbered)
{
	unsigned int bits = r->address_bits ? r->address_bits : HEAP_ANYWHERE;
	uint64_t pfn = 0;
	uint32_t m;

	if (numbered && extent_read(r, i, &pfn))
		return -EFAULT;
	m = frames_alloc(&d->mm, r->extent_order, bits, d->mm.scrub);
	if (m == LINK_NONE)
		return -ENOMEM;
	for (uint32_t k = 0; numbered && k < 1u << r->extent_order; k++)
		m2p_set(mfn_of(m + k), pfn + k);
	if (r->extent_start && extent_write(r, i, m)) {
		chunk_release(d, m, r->extent_order);
		return -EFAULT;
	}
	return 0;
}

static int extent_remove(struct domain *d,
			 const struct pv_memory_reservation *r, uint64_t i)
{
	uint64_t m;

	if (extent_read(r, i, &m))
		return -EFAULT;
	for (uint64_t k = 0; k < 1ull << r->extent_order; k++)
		if (domain_frame_release(d, mfn_of(m + k)))
			return -EINVAL;
	return 0;
}

static int extent_one(struct domain *d, unsigned int cmd,
		      const struct pv_memory_reservation *r, uint64_t i)
{
	switch (cmd) {
	case XENMEM_populate_physmap:
		return extent_add(d, r, i, true);
	case XENMEM_increase_reservation:
		return extent_add(d, r, i, false);
	default:
		return extent_remove(d, r, i);
	}
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
		return (long)done;
	rc = memop_domain(r.domid, &d);
	if (rc)
		return rc;
	if (r.extent_order > (d->privileged ? HEAP_MAX_ORDER : 9))
		rc = -EINVAL;
	while (!rc && done < r.nr_extents) {
		rc = extent_one(d, cmd, &r, done);
		if (rc)
			break;
		done++;
		/* Clearing a frame costs as much as 16 entries. */
		budget -= 16ll << r.extent_order;
		if (budget <= 0 && done < r.nr_extents)
			break;
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
	rc = cmd == XENMEM_current_reservation ? (long)d->mm.nr_frames
					       : (long)d->mm.max_frames;
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

	if (!d->nr_map)
		return -ENOSYS;
	return map_answer(arg, d->map, d->nr_map);
}

static long machine_memory_map(uint64_t arg)
{
	struct pv_e820_entry *map;
	unsigned int n;
	long rc;

	if (!current->domain->privileged)
		return -EPERM;
	if (!mm_machine_map)
		return -ENOSYS;
	map = hv_alloc(PV_E820_MAX * sizeof(*map));
	if (!map)
		return -ENOMEM;
	n = mm_machine_map(map, PV_E820_MAX);
	rc = map_answer(arg, map, n);
	hv_free(map);
	return rc;
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
	}
	return -ENOSYS;
}
