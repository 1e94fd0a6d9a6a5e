/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, roots, flushes, whole pages.
 *
 * A pin keeps a table typed while no root or entry uses it, so that a process
 * that is switched away from need not be validated again.
 */
#include <pv/mmu.h>

#include "hv/cpu/asm.h"
#include "hv/mm/guest.h"
#include "hv/mm/heap.h"

static int op_pin(struct mm_domain *d, uint64_t mfn, enum frame_type type)
	MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(mfn);

	return f ? pin_get(f, d, type) : -EINVAL;
}

static int op_unpin(struct mm_domain *d, uint64_t mfn) MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(mfn);

	return f ? pin_put(f, d) : -EINVAL;
}

static int op_flush_some(struct domain *d, uint64_t gva)
{
	uint64_t mask;

	if (copy_from_guest(&mask, gva, sizeof(mask)))
		return -EFAULT;
	guest_flush(d, mask);
	return 0;
}

static int op_clear_page(struct mm_domain *d, uint64_t mfn)
{
	struct frame *f = frame_find(mfn);

	if (!f || !writable_get(f, d))
		return -EINVAL;
	page_clear(table_of(f));
	writable_put(f);
	return 0;
}

static int op_copy_page(struct mm_domain *d, uint64_t mfn, uint64_t from_mfn)
{
	struct frame *f = frame_find(mfn), *from = frame_find(from_mfn);
	int rc = -EINVAL;

	if (!f || !from || !ref_get(from, d))
		return -EINVAL;
	if (writable_get(f, d)) {
		page_copy(table_of(f), table_of(from));
		writable_put(f);
		rc = 0;
	}
	ref_put(from);
	return rc;
}

/* What concerns the calling vcpu and its processor. */
static int op_own(struct mm_domain *d, const struct pv_mmuext_op *op)
	MUST_HOLD(d->lock)
{
	struct vcpu *v = current;

	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		if (!op->arg1.mfn)
			return -EINVAL;
		return root_replace(d, v, &v->kernel_root,
				    mfn_of(op->arg1.mfn));
	case MMUEXT_NEW_USER_BASEPTR:
		return root_replace(d, v, &v->user_root, mfn_of(op->arg1.mfn));
	case MMUEXT_TLB_FLUSH_LOCAL:
	case MMUEXT_INVLPG_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		return op_flush_some(d->domain, op->arg2.vcpumask);
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

static int mmuext_one(struct mm_domain *d, const struct pv_mmuext_op *op)
	MUST_HOLD(d->lock)
{
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
		return op_pin(d, op->arg1.mfn, FT_L1);
	case MMUEXT_PIN_L2_TABLE:
		return op_pin(d, op->arg1.mfn, FT_L2);
	case MMUEXT_PIN_L3_TABLE:
		return op_pin(d, op->arg1.mfn, FT_L3);
	case MMUEXT_PIN_L4_TABLE:
		return op_pin(d, op->arg1.mfn, FT_L4);
	case MMUEXT_UNPIN_TABLE:
		return op_unpin(d, op->arg1.mfn);
	case MMUEXT_CLEAR_PAGE:
		d->budget -= 64;
		return op_clear_page(d, op->arg1.mfn);
	case MMUEXT_COPY_PAGE:
		d->budget -= 64;
		return op_copy_page(d, op->arg1.mfn, op->arg2.src_mfn);
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return -EOPNOTSUPP;
	}
	if (d->domain != current->domain)
		return -EPERM;
	d->budget -= 8;
	return op_own(d, op);
}

int mmuext_some(struct mm_domain *d, uint64_t ops, uint32_t count, uint32_t *n)
{
	struct pv_mmuext_op op;
	uint32_t i = 0;
	int rc = zombies_drain(d);

	while (!rc && i < count) {
		rc = copy_from_guest(&op, ops + i * sizeof(op), sizeof(op));
		if (!rc)
			rc = mmuext_one(d, &op);
		if (rc)
			break;
		i++;
		d->budget--;
		if (d->zombies != LINK_NONE)
			rc = zombies_drain(d);
		else if (d->budget <= 0 && i < count)
			rc = -ERESTART;
	}
	*n = i;
	return rc;
}
