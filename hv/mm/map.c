/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own mappings: the upper slots of hv_l4_template.
 *
 * Every CPU's hypervisor root copies those slots, so an L3 must be there for
 * each before the second CPU starts; below them changes are seen by all.
 * Mappings are only ever added, so no flush is needed.
 */
#include "hv/mm/frame.h"

enum {
	IOMAP_PAGES = 1 << 18
};

void *(*map_page_alloc)(void) = map_page_from_heap;

static spinlock_t map_lock = SPINLOCK_INIT(RUNG_SLAB);
static uint64_t iomap_next = IOMAP_BASE;

void *map_page_from_heap(void)
{
	return heap_alloc(0);
}

/* The table that @table's entry @slot points to, made if need be. */
static uint64_t *table_below(uint64_t *table, unsigned int slot)
{
	void *page;

	BUG_ON(table[slot] & PTE_PS);
	if (!(table[slot] & PTE_P)) {
		page = map_page_alloc();
		if (!page)
			return NULL;
		table[slot] = mfn_pte(direct_to_mfn(page).raw, PTE_TABLE);
	}
	return direct_map(mfn_of(pte_mfn(table[slot])));
}

/* The L2 that covers @va; NULL: out of memory. */
uint64_t *map_l2(uint64_t *l4, uint64_t va)
{
	uint64_t *l3 = table_below(l4, va >> 39 & 511);

	return l3 ? table_below(l3, va >> 30 & 511) : NULL;
}

int hv_map(uint64_t *l4, uint64_t va, uint64_t pa, size_t size, uint64_t flags)
{
	const uint64_t large = 1ull << 21;
	uint64_t end = va + size, step;

	for (; va < end; va += step, pa += step) {
		uint64_t *l2 = map_l2(l4, va), *l1;

		if (!l2)
			return -ENOMEM;
		step = large;
		if (!((va | pa) & (large - 1)) && end - va >= large) {
			l2[va >> 21 & 511] = pa | flags | PTE_PS;
			continue;
		}
		step = PAGE_SIZE;
		l1 = table_below(l2, va >> 21 & 511);
		if (!l1)
			return -ENOMEM;
		l1[va >> PAGE_SHIFT & 511] = pa | flags;
	}
	return 0;
}

void *iomap(uint64_t paddr, size_t size)
{
	uint64_t start = paddr & PAGE_MASK;
	uint64_t length = ROUND_UP(paddr + size, PAGE_SIZE) - start;
	void *p = NULL;

	spin_lock(&map_lock);
	if (iomap_next + length <= IOMAP_BASE + IOMAP_PAGES * PAGE_SIZE &&
	    !hv_map(hv_l4_template, iomap_next, start, length,
		    PTE_TABLE | PTE_PCD | PTE_PWT | PTE_NX)) {
		p = (void *)(iomap_next + (paddr & ~PAGE_MASK));
		iomap_next += length;
	}
	spin_unlock(&map_lock);
	return p;
}
