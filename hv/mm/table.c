/* SPDX-License-Identifier: MIT */
/*
 * Entries: what one may hold, and how one becomes another.
 *
 * PURE  Built twice: into the hypervisor and into tests/unit_mm.
 *
 * Every change goes get-new, store, put-old, so that an entry never points to
 * something it has no use of.  Most changes keep the frame (dirty tracking,
 * mprotect, fork): they move at most the writable use.  Processors set the
 * accessed and dirty bits of live entries behind our back; nothing else of an
 * entry changes but by the owner's lock holder.
 *
 * Bits: the frame number is checked by looking the frame up; superpages are
 * refused; the global bit is taken away, because the hypervisor relies on a
 * CR3 load to forget guest translations; user, no-execute, cache attributes
 * and the available bits are the guest's to choose.
 */
#include "hv/mm/frame.h"

bool (*mm_mmio_allowed)(struct domain *d, mfn_t m);

/* A reference (and writable use) for leaf @e of a table of @d. */
int leaf_get(struct mm_domain *d, struct mm_domain *owner, uint64_t e)
{
	uint64_t mfn = pte_mfn(e);
	struct frame *f = frame_find(mfn);

	if (likely(f)) {
		if (e & PTE_RW)
			return writable_get(f, owner) ? 0 : -EINVAL;
		return ref_get(f, owner) ? 0 : -EINVAL;
	}
	/* Device memory has no entry and is not counted. */
	if (d != owner || !d->mmio || mfn >= mm_phys_limit ||
	    !mm_mmio_allowed || !mm_mmio_allowed(d->domain, mfn_of(mfn)))
		return -EINVAL;
	return 0;
}

void leaf_put(uint64_t e)
{
	struct frame *f = frame_find(pte_mfn(e));

	if (unlikely(!f))
		return;
	if (e & PTE_RW)
		writable_put(f);
	else
		ref_put(f);
}

/*
 * Store @val.  False for PTE_EXACT if the entry is not @seen any more.  The
 * caller's lock keeps all but the accessed and dirty bits still.
 */
bool pte_store(uint64_t *p, uint64_t val, enum pte_write how, uint64_t seen)
{
	uint64_t old;

	switch (how) {
	case PTE_KEEP_AD:
		old = READ_ONCE(*p);
		while (!atomic_cmpxchg(p, &old, val | (old & PTE_AD)))
			;
		return true;
	case PTE_EXACT:
		return atomic_cmpxchg(p, &seen, val);
	default:
		WRITE_ONCE(*p, val);
		return true;
	}
}

/* Same frame, other bits: only the writable use can change. */
static int leaf_change(struct mm_domain *owner, uint64_t *p, uint64_t old,
		       uint64_t val, enum pte_write how, uint64_t seen)
{
	struct frame *f;

	if (!((old ^ val) & PTE_RW))
		return pte_store(p, val, how, seen) ? 0 : -EAGAIN;
	f = frame_find(pte_mfn(val));
	if (f && (val & PTE_RW)) {
		/* More rights: only to frames that the caller named. */
		if (READ_ONCE(f->owner) != owner_tag(owner) ||
		    !writable_use_get(f))
			return -EINVAL;
	}
	if (!pte_store(p, val, how, seen)) {
		if (f && (val & PTE_RW))
			writable_use_put(f);
		return -EAGAIN;
	}
	if (f && (old & PTE_RW))
		writable_use_put(f);
	return 0;
}

static int l1_update(struct mm_domain *d, struct mm_domain *owner, uint64_t *p,
		     uint64_t val, enum pte_write how, uint64_t seen)
	MUST_HOLD(d->lock)
{
	uint64_t old = READ_ONCE(*p);
	int rc;

	if (val & PTE_P) {
		val &= ~PTE_G;
		if ((old & PTE_P) && !((old ^ val) & PTE_ADDRESS))
			return leaf_change(owner, p, old, val, how, seen);
		rc = leaf_get(d, owner, val);
		if (unlikely(rc))
			return rc;
	}
	if (unlikely(!pte_store(p, val, how, seen))) {
		if (val & PTE_P)
			leaf_put(val);
		return -EAGAIN;
	}
	if (old & PTE_P)
		leaf_put(old);
	return 0;
}

static int table_update(struct mm_domain *d, struct frame *f, unsigned int slot,
			uint64_t val, enum pte_write how, uint64_t seen)
	MUST_HOLD(d->lock)
{
	enum frame_type type = state_type(READ_ONCE(f->state));
	enum frame_type below = (enum frame_type)(type - 1);
	uint64_t *p = &table_of(f)[slot];
	uint64_t old = READ_ONCE(*p);
	bool had = old & PTE_P, same;
	struct frame *child = NULL;
	int rc;

	if (type == FT_L4 && slot_reserved(slot)) {
		if (val & PTE_P)
			return -EINVAL;
		had = false;
	}
	same = had && (val & PTE_P) && !((old ^ val) & PTE_ADDRESS);
	if (val & PTE_P) {
		child = frame_find(pte_mfn(val));
		if (!child || (val & PTE_PS))
			return -EINVAL;
		if (!same) {
			rc = typed_get(child, d, below);
			if (rc)
				return rc;
		}
	}
	if (!pte_store(p, val, how, seen)) {
		if (child && !same)
			typed_put(child, d);
		return -EAGAIN;
	}
	if (type == FT_L4)
		root_entry_changed(frame_mfn(f), slot, READ_ONCE(*p));
	if (had && !same)
		typed_put(&frame_table[pte_mfn(old)], d);
	return 0;
}

int entry_update(struct mm_domain *d, struct mm_domain *owner, struct frame *f,
		 unsigned int slot, uint64_t val, enum pte_write how,
		 uint64_t seen)
{
	if (likely(state_type(READ_ONCE(f->state)) == FT_L1))
		return l1_update(d, owner, &table_of(f)[slot], val, how, seen);
	return table_update(d, f, slot, val, how, seen);
}

/* ---- descriptors ------------------------------------------------------------
 * A guest runs in rings 1 and 3 and its descriptors live in the table that the
 * processor really uses.  Code and data segments alone; ring 0 becomes ring 1;
 * the accessed bit is set beforehand, because the processor may not write.
 */
#define DESC_P        (1ull << 47)
#define DESC_S        (1ull << 44)
#define DESC_ACCESSED (1ull << 40)
#define DESC_DPL_1    (1ull << 45)
#define DESC_DPL      (3ull << 45)

/* Make the descriptor harmless in place; false: there is no way to. */
bool segdesc_fix(uint64_t *desc)
{
	if (!(*desc & DESC_P))
		return true;
	if (!(*desc & DESC_S))
		return false;
	if (!(*desc & DESC_DPL))
		*desc |= DESC_DPL_1;
	*desc |= DESC_ACCESSED;
	return true;
}

int segdesc_validate(uint64_t *page)
{
	for (unsigned int i = 0; i < PT_ENTRIES; i++) {
		uint64_t desc = page[i];

		if (!desc)
			continue;
		if (!segdesc_fix(&desc))
			return -EINVAL;
		WRITE_ONCE(page[i], desc);
	}
	return 0;
}
