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
#include "hv/paging/paging.h"

/* The L1 for @gva; *rights loses what a level denies. */
static uint64_t *walk(mfn_t root, uint64_t gva, uint64_t *rights)
{
	struct frame *f = frame_find(root.raw);

	/* Not canonical, or ours: both lie between the guest's halves. */
	if (unlikely(gva - (1ull << 47) < RESERVED_END - (1ull << 47)))
		return NULL;
	for (int shift = 39; f && shift > 12; shift -= 9) {
		uint64_t e = READ_ONCE(table_of(f)[gva >> shift & 511]);

		if (unlikely(!(e & PTE_P)))
			return NULL;
		*rights &= e;
		f = frame_find(pte_mfn(e));
	}
	return f ? table_of(f) : NULL;
}

bool walk_l1(mfn_t root, uint64_t gva, struct frame **table, unsigned int *slot)
{
	uint64_t rights = ~0ull, *l1 = walk(root, gva, &rights);

	if (!l1)
		return false;
	*table = &frame_table[direct_to_mfn(l1).raw];
	*slot = gva >> PAGE_SHIFT & 511;
	return true;
}

uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot)
{
	uint64_t rights = ~0ull, e = 0, *l1 = walk(root, gva, &rights);

	if (l1)
		e = READ_ONCE(l1[gva >> PAGE_SHIFT & 511]);
	if (!(e & PTE_P))
		return 0;
	if (table)
		*table = direct_to_mfn(l1);
	if (slot)
		*slot = gva >> PAGE_SHIFT & 511;
	return e & (rights | ~(PTE_RW | PTE_US));
}

/* The frame behind @gva, held for a copy; NULL. */
static struct frame *page_get(uint64_t gva, bool write)
{
	struct vcpu *v = current;
	uint64_t e = guest_walk(v->kernel_root, gva, NULL, NULL);
	struct frame *f = e ? frame_find(pte_mfn(e)) : NULL;
	struct mm_domain *d = &v->domain->mm;

	if (unlikely(!f || (write && !(e & PTE_RW))))
		return NULL;
	return (write ? writable_get(f, d) : ref_get(f, d)) ? f : NULL;
}

/* Arguments are a few words. */
static void move(char *to, const char *from, size_t n)
{
	if (n > 256 || n & 7) {
		memcpy(to, from, n);
		return;
	}
	for (; n; n -= 8, to += 8, from += 8)
		__builtin_memcpy(to, from, 8);
}

/* Copy @n bytes at @gva, out of the guest or (@write) into it. */
static inline int copy(uint64_t gva, char *buf, size_t n, bool write)
{
	while (n) {
		uint64_t off = gva & ~PAGE_MASK;
		size_t part = min(n, (size_t)(PAGE_SIZE - off));
		struct frame *f = page_get(gva, write);
		char *p;

		if (unlikely(!f))
			return -EFAULT;
		p = (char *)table_of(f) + off;
		if (write) {
			move(p, buf, part);
			writable_put(f);
		} else {
			move(buf, p, part);
			ref_put(f);
		}
		buf += part;
		gva += part;
		n -= part;
	}
	return 0;
}

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	const struct tramp_data *t = tramp_data();
	uint64_t off = gva - t->prefetch_at;

	/* Read by the trampoline already, when the guest's TLB was warm. */
	if (t->prefetch_at && off < sizeof(t->prefetched) &&
	    n <= sizeof(t->prefetched) - off) {
		memcpy(to, (const char *)t->prefetched + off, n);
		return 0;
	}
	return copy(gva, to, n, false);
}

int copy_to_guest(uint64_t gva, const void *from, size_t n)
{
	return copy(gva, (char *)from, n, true);
}
