/* SPDX-License-Identifier: MIT */
/*
 * Stores to page tables that fault because tables are mapped read-only.
 *
 * A guest need not call for every change of an entry: it may store, exchange,
 * clear bits, and the store is carried out here under the same checks as
 * mmu_update.  The old value that the instruction sees is the one it replaces:
 * the entry is exchanged only if it has not changed since it was read.
 *
 * A change that is refused is not the hypervisor's to report: the guest gets
 * the fault it had.  One that has to be continued is simply not finished: the
 * instruction faults again.
 */
#include "hv/cpu/asm.h"
#include "hv/emul/decode.h"
#include "hv/paging/paging.h"

#ifdef HV_HOST
#define rdmsr(msr) 0
#endif

/* The domain's own frame that @va is mapped to, if it is a table; or NULL. */
static struct frame *table_at(struct vcpu *v, uint64_t va)
{
	uint64_t e = guest_walk(v->kernel_root, va, NULL, NULL);
	struct frame *f = e ? frame_find(pte_mfn(e)) : NULL;

	return f && is_table(f, &v->domain->mm) ? f : NULL;
}

static bool fetch(const struct cpu_regs *regs, struct emul_store *out)
{
	uint8_t code[EMUL_MAX_LENGTH];
	size_t n = min((size_t)EMUL_MAX_LENGTH,
		       (size_t)(PAGE_SIZE - (regs->rip & ~PAGE_MASK)));

	if (copy_from_guest(code, regs->rip, n))
		return false;
	/* What is on the next page is there only if it belongs to it. */
	if (n < EMUL_MAX_LENGTH &&
	    !copy_from_guest(code + n, regs->rip + n, EMUL_MAX_LENGTH - n))
		n = EMUL_MAX_LENGTH;
	return emul_decode_store(code, n, out);
}

static uint64_t store_address(const struct emul_store *s, struct cpu_regs *regs)
{
	struct emul_bases bases = {0, 0};

	if (s->insn.mem.segment == EMUL_FS)
		bases.fs = rdmsr(MSR_FS_BASE);
	if (s->insn.mem.segment == EMUL_GS)
		bases.gs = rdmsr(MSR_GS_BASE);
	return emul_store_address(s, regs, &bases);
}

/* One try.  0: done; -EAGAIN: the entry moved; -ERESTART: later; -EINVAL. */
static int store_try(struct mm_domain *d, struct vcpu *v,
		     const struct emul_store *s, uint64_t va,
		     struct cpu_regs *regs) MUST_HOLD(d->lock)
{
	struct frame *f = table_at(v, va);
	unsigned int slot = (va & ~PAGE_MASK) >> 3;
	struct cpu_regs after = *regs;
	uint64_t old, new;
	int rc;

	if (!f)
		return -EINVAL;
	old = READ_ONCE(table_of(f)[slot]);
	if (!emul_store_apply(s, va, old, &new, &after))
		return -EINVAL;
	rc = entry_update(d, d, f, slot, new, PTE_EXACT, old);
	if (!rc)
		*regs = after;
	return rc;
}

bool mm_emulate_pt_write(struct vcpu *v, struct cpu_regs *regs, uint64_t va)
{
	struct mm_domain *d = &v->domain->mm;
	struct emul_store s;
	struct frame *f;
	uint64_t at, mfn;
	int rc;

	f = table_at(v, va);
	if (!f || !fetch(regs, &s))
		return false;
	mfn = frame_mfn(f);
	at = store_address(&s, regs);
	if ((at ^ va) & PAGE_MASK)
		return false;
	rc = mm_begin(d);
	if (!rc) {
		do
			rc = store_try(d, v, &s, at, regs);
		while (rc == -EAGAIN);
		(void)zombies_drain(d);
	}
	spin_unlock(&d->lock);
	if (!rc) {
		table_note_address(v, at, mfn);
		table_note_change(v, mfn, (at & ~PAGE_MASK) >> 3, 0);
	}
	return !rc || rc == -ERESTART;
}
