/* SPDX-License-Identifier: MIT */
/*
 * Entries that map another domain's frames, on a grant.
 *
 * The grant table decides whether; here the entry is written like any other.
 * It holds a reference and, if writable, a use of its own, beside the ones
 * that the grant table holds for the mapping: a guest may clear or replace it
 * as it likes, or give the table up, and only its own are dropped.
 */
#include "hv/paging/paging.h"

/* The L1 entry at a machine address or at a virtual one. */
static bool entry_find(struct mm_domain *d, struct vcpu *v, uint64_t where,
		       bool is_pte, struct frame **f, unsigned int *slot)
	MUST_HOLD(d->lock)
{
	if (!is_pte)
		return walk_l1(v->kernel_root, where, f, slot);
	*f = frame_find(where >> PAGE_SHIFT);
	*slot = (where & ~PAGE_MASK) >> 3;
	return *f && !(where & 7) && is_table(*f, d) &&
	       state_type(READ_ONCE((*f)->state)) == FT_L1;
}

/* Does @e map @m, writable or not? */
static bool maps(uint64_t e, mfn_t m, bool writable)
{
	return (e & PTE_P) && pte_mfn(e) == m.raw && !!(e & PTE_RW) == writable;
}

int mm_grant_map(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		 struct domain *owner, uint64_t flags)
{
	struct mm_domain *d = &v->domain->mm;
	struct frame *f;
	unsigned int slot;
	int rc = -EINVAL;

	mm_lock(d);
	if (entry_find(d, v, where, is_pte, &f, &slot)) {
		if (READ_ONCE(table_of(f)[slot]) & PTE_P)
			tlb_flush_local();
		rc = entry_update(d, &owner->mm, f, slot,
				  mfn_pte(m.raw, flags | PTE_P), PTE_NORMAL, 0);
	}
	spin_unlock(&d->lock);
	return rc;
}

int mm_grant_unmap(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		   bool writable)
{
	struct mm_domain *d = &v->domain->mm;
	struct frame *f;
	unsigned int slot;
	int rc = -EINVAL;

	mm_lock(d);
	if (entry_find(d, v, where, is_pte, &f, &slot) &&
	    maps(READ_ONCE(table_of(f)[slot]), m, writable))
		rc = entry_update(d, d, f, slot, 0, PTE_NORMAL, 0);
	spin_unlock(&d->lock);
	return rc;
}

int mm_grant_replace(struct vcpu *v, uint64_t where, uint64_t from, mfn_t m,
		     bool writable)
{
	struct mm_domain *d = &v->domain->mm;
	unsigned int to_slot, from_slot;
	struct frame *to, *src;
	uint64_t *p, *q, old, e;
	int rc = -EINVAL;

	mm_lock(d);
	if (entry_find(d, v, where, false, &to, &to_slot) &&
	    entry_find(d, v, from, false, &src, &from_slot)) {
		p = &table_of(to)[to_slot];
		q = &table_of(src)[from_slot];
		old = READ_ONCE(*p);
		e = READ_ONCE(*q);
		if ((e & PTE_P) && maps(old, m, writable) && p != q) {
			/* The references move with the entry. */
			WRITE_ONCE(*p, e);
			WRITE_ONCE(*q, 0);
			leaf_put(old);
			rc = 0;
		}
	}
	spin_unlock(&d->lock);
	return rc;
}
