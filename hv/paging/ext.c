/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, roots, flushes, whole pages.
 *
 * A pin keeps a table typed while no root or entry uses it, so that a process
 * that is switched away from need not be validated again.
 */
#include <pv/mmu.h>

#include "hv/cpu/asm.h"
#include "hv/lib/string.h"
#include "hv/paging/paging.h"

/* Fill @mfn from @from, or with zeros. */
static int page_fill(struct mm_domain *d, uint64_t mfn, struct frame *from)
{
	struct frame *f = frame_find(mfn);

	if (!f || !writable_get(f, d))
		return -EINVAL;
	d->budget -= 64;
	if (from)
		memcpy(table_of(f), table_of(from), PAGE_SIZE);
	else
		page_clear(table_of(f));
	writable_put(f);
	return 0;
}

static int page_copy(struct mm_domain *d, uint64_t mfn, uint64_t from_mfn)
{
	struct frame *from = frame_find(from_mfn);
	int rc;

	if (!from || !ref_get(from, d))
		return -EINVAL;
	rc = page_fill(d, mfn, from);
	ref_put(from);
	return rc;
}

static int flush_some(struct mm_domain *d, uint64_t gva)
{
	uint64_t mask;

	if (copy_from_guest(&mask, gva, sizeof(mask)))
		return -EFAULT;
	guest_flush(d->domain, mask);
	return 0;
}

/* What concerns the calling vcpu and its processor. */
static int op_own(struct mm_domain *d, const struct pv_mmuext_op *op)
	MUST_HOLD(d->lock)
{
	uint64_t mfn = op->arg1.mfn;
	struct vcpu *v = current;

	if (d->domain != v->domain)
		return -EPERM;
	d->budget -= 8;
	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		return mfn ? root_replace(d, v, ROOT_KERNEL, mfn) : -EINVAL;
	case MMUEXT_NEW_USER_BASEPTR:
		return root_replace(d, v, ROOT_USER, mfn);
	case MMUEXT_TLB_FLUSH_LOCAL:
	case MMUEXT_INVLPG_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		return flush_some(d, op->arg2.vcpumask);
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL:
		guest_flush(d->domain, ~0ull);
		return 0;
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		if (!d->mmio)
			return -EACCES;
		wbinvd();
		return 0;
	case MMUEXT_SET_LDT:
		return ldt_replace(d, v, op->arg1.linear_addr,
				   op->arg2.nr_ents);
	}
	return -ENOSYS;
}

static int op_do(struct mm_domain *d, const struct pv_mmuext_op *op)
	MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(op->arg1.mfn);

	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return f ? pt_pin(f, d, FT_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE))
			 : -EINVAL;
	case MMUEXT_UNPIN_TABLE:
		return f ? pt_unpin(f, d) : -EINVAL;
	case MMUEXT_CLEAR_PAGE:
		return page_fill(d, op->arg1.mfn, NULL);
	case MMUEXT_COPY_PAGE:
		return page_copy(d, op->arg1.mfn, op->arg2.src_mfn);
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return -EOPNOTSUPP;
	}
	return op_own(d, op);
}

int mmuext_some(struct mm_domain *d, uint64_t ops, uint32_t count, uint32_t *n)
{
	struct pv_mmuext_op op;
	int rc;

	for (uint32_t i = 0; i < count; *n = ++i) {
		rc = zombies_drain(d);
		if (!rc && d->budget-- <= 0 && i)
			rc = -ERESTART;
		if (!rc &&
		    copy_from_guest(&op, ops + i * sizeof(op), sizeof(op)))
			rc = -EFAULT;
		if (!rc)
			rc = op_do(d, &op);
		if (rc)
			return rc;
	}
	return zombies_drain(d);
}
