/* SPDX-License-Identifier: MIT */
/*
 * mmu_update and update_va_mapping: guests change entries.
 *
 * Both are what a guest's fork, exec and mmap are made of, so the path of one
 * L1 entry is short: one copy of the requests, one lock, one lookup, one
 * compare-exchange for the frame it maps and one for the frame it mapped.
 *
 * A long batch restarts itself with what is left of it; how much is done is
 * kept where the guest wants it told.
 */
#include <pv/hypercalls.h>
#include <pv/mmu.h>

#include "hv/paging/paging.h"

enum {
	BATCH = 16
};

long (*mm_restart)(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		   uint64_t a3);

/* ---- who and whose ---------------------------------------------------------- */

/* Without a reference if it is the caller's own. */
static int subject_get(domid_t id, struct domain **d)
{
	struct domain *self = current->domain;

	*d = self;
	/* Device frames are nobody's: a domain maps them as by itself. */
	if (id == DOMID_SELF || id == self->id || id == DOMID_IO)
		return 0;
	if (!self->privileged)
		return -EPERM;
	*d = domain_get(id);
	return *d ? 0 : -ESRCH;
}

static void subject_put(struct domain *d)
{
	if (d != current->domain)
		domain_put(d);
}

/* ---- flushes ----------------------------------------------------------------- */

void guest_flush(struct domain *d, uint64_t mask)
{
	cpumask_t on = 0;
	struct vcpu *v;

	/* One that does not run flushes when it does; any may stop just now. */
	for_each_vcpu (d, v)
		if ((mask >> v->id & 1) && v != current)
			WRITE_ONCE(v->stale, true);
	smp_mb(); /* ORDER: entries and stale before running is read */
	for_each_vcpu (d, v)
		if ((mask >> v->id & 1) && READ_ONCE(v->running))
			on |= 1ull << READ_ONCE(v->cpu);
	if (on)
		tlb_flush_mask(on);
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

static int machphys_store(struct mm_domain *owner, struct frame *f,
			  uint64_t val)
{
	if (!ref_get(f, owner))
		return -EINVAL;
	m2p_set(mfn_of(frame_mfn(f)), val);
	ref_put(f);
	return 0;
}

static int request_do(struct mm_domain *d, struct mm_domain *owner,
		      const struct pv_mmu_update *r) MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(r->ptr >> PAGE_SHIFT);
	unsigned int slot = (r->ptr & ~PAGE_MASK) >> 3, cmd = r->ptr & 3;
	enum pte_write how = PTE_NORMAL;

	if (unlikely(!f || r->ptr & 4))
		return -EINVAL;
	if (unlikely(cmd == MMU_MACHPHYS_UPDATE))
		return machphys_store(owner, f, r->val);
	if (cmd == MMU_PT_UPDATE_PRESERVE_AD)
		how = PTE_KEEP_AD;
	if (likely(is_table(f, d)))
		return entry_update(d, owner, f, slot, r->val, how, 0);
	if (busy_abandon(f, d))
		return -ERESTART;
	return plain_store(d, f, slot, r->val, how);
}

/*
 * As many requests as the budget allows; *n: done.  -ERESTART: there is more
 * to do, maybe only zombies.
 */
static int mmu_update_some(struct mm_domain *d, struct mm_domain *owner,
			   uint64_t reqs, uint32_t count, uint32_t *n)
	MUST_HOLD(d->lock)
{
	struct pv_mmu_update r[BATCH];

	for (uint32_t i = 0; i < count; *n = ++i) {
		int rc = 0;

		if (!(i % BATCH) &&
		    copy_from_guest(r, reqs + i * sizeof(*r),
				    min(count - i, (uint32_t)BATCH) *
					    sizeof(*r)))
			return -EFAULT;
		if (unlikely(d->zombies != LINK_NONE))
			rc = zombies_drain(d);
		else if (unlikely(d->budget-- <= 0) && i)
			rc = -ERESTART;
		if (!rc)
			rc = request_do(d, owner, &r[i % BATCH]);
		if (rc)
			return rc;
	}
	return zombies_drain(d);
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
	if (likely(!rc && !done))
		return 0;
	if (done_report(done, restarted, n) && (!rc || rc == -ERESTART))
		return -EFAULT;
	if (rc == -ERESTART)
		return mm_restart(nr, next, left | MMU_UPDATE_PREEMPTED, done,
				  dom);
	return rc;
}

