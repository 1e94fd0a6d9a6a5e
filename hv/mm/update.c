/* SPDX-License-Identifier: MIT */
/*
 * mmu_update and update_va_mapping: guests change entries.
 *
 * Both are what a guest's fork, exec and mmap are made of, so the path of one
 * L1 entry is short: one copy of the requests, one lock, one lookup, one
 * compare-exchange for the frame it maps and one for the frame it mapped.
 */
#include <pv/hypercalls.h>
#include <pv/mmu.h>

#include "hv/mm/guest.h"

enum {
	BATCH = 16
};

long (*mm_restart)(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		   uint64_t a3);

/* ---- who and whose ---------------------------------------------------------- */

static int foreign_find(domid_t id, struct domain **d)
{
	struct domain *self = current->domain;

	/* Device frames are nobody's: a domain maps them as by itself. */
	if (id == DOMID_SELF || id == self->id || id == DOMID_IO)
		id = DOMID_SELF;
	else if (!self->privileged)
		return -EPERM;
	*d = domain_get(id);
	return *d ? 0 : -ESRCH;
}

/* @dom: whose frames; upper half: 1 + whose tables, 0 the caller's. */
int foreign_get(struct foreign *f, uint32_t dom)
{
	domid_t tables = dom >> 16 ? (domid_t)((dom >> 16) - 1) : DOMID_SELF;
	int rc = foreign_find(tables, &f->tables);

	if (rc)
		return rc;
	rc = foreign_find((domid_t)dom, &f->frames);
	if (rc)
		domain_put(f->tables);
	return rc;
}

void foreign_put(struct foreign *f)
{
	domain_put(f->frames);
	domain_put(f->tables);
}

/* ---- flushes ----------------------------------------------------------------- */

cpumask_t vcpus_cpus(struct domain *d, uint64_t mask)
{
	cpumask_t cpus_mask = 0;
	struct vcpu *v;

	/* One that does not run flushes when it does. */
	for_each_vcpu (d, v)
		if ((mask >> v->id & 1) && READ_ONCE(v->running))
			cpus_mask |= 1ull << READ_ONCE(v->cpu);
	return cpus_mask;
}

void guest_flush(struct domain *d, uint64_t mask)
{
	cpumask_t cpus_mask;

	smp_mb(); /* ORDER: entries written before running is read */
	cpus_mask = vcpus_cpus(d, mask);
	if (cpus_mask)
		tlb_flush_mask(cpus_mask);
}

void mm_flush_domain(struct domain *d)
{
	guest_flush(d, ~0ull);
}

/* ---- mmu_update --------------------------------------------------------------- */

/* The frame is not a table in use: ordinary memory, if the guest may write. */
static int plain_store(struct mm_domain *d, struct frame *f, unsigned int slot,
		       uint64_t val, enum pte_write how)
{
	if (!writable_get(f, d))
		return -EINVAL;
	pte_store(&table_of(f)[slot], val, how, 0);
	writable_put(f);
	return 0;
}

static int table_store(struct mm_domain *d, struct mm_domain *owner,
		       uint64_t ptr, uint64_t val, enum pte_write how)
	MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(ptr >> PAGE_SHIFT);
	unsigned int slot = (ptr & ~PAGE_MASK) >> 3;
	uint64_t s;

	if (unlikely(!f || READ_ONCE(f->owner) != owner_tag(d)))
		return -EINVAL;
	s = READ_ONCE(f->state);
	if (unlikely(s & FS_BUSY)) {
		busy_abandon(f, d);
		return -ERESTART;
	}
	if (likely((s & FS_USES) && state_type(s) - FT_L1 <= FT_L4 - FT_L1))
		return entry_update(d, owner, f, slot, val, how, 0);
	return plain_store(d, f, slot, val, how);
}

static int machphys_store(struct mm_domain *owner, uint64_t ptr, uint64_t val)
{
	struct frame *f = frame_find(ptr >> PAGE_SHIFT);

	if (!f || !ref_get(f, owner))
		return -EINVAL;
	m2p_set(mfn_of(ptr >> PAGE_SHIFT), val);
	ref_put(f);
	return 0;
}

static int mmu_update_one(struct mm_domain *d, struct mm_domain *owner,
			  const struct pv_mmu_update *r) MUST_HOLD(d->lock)
{
	int rc;

	switch (r->ptr & 3) {
	case MMU_MACHPHYS_UPDATE:
		return machphys_store(owner, r->ptr, r->val);
	case MMU_PT_UPDATE_PRESERVE_AD:
		rc = table_store(d, owner, r->ptr, r->val, PTE_KEEP_AD);
		break;
	default:
		rc = table_store(d, owner, r->ptr, r->val, PTE_NORMAL);
		break;
	}
	return rc;
}

