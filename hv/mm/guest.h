/* SPDX-License-Identifier: MIT */
/* What the handlers share: domains, their locks, walks, flushes, restarts. */
#ifndef HV_MM_GUEST_H
#define HV_MM_GUEST_H

#include "hv/domain/domain.h"
#include "hv/mm/frame.h"

/*
 * How many entries one call may take or give back before it restarts: each is
 * at worst two cache misses, so a call stays well below a millisecond.
 */
#define MM_BUDGET 2000

static inline struct mm_domain *domain_mm(struct domain *d)
{
	return &d->mm;
}

static inline void mm_lock(struct mm_domain *d) ACQUIRES(d->lock)
{
	spin_lock(&d->lock);
	d->budget = MM_BUDGET;
}

bool frame_unalloc(struct frame *f, struct mm_domain *d);

/*
 * The L1 entry of @gva under @root: its table and slot.  Under the owner's
 * lock the answer stays true; without it, it is a hint.
 */
bool walk_l1(mfn_t root, uint64_t gva, struct frame **table,
	     unsigned int *slot);

/* Who else's frames a call is about; see foreign_get. */
struct foreign {
	struct domain *tables; /* whose tables change                        */
	struct domain *frames; /* whose frames they may map                  */
};
int foreign_get(struct foreign *f, uint32_t dom);
void foreign_put(struct foreign *f);

/* New root for @v in *@which, one of its two. */
int root_replace(struct mm_domain *d, struct vcpu *v, mfn_t *which, mfn_t new)
	MUST_HOLD(d->lock);
int ldt_replace(struct mm_domain *d, struct vcpu *v, uint64_t base,
		unsigned int entries) MUST_HOLD(d->lock);

int mmuext_some(struct mm_domain *d, uint64_t ops, uint32_t count, uint32_t *n)
	MUST_HOLD(d->lock);

/* CPUs on which vcpus of @d run; of those in @mask. */
cpumask_t vcpus_cpus(struct domain *d, uint64_t mask);
void guest_flush(struct domain *d, uint64_t mask);

#endif /* HV_MM_GUEST_H */
