/* SPDX-License-Identifier: MIT */
/*
 * Lending a page table to the guest for a run of writes.
 *
 * Kernels change entries of one L1 table in runs: they populate, unmap, fork,
 * map devices.  Each single change enters the hypervisor, and an entry is dear
 * where it empties the TLB.  So after changes of two neighbouring entries, with
 * no user code in between, a vcpu that is the only one of its domain is lent
 * that table:
 *
 *   - what the processor walks stays the validated table, read-only;
 *   - at the address where the guest sees its table it now finds a copy, and
 *     may write it.  The trampoline stores mmu_updates of it there, too;
 *   - the loan begins on the way out, when nothing else will be done, and ends
 *     with the next entry of any kind, before anything else is looked at,
 *     and before the guest returns to user mode.  Then each entry
 *     of the copy that differs is validated as mmu_update would have done, and
 *     the guest sees its table again.
 *
 * A fault on a file maps the pages around it, too, so where the change of one
 * entry that shows users a page read-only was followed by others lately, the
 * table is lent after the first.
 *
 * Until then the guest's kernel may see translations as they were before, as
 * it might by a TLB; where it needs them now it faults or flushes, and both
 * end the loan.  Accessed and dirty bits that the processor would set in the
 * table during the loan, unseen by the guest, are set beforehand: a page is
 * rather dirty without need than clean by mistake.
 *
 * HOSTILE  The copy is the guest's to scribble on; each word is read once.  An
 * entry that is refused stays as it was; the guest, which has gone on, is not
 * told, as kernels do not look at the result of single changes either.
 */
#include "hv/lib/log.h"
#include "hv/mm/group.h"
#include "hv/paging/paging.h"

#define RUN_LENDS  2 /* neighbours changed after which a table is lent */
#define TRUST_MAX  3 /* of loans after one change ...                    */
#define TRUST_LEND 2 /* ... and from where on they are made              */
#define TABLE_SIZE 512

static bool may_lend(struct vcpu *v)
{
	uint64_t up = v->domain->tramp->vcpus_up;

	return up && !(up & (up - 1)) && v->loan.base_known;
}

/* The guest's own address for frame @mfn, where its kernel maps all memory. */
static uint64_t linear_address(struct vcpu *v, uint64_t mfn)
{
	return v->loan.base + (m2p_table[mfn] << PAGE_SHIFT);
}

/* Entry @e of the lent table, with what the processor may set later set. */
static uint64_t settle(uint64_t *entry, uint64_t e)
{
	const uint64_t mapped = PTE_P | PTE_RW, set = PTE_A | PTE_D;

	if ((e & mapped) != mapped || !(~e & set))
		return e;
	return atomic_fetch_or(entry, set) | set;
}

static void copy_table(uint64_t *copy, uint64_t *table)
{
	for (unsigned int i = 0; i < TABLE_SIZE; i += GROUP) {
		bool empty = group_empty(table + i);

		for (unsigned int j = i; j < i + GROUP; j++)
			copy[j] = empty ? 0 : settle(&table[j], table[j]);
	}
}

static bool begin(struct vcpu *v, uint64_t mfn) MUST_HOLD(v->domain->mm.lock)
{
	struct frame *f = frame_find(mfn), *map;
	struct loan *l = &v->loan;
	unsigned int slot;
	uint64_t va, e;

	if (!f || !is_table(f, &v->domain->mm) ||
	    state_type(READ_ONCE(f->state)) != FT_L1)
		return false;
	va = linear_address(v, mfn);
	if (!walk_l1(v->kernel_root, va, &map, &slot) || map == f)
		return false;
	e = READ_ONCE(table_of(map)[slot]);
	if ((e & (PTE_P | PTE_RW)) != PTE_P || pte_mfn(e) != mfn)
		return false;
	copy_table(l->copy, table_of(f));
	l->mfn = mfn;
	l->pte = &table_of(map)[slot];
	l->pte_value = e;
	WRITE_ONCE(*l->pte, (direct_to_mfn(l->copy).raw << PAGE_SHIFT) |
				    (e & ~PTE_ADDRESS) | PTE_RW);
	tlb_flush_local();
	this_cpu->tconst->lent_address = va;
	this_cpu->tconst->lent_table = mfn << PAGE_SHIFT;
	this_cpu->lent = true;
	return true;
}