/*
 * Another domain's tables change only while it is paused: a running vcpu of it
 * may have one on loan (lend.c).
 */
static bool tables_in_use(const struct domain *d)
{
	return d != current->domain && !READ_ONCE(d->pause_count);
}

static int subject_refuse(struct domain *d)
{
	subject_put(d);
	return -EBUSY;
}

/* The one request of a call that succeeded: it may be one of a run. */
static void note_single(uint64_t reqs)
{
	const struct tramp_data *t = tramp_data();
	uint64_t ptr = t->prefetched[0];

	if (reqs && t->prefetch_at == reqs && !(ptr & 7))
		table_note_change(current, ptr >> PAGE_SHIFT,
				  (ptr & ~PAGE_MASK) >> 3, t->prefetched[1]);
}

long hc_mmu_update(uint64_t reqs, uint32_t count, uint64_t done, uint32_t dom)
{
	bool restarted = count & MMU_UPDATE_PREEMPTED;
	domid_t whose = dom >> 16 ? (domid_t)((dom >> 16) - 1) : DOMID_SELF;
	struct domain *tables, *owner;
	uint32_t n = 0;
	int rc;

	count &= ~MMU_UPDATE_PREEMPTED;
	rc = subject_get(whose, &tables);
	if (!rc && tables_in_use(tables))
		rc = subject_refuse(tables);
	if (rc)
		return rc;
	rc = subject_get((domid_t)dom, &owner);
	if (!rc) {
		rc = mm_begin(&tables->mm);
		if (!rc)
			rc = mmu_update_some(&tables->mm, &owner->mm, reqs,
					     count, &n);
		spin_unlock(&tables->mm.lock);
		subject_put(owner);
	}
	if (!rc && count == 1 && tables == current->domain && owner == tables)
		note_single(reqs);
	subject_put(tables);
	return batch_end(HC_mmu_update, rc,
			 reqs + n * sizeof(struct pv_mmu_update), count - n,
			 done, dom, restarted, n);
}

long hc_mmuext_op(uint64_t ops, uint32_t count, uint64_t done, uint32_t dom)
{
	bool restarted = count & MMU_UPDATE_PREEMPTED;
	struct domain *d;
	uint32_t n = 0;
	int rc;

	count &= ~MMU_UPDATE_PREEMPTED;
	rc = subject_get((domid_t)dom, &d);
	if (!rc && tables_in_use(d))
		rc = subject_refuse(d);
	if (rc)
		return rc;
	rc = mm_begin(&d->mm);
	if (!rc)
		rc = mmuext_some(&d->mm, ops, count, &n);
	spin_unlock(&d->mm.lock);
	subject_put(d);
	return batch_end(HC_mmuext_op, rc,
			 ops + n * sizeof(struct pv_mmuext_op), count - n, done,
			 dom, restarted, n);
}

/* ---- update_va_mapping ------------------------------------------------------- */

static int va_flush(struct domain *d, uint64_t flags)
{
	uint64_t type = flags & UVMF_FLUSHTYPE_MASK, where = flags & ~type;
	uint64_t mask = ~0ull;

	if (!type)
		return 0;
	if (type == UVMF_FLUSHTYPE_MASK)
		return -EINVAL;
	if (where == UVMF_LOCAL) {
		tlb_flush_local();
		return 0;
	}
	if (where != UVMF_ALL && copy_from_guest(&mask, where, sizeof(mask)))
		return -EFAULT;
	guest_flush(d, mask);
	return 0;
}

long hc_update_va_mapping(uint64_t va, uint64_t pte, uint64_t flags)
{
	struct domain *dom = current->domain;
	struct mm_domain *d = &dom->mm;
	int rc = mm_begin(d);
	unsigned int slot;
	struct frame *f;

	if (!rc) {
		rc = -EINVAL;
		if (walk_l1(current->kernel_root, va, &f, &slot))
			rc = entry_update(d, d, f, slot, pte, PTE_NORMAL, 0);
	}
	spin_unlock(&d->lock);
	if (rc == -ERESTART)
		return mm_restart(HC_update_va_mapping, va, pte, flags, 0);
	return rc ? rc : va_flush(dom, flags);
}
