/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share: locks, walks, flushes.
 *
 * The room's door is hv/mm/mm.h: what of it needs domains and vcpus is here,
 * above them.
 */
#ifndef HV_PAGING_PAGING_H
#define HV_PAGING_PAGING_H

#include "hv/domain/domain.h"
#include "hv/mm/frame.h"

/*
 * How many entries one call may take or give back before it restarts: each is
 * at worst two cache misses, so a call stays well below a millisecond.
 */
#ifdef HV_HOST
extern int mm_budget;
#define MM_BUDGET mm_budget
#else
#define MM_BUDGET 2000
#endif

static inline void mm_lock(struct mm_domain *d) ACQUIRES(d->lock)
{
	spin_lock(&d->lock);
	d->budget = MM_BUDGET;
}

/* Lock, and finish what an earlier call left; -ERESTART if that takes long. */
static inline int mm_begin(struct mm_domain *d) ACQUIRES(d->lock)
{
	mm_lock(d);
	return zombies_drain(d);
}

/* A table of @d in use: its entries change by entry_update alone. */
static inline bool is_table(const struct frame *f, const struct mm_domain *d)
{
	uint64_t s = READ_ONCE(f->state);

	return READ_ONCE(f->owner) == owner_tag(d) && !(s & FS_BUSY) &&
	       (s & FS_USES) && state_type(s) - FT_L1 <= FT_L4 - FT_L1;
}

/*
 * Take the owner's allocation off a frame, with its reference.  @alone: only
 * if nothing else holds it.
 */
bool frame_unalloc(struct frame *f, struct mm_domain *d, bool alone);
/* The domain gives back a frame that nothing else holds. */
bool frame_release(struct mm_domain *d, uint64_t m);

/*
 * The L1 entry of @gva under @root: its table and slot.  Under the owner's
 * lock the answer stays true; without it, it is a hint.
 */
bool walk_l1(mfn_t root, uint64_t gva, struct frame **table,
	     unsigned int *slot);

/* New root for @v; 0: none. */
enum root_kind {
	ROOT_KERNEL,
	ROOT_USER,
};
int root_replace(struct mm_domain *d, struct vcpu *v, enum root_kind kind,
		 uint64_t new) MUST_HOLD(d->lock);
/* MMUEXT_PIN_*_TABLE and MMUEXT_UNPIN_TABLE, of any level. */
int pt_pin(struct frame *f, struct mm_domain *d, enum frame_type type)
	MUST_HOLD(d->lock);
int pt_unpin(struct frame *f, struct mm_domain *d) MUST_HOLD(d->lock);
int ldt_replace(struct mm_domain *d, struct vcpu *v, uint64_t base,
		unsigned int entries) MUST_HOLD(d->lock);
int gdt_replace(struct mm_domain *d, struct vcpu *v, const uint64_t *mfns,
		unsigned int entries) MUST_HOLD(d->lock);

/* Do as many operations as the budget allows; *n: done. */
int mmuext_some(struct mm_domain *d, uint64_t ops, uint32_t count, uint32_t *n)
	MUST_HOLD(d->lock);

/* The vcpus of @d in @mask forget their translations. */
void guest_flush(struct domain *d, uint64_t mask);

/* ---- lending tables (lend.c) ------------------------------------------------ */
/*
 * A single change was made for the current vcpu: @slot of L1 table @mfn has
 * become @e.
 */
void table_note_change(struct vcpu *v, uint64_t mfn, unsigned int slot,
		       uint64_t e);
/* The guest's kernel sees frame @mfn at @va, as it sees all of its memory. */
void table_note_address(struct vcpu *v, uint64_t va, uint64_t mfn);

/* XENMEM_exchange. */
long memop_exchange(uint64_t arg);

#endif /* HV_PAGING_PAGING_H */