void table_lend(struct vcpu *v)
{
	struct loan *l = &v->loan;

	if (!may_lend(v) || !guest_in_kernel())
		return;
	if (!l->copy)
		l->copy = heap_alloc(0);
	if (!l->copy)
		return;
	spin_lock(&v->domain->mm.lock);
	if (!begin(v, l->last_mfn))
		l->run = 0;
	spin_unlock(&v->domain->mm.lock);
}

/* A loan after one change was of use, or a run began as such loans would. */
static void trust_more(struct loan *l)
{
	if (l->trust < TRUST_MAX)
		l->trust++;
}

static void trust_less(struct loan *l)
{
	if (l->trust)
		l->trust--;
}

/* Carry the guest's change of one entry over; true: it was refused. */
static bool take_change(struct mm_domain *d, struct loan *l, struct frame *f,
			unsigned int slot) MUST_HOLD(d->lock)
{
	uint64_t now = READ_ONCE(l->copy[slot]);
	uint64_t was = READ_ONCE(table_of(f)[slot]);

	/* The processor may have set the accessed bit meanwhile. */
	if (now == was || (now | PTE_A) == was)
		return false;
	l->last_slot = slot;
	l->run++;
	return entry_update(d, d, f, slot, now, PTE_NORMAL, 0);
}

/* ... of all entries; how many were refused. */
static unsigned int take_changes(struct mm_domain *d, struct loan *l)
	MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(l->mfn);
	uint64_t *table = table_of(f);
	unsigned int refused = 0;

	for (unsigned int i = 0; i < TABLE_SIZE; i += GROUP) {
		if (!group_differs(l->copy + i, table + i))
			continue;
		for (unsigned int j = i; j < i + GROUP; j++)
			refused += take_change(d, l, f, j);
	}
	return refused;
}

void table_take_back(struct vcpu *v)
{
	struct mm_domain *d = &v->domain->mm;
	struct loan *l = &v->loan;
	uint64_t seen = READ_ONCE(*l->pte) & (PTE_A | PTE_D);
	unsigned int refused;

	this_cpu->lent = false;
	this_cpu->tconst->lent_table = 0;
	WRITE_ONCE(*l->pte, l->pte_value | (seen & PTE_A));
	tlb_flush_local();
	mm_lock(d);
	refused = take_changes(d, l);
	spin_unlock(&d->lock);
	if (l->early && l->run >= RUN_LENDS)
		trust_more(l);
	else if (l->early)
		trust_less(l);
	if (refused)
		log_guest("paging: d%uv%u: %u entries of a lent table refused, "
			  "mfn=%#lx",
			  v->domain->id, v->id, refused, l->mfn);
}

/* Does @e show its users a page that they may not write? */
static bool shows_readonly(uint64_t e)
{
	return (e & (PTE_P | PTE_US | PTE_RW)) == (PTE_P | PTE_US);
}

void table_note_change(struct vcpu *v, uint64_t mfn, unsigned int slot,
		       uint64_t e)
{
	struct loan *l = &v->loan;
	uint64_t runs = READ_ONCE(tramp_data()->user_runs);
	unsigned int step = slot - l->last_slot;

	/* A kernel that changes one entry each time it is entered (a page
	 * fault) would pay for the loan and not use it. */
	if (mfn != l->last_mfn || runs != l->user_runs)
		l->run = 1;
	else if (step == 1 || step == -1u)
		l->run++;
	else if (step)
		l->run = 1;
	if (l->run == RUN_LENDS && l->opened)
		trust_more(l);
	l->opened = l->run == 1 && shows_readonly(e);
	l->early = l->opened && l->trust >= TRUST_LEND;
	l->user_runs = runs;
	l->last_mfn = mfn;
	l->last_slot = slot;
	if (l->early || l->run >= RUN_LENDS)
		this_cpu->lend_to = v;
}

void table_note_address(struct vcpu *v, uint64_t va, uint64_t mfn)
{
	v->loan.base = (va & PAGE_MASK) - (m2p_table[mfn] << PAGE_SHIFT);
	v->loan.base_known = true;
}