/*
 * As many requests as the budget allows; *n is how many are done.  -ERESTART:
 * there is more to do, maybe only zombies.
 */
static int mmu_update_some(struct mm_domain *d, struct mm_domain *owner,
			   uint64_t reqs, uint32_t count, uint32_t *n)
	MUST_HOLD(d->lock)
{
	struct pv_mmu_update r[BATCH];
	uint32_t i = 0;
	int rc = zombies_drain(d);

	while (!rc && i < count) {
		if (!(i % BATCH))
			rc = copy_from_guest(r, reqs + i * sizeof(*r),
					     min(count - i, (uint32_t)BATCH) *
						     sizeof(*r));
		if (!rc)
			rc = mmu_update_one(d, owner, &r[i % BATCH]);
		if (rc)
			break;
		i++;
		d->budget--;
		if (unlikely(d->zombies != LINK_NONE))
			rc = zombies_drain(d);
		else if (unlikely(d->budget <= 0) && i < count)
			rc = -ERESTART;
	}
	*n = i;
	return rc;
}

/* What is done in all; @before counts earlier parts of a restarted call. */
static int done_report(uint64_t done, bool restarted, uint32_t n)
{
	uint32_t before = 0;

	if (!done)
		return 0;
	if (restarted && copy_from_guest(&before, done, sizeof(before)))
		return -EFAULT;
	n += before;
	return copy_to_guest(done, &n, sizeof(n));
}

static long batch_end(unsigned int nr, int rc, uint64_t next, uint32_t left,
		      uint64_t done, uint32_t dom, bool restarted, uint32_t n)
{
	if (done_report(done, restarted, n) && (!rc || rc == -ERESTART))
		return -EFAULT;
	if (rc == -ERESTART)
		return mm_restart(nr, next, left | MMU_UPDATE_PREEMPTED, done,
				  dom);
	return rc;
}

long hc_mmu_update(uint64_t reqs, uint32_t count, uint64_t done, uint32_t dom)
{
	bool restarted = count & MMU_UPDATE_PREEMPTED;
	struct mm_domain *d;
	struct foreign f;
	uint32_t n = 0;
	int rc;

	count &= ~MMU_UPDATE_PREEMPTED;
	rc = foreign_get(&f, dom);
	if (rc)
		return rc;
	d = &f.tables->mm;
	mm_lock(d);
	rc = mmu_update_some(d, &f.frames->mm, reqs, count, &n);
	spin_unlock(&d->lock);
	foreign_put(&f);
	return batch_end(HC_mmu_update, rc,
			 reqs + n * sizeof(struct pv_mmu_update), count - n,
			 done, dom, restarted, n);
}

long hc_mmuext_op(uint64_t ops, uint32_t count, uint64_t done, uint32_t dom)
{
	bool restarted = count & MMU_UPDATE_PREEMPTED;
	struct mm_domain *d;
	struct foreign f;
	uint32_t n = 0;
	int rc;

	count &= ~MMU_UPDATE_PREEMPTED;
	rc = foreign_get(&f, dom & 0xffff);
	if (rc)
		return rc;
	d = &f.frames->mm;
	mm_lock(d);
	rc = mmuext_some(d, ops, count, &n);
	spin_unlock(&d->lock);
	foreign_put(&f);
	return batch_end(HC_mmuext_op, rc,
			 ops + n * sizeof(struct pv_mmuext_op), count - n, done,
			 dom, restarted, n);
}

/* ---- update_va_mapping ------------------------------------------------------- */

static int va_flush(struct domain *d, uint64_t flags)
{
	uint64_t where = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK;
	uint64_t mask;

	if (!(flags & UVMF_FLUSHTYPE_MASK))
		return 0;
	if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_FLUSHTYPE_MASK)
		return -EINVAL;
	if (where == UVMF_LOCAL) {
		tlb_flush_local();
	} else if (where == UVMF_ALL) {
		guest_flush(d, ~0ull);
	} else {
		if (copy_from_guest(&mask, where, sizeof(mask)))
			return -EFAULT;
		guest_flush(d, mask);
	}
	return 0;
}

long hc_update_va_mapping(uint64_t va, uint64_t pte, uint64_t flags)
{
	struct domain *dom = current->domain;
	struct mm_domain *d = &dom->mm;
	struct frame *f;
	unsigned int slot;
	int rc;

	mm_lock(d);
	rc = zombies_drain(d);
	if (!rc) {
		rc = -EINVAL;
		if (walk_l1(current->kernel_root, va, &f, &slot))
			rc = entry_update(d, d, f, slot, pte, PTE_NORMAL, 0);
	}
	spin_unlock(&d->lock);
	if (rc == -ERESTART)
		return mm_restart(HC_update_va_mapping, va, pte, flags, 0);
	if (rc)
		return rc;
	return va_flush(dom, flags);
}
