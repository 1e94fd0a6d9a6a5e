/* SPDX-License-Identifier: MIT */
/*
 * The invariants of memory, counted anew from what the tables hold.
 *
 * Every reference and every use has a reason: an allocation, a pin, a vcpu, an
 * entry of a table that is in use (or the held part of one that is half made),
 * something the test holds.  The reasons are counted and compared with every
 * frame's book.  As uses are counted by type, a frame that is writable and a
 * table at once cannot pass.
 *
 * The flush clock stands in for TLBs: a frame that was seen mapped writable,
 * or used as a table, must not be used as the other before a flush.
 */
#include "tests/unit_mm/machine.h"

bool (*foreign_allowed)(struct domain *d, uint64_t mfn);

struct book {
	unsigned int refs, uses[8];
	/* The clock when it was last seen so. */
	uint32_t seen_writable, seen_table, seen_mapped;
	uint32_t owner;
};

static struct book books[NR_FRAMES];
static unsigned int held[NR_FRAMES][8];
static uint32_t clock_now = 1, last_flush;

/* ---- the TLB room -------------------------------------------------------------------- */

uint64_t tlb_root(void)
{
	return 0;
}

void tlb_flush_local(void)
{
}

void tlb_flush_mask(cpumask_t mask)
{
	assert_true(mask);
	nr_flushes++;
	last_flush = ++clock_now;
}

uint32_t tlb_now(void)
{
	return clock_now++;
}

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
	return stamp >= last_flush ? mask : 0;
}

/* ---- counting ------------------------------------------------------------------------ */

#define wrong(m, ...)                                                          \
	do {                                                                   \
		fprintf(stderr,                                                \
			"frame 0x%lx state 0x%lx: ", (unsigned long)(m),       \
			state_of(m));                                          \
		panic(__VA_ARGS__);                                            \
	} while (0)

void hold(uint64_t mfn, enum frame_type type)
{
	held[mfn][type]++;
}

void unhold(uint64_t mfn, enum frame_type type)
{
	assert_true(held[mfn][type]);
	held[mfn][type]--;
}

static void count(uint64_t mfn, enum frame_type type)
{
	books[mfn].refs++;
	if (type != FT_NONE)
		books[mfn].uses[type]++;
}

static void count_leaf(struct mm_domain *d, uint64_t table, uint64_t e)
{
	uint64_t m = pte_mfn(e);

	if (e & PTE_G)
		wrong(table, "a global entry");
	if (!frame_find(m)) {
		if (!d->mmio || m != MMIO_MFN)
			wrong(table, "maps mfn 0x%lx", m);
		return;
	}
	if (owner_of(&frame_table[m]) != d &&
	    !(foreign_allowed && foreign_allowed(d->domain, m)))
		wrong(table, "maps another domain's 0x%lx", m);
	count(m, e & PTE_RW ? FT_WRITABLE : FT_NONE);
}

static void count_entries(struct mm_domain *d, uint64_t mfn)
{
	uint64_t s = state_of(mfn), *pt = content(mfn);
	enum frame_type type = state_type(s);
	unsigned int n = s & FS_BUSY ? state_uses(s) : PT_ENTRIES;

	for (unsigned int i = 0; i < n; i++) {
		if (!(pt[i] & PTE_P) || (type == FT_L4 && slot_reserved(i)))
			continue;
		if (type == FT_L1) {
			count_leaf(d, mfn, pt[i]);
			continue;
		}
		if ((pt[i] & PTE_PS) || !frame_find(pte_mfn(pt[i])) ||
		    owner_of(&frame_table[pte_mfn(pt[i])]) != d)
			wrong(mfn, "entry %u is 0x%lx", i, pt[i]);
		count(pte_mfn(pt[i]), type - 1);
	}
}

