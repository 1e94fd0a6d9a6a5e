/* SPDX-License-Identifier: MIT */
/*
 * Guest memory, reached by walking the guest's tables in software.
 *
 * HOSTILE  Tables change under the walk: another vcpu may unmap them, and the
 * frames may be anything by the time they are read.  So a walk without the
 * lock trusts nothing: frame numbers are looked up before they are followed
 * (reading a wrong frame of RAM does no harm), and what is finally touched is
 * first referenced as the domain's own, for a write as a writable one.
 *
 * The reserved range is no guest memory.
 */
#include "hv/lib/string.h"
#include "hv/mm/guest.h"

static bool gva_refused(uint64_t gva)
{
	/* Not canonical, or ours: both are between the halves' guest parts. */
	return gva - (1ull << 47) < RESERVED_END - (1ull << 47);
}

static bool table_follow(uint64_t e, uint64_t **table)
{
	struct frame *f = frame_find(pte_mfn(e));

	if (unlikely(!(e & PTE_P) || !f))
		return false;
	*table = table_of(f);
	return true;
}

/* The L1 for @gva; *rights loses PTE_RW and PTE_US where a level denies. */
static bool walk(mfn_t root, uint64_t gva, uint64_t **l1, uint64_t *rights)
{
	uint64_t *table, e;

	if (unlikely(gva_refused(gva) || root.raw >= frame_limit))
		return false;
	table = direct_map(root);
	for (int shift = 39; shift > 12; shift -= 9) {
		e = READ_ONCE(table[gva >> shift & 511]);
		if (!table_follow(e, &table))
			return false;
		*rights &= e;
	}
	*l1 = table;
	return true;
}

bool walk_l1(mfn_t root, uint64_t gva, struct frame **table, unsigned int *slot)
{
	uint64_t *l1, rights = ~0ull;

	if (!walk(root, gva, &l1, &rights))
		return false;
	*table = &frame_table[direct_to_mfn(l1).raw];
	*slot = gva >> PAGE_SHIFT & 511;
	return true;
}

uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot)
{
	unsigned int s = gva >> PAGE_SHIFT & 511;
	uint64_t *l1, e, rights = ~0ull;

	if (!walk(root, gva, &l1, &rights))
		return 0;
	e = READ_ONCE(l1[s]);
	if (!(e & PTE_P))
		return 0;
	if (table)
		*table = direct_to_mfn(l1);
	if (slot)
		*slot = s;
	return e & (rights | ~(PTE_RW | PTE_US));
}

/* Reference the frame behind @gva for a copy; NULL. */
static struct frame *page_get(struct vcpu *v, uint64_t gva, bool write)
{
	uint64_t e = guest_walk(v->kernel_root, gva, NULL, NULL);
	struct mm_domain *d = &v->domain->mm;
	struct frame *f;

	if (!e || (write && !(e & PTE_RW)))
		return NULL;
	f = frame_find(pte_mfn(e));
	if (!f || !(write ? writable_get(f, d) : ref_get(f, d)))
		return NULL;
	return f;
}

int copy_from_vcpu(struct vcpu *v, void *to, uint64_t gva, size_t n)
{
	char *out = to;

	while (n) {
		uint64_t off = gva & ~PAGE_MASK;
		size_t part = min(n, (size_t)(PAGE_SIZE - off));
		struct frame *f = page_get(v, gva, false);

		if (unlikely(!f))
			return -EFAULT;
		memcpy(out, (char *)table_of(f) + off, part);
		ref_put(f);
		out += part;
		gva += part;
		n -= part;
	}
	return 0;
}

int copy_to_vcpu(struct vcpu *v, uint64_t gva, const void *from, size_t n)
{
	const char *in = from;

	while (n) {
		uint64_t off = gva & ~PAGE_MASK;
		size_t part = min(n, (size_t)(PAGE_SIZE - off));
		struct frame *f = page_get(v, gva, true);

		if (unlikely(!f))
			return -EFAULT;
		memcpy((char *)table_of(f) + off, in, part);
		writable_put(f);
		in += part;
		gva += part;
		n -= part;
	}
	return 0;
}

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	return copy_from_vcpu(current, to, gva, n);
}

int copy_to_guest(uint64_t gva, const void *from, size_t n)
{
	return copy_to_vcpu(current, gva, from, n);
}