static void check_descriptors(uint64_t mfn)
{
	uint64_t *p = content(mfn);

	for (unsigned int i = 0; i < 512; i++) {
		if (!(p[i] >> 47 & 1))
			continue;
		if (!(p[i] >> 44 & 1))
			wrong(mfn, "a system descriptor");
		if (!(p[i] >> 45 & 3))
			wrong(mfn, "a descriptor of ring 0");
		if (!(p[i] >> 40 & 1))
			wrong(mfn, "a descriptor that is written to");
	}
}

static void count_frame(uint64_t mfn)
{
	uint64_t s = state_of(mfn);
	enum frame_type type = state_type(s);
	bool table = type >= FT_L1 && type <= FT_L4;

	if (s & FS_ALLOC)
		count(mfn, FT_NONE);
	if (s & FS_PINNED)
		count(mfn, type);
	if (s & FS_BUSY)
		count(mfn, FT_NONE);
	if (table && (s & (FS_BUSY | FS_USES)))
		count_entries(owner_of(&frame_table[mfn]), mfn);
	if (type == FT_SEGDESC && !(s & FS_BUSY) && (s & FS_USES))
		check_descriptors(mfn);
	for (unsigned int t = 0; t < 8; t++)
		for (unsigned int i = 0; i < held[mfn][t]; i++)
			count(mfn, (enum frame_type)t);
}

static void count_vcpu(struct vcpu *v)
{
	const mfn_t now[2] = {v->kernel_root, v->user_root};

	for (unsigned int i = 0; i < 2; i++) {
		mfn_t use = v->held_root[i];

		if (use.raw != ~0ull)
			count(use.raw, FT_L4);
		if (mfn_eq(now[i], use))
			continue;
		if (now[i].raw != ~0ull && !(state_of(now[i].raw) & FS_PINNED))
			wrong(now[i].raw, "a root, neither held nor pinned");
		if (use.raw != ~0ull && !(state_of(use.raw) & FS_PINNED))
			wrong(use.raw, "held as the root that it was");
	}
	for (unsigned int i = 0; i < (v->gdt_entries + 511) / 512; i++)
		count(v->gdt_frames[i].raw, FT_SEGDESC);
	for (unsigned int i = 0; i < (v->ldt_entries + 511) / 512; i++)
		count(v->ldt_frames[i].raw, FT_SEGDESC);
}

/* ---- comparing ----------------------------------------------------------------------- */

static void check_tlb(uint64_t mfn, bool writable, bool table)
{
	struct book *b = &books[mfn];
	uint32_t owner = frame_table[mfn].owner;

	if (table && b->seen_writable > last_flush)
		wrong(mfn, "a table, maybe still in a TLB as writable");
	if (writable && b->seen_table > last_flush)
		wrong(mfn, "writable, maybe still walked as a table");
	if (owner != b->owner && b->seen_mapped > last_flush)
		wrong(mfn, "has another owner, maybe still in a TLB");
	b->owner = owner;
	if (writable)
		b->seen_writable = clock_now;
	if (table)
		b->seen_table = clock_now;
	if (b->refs > 1)
		b->seen_mapped = clock_now;
}

static void check_frame(uint64_t mfn)
{
	uint64_t s = state_of(mfn);
	enum frame_type type = state_type(s);
	struct book *b = &books[mfn];
	bool table = type >= FT_L1 && type <= FT_SEGDESC;
	bool used = s & (FS_BUSY | FS_USES);

	if (s & (FS_HV | FS_FREE)) {
		if (b->refs || (s & FS_REFS))
			wrong(mfn, "not a domain's, has %u references",
			      b->refs);
		return;
	}
	if ((s & FS_REFS) != b->refs)
		wrong(mfn, "%u references have a reason", b->refs);
	for (unsigned int t = 0; t < 8; t++) {
		unsigned int n =
			t == type && !(s & FS_BUSY) ? state_uses(s) : 0;

		if (b->uses[t] != n)
			wrong(mfn, "%u uses of type %u have a reason",
			      b->uses[t], t);
	}
	if (s & FS_CHANGING)
		wrong(mfn, "is left between two types");
	if ((s & FS_BUSY) && state_uses(s) > PT_ENTRIES)
		wrong(mfn, "is left active");
	if ((s & FS_PINNED) && ((s & FS_BUSY) || !used))
		wrong(mfn, "is pinned and not in use");
	if (b->refs)
		check_tlb(mfn, type == FT_WRITABLE && used, table && used);
}

static void check_zombies(struct mm_domain *d)
{
	unsigned int n = 0, flagged = 0;

	for (uint32_t z = d->zombies; z != LINK_NONE; z = frame_table[z].link) {
		if (!(state_of(z) & FS_ZOMBIE))
			wrong(z, "is on the list and no zombie");
		if (++n > NR_FRAMES)
			wrong(z, "the list goes round");
	}
	for (uint64_t m = 0; m < NR_FRAMES; m++)
		flagged += (state_of(m) & FS_ZOMBIE) &&
			   owner_of(&frame_table[m]) == d;
	if (n != flagged)
		panic("%u zombies, %u on the list", flagged, n);
}

/* This CPU's copy of its root is the root. */
static void check_root(void)
{
	struct vcpu *v = current;
	uint64_t *root, *copy = this_cpu->root_copy;

	if (!v || v->kernel_root.raw == ~0ull)
		return;
	root = content(v->kernel_root.raw);
	for (unsigned int i = 0; i < 512; i++)
		if (!slot_reserved(i) && root[i] != copy[i])
			panic("slot %u of the root is 0x%lx, its copy 0x%lx", i,
			      root[i], copy[i]);
}

/* What the trampoline may switch to are pinned roots of the running domain. */
static void check_offers(void)
{
	for (unsigned int i = 0; i < TRAMP_ROOTS; i++) {
		const struct tramp_root *t = &this_cpu->tconst->roots[i];
		uint64_t mfn[2] = {t->kernel, t->user};
		const uint64_t *copy = content(pte_mfn(t->cr3));

		for (unsigned int k = 0; t->kernel && k < 2; k++) {
			if (!mfn[k])
				continue;
			if (!(state_of(mfn[k]) & FS_PINNED) ||
			    state_type(state_of(mfn[k])) != FT_L4 ||
			    !frame_is_of(mfn_of(mfn[k]), current->domain))
				wrong(mfn[k], "is on offer as a root");
		}
		for (unsigned int s = 0; t->kernel && s < 512; s++)
			if (!slot_reserved(s) &&
			    content(t->kernel)[s] != copy[s])
				wrong(t->kernel, "differs from its copy");
	}
}

void check_all(void)
{
	struct domain *seen[NR_TEST_DOMAINS] = {NULL}, *d;
	uint64_t owned = 0;

	end_loan();
	for (uint64_t m = 0; m < NR_FRAMES; m++) {
		books[m].refs = 0;
		memset(books[m].uses, 0, sizeof(books[m].uses));
	}
	for (unsigned int i = 0; i < NR_TEST_DOMAINS; i++) {
		seen[i] = d = machine_nth_domain(i);
		for (unsigned int k = 0; d && k < d->max_vcpus; k++)
			count_vcpu(d->vcpu[k]);
	}
	for (uint64_t m = 1; m < NR_FRAMES; m++)
		if (state_of(m) & FS_REFS)
			count_frame(m);
	for (uint64_t m = 1; m < NR_FRAMES; m++) {
		check_frame(m);
		owned += (state_of(m) & (FS_REFS | FS_SHARED)) &&
			 !(state_of(m) & FS_SHARED);
	}
	for (unsigned int i = 0; i < NR_TEST_DOMAINS; i++) {
		if (!seen[i])
			continue;
		check_zombies(&seen[i]->mm);
		owned -= seen[i]->mm.nr_frames;
	}
	if (owned)
		panic("%ld frames more than the domains count", (long)owned);
	check_root();
	check_offers();
}
