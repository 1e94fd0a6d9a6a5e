/* SPDX-License-Identifier: MIT */
/*
 * The page tables of a guest's first address space.
 *
 * Tables are taken in order from the pages that the layout has for them, as an
 * address needs them; those that stay unused are blank pages, mapped like the
 * used.  Leaves have no user bit, and those that show page tables are
 * read-only: otherwise the hypervisor would not take the tables.
 *
 * PURE  The caller's pages become the guest's.
 */
#include "tools/build/layout.h"

enum {
	PTE_P = 0x1,
	PTE_RW = 0x2,
	PTE_US = 0x4,
	PTE_A = 0x20,
	PTE_D = 0x40,
	TABLE_FLAGS = PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D,
	LEAF_RO = PTE_P | PTE_A,
	LEAF_RW = PTE_P | PTE_RW | PTE_A | PTE_D,
};

struct maker {
	const struct layout *l;
	const uint64_t *mfn; /* by pfn */
	uint64_t (*pages)[512];
	uint64_t used; /* pages, from the first                       */
};

static uint64_t pfn_of(const struct layout *l, uint64_t page)
{
	return page < l->nr_tables ? l->tables_pfn + page
				   : l->list_tables_pfn + page - l->nr_tables;
}

/*
 * An entry names its table by the guest's frame.  To go down we need our page:
 * while the tables are made, entries hold the page's index in the bits of the
 * address; finish() turns them into frames.
 */
static uint64_t *table_of(struct maker *m, uint64_t va)
{
	uint64_t page = 0, *entry;

	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		entry = &m->pages[page][va >> shift & 511];
		if (!*entry)
			*entry = m->used++ << PV_PAGE_SHIFT | TABLE_FLAGS;
		page = *entry >> PV_PAGE_SHIFT;
	}
	return m->pages[page];
}

/* Leaves of [va, end) onto consecutive pfns. */
static void map(struct maker *m, uint64_t va, uint64_t end, uint64_t pfn,
		uint64_t flags)
{
	uint64_t *table = NULL;

	for (; va < end; va += PV_PAGE_SIZE, pfn++) {
		if (!table || !(va >> 12 & 511))
			table = table_of(m, va);
		table[va >> 12 & 511] = m->mfn[pfn] << PV_PAGE_SHIFT | flags;
	}
}

/* Name the tables below `page` by frame; level 1 has leaves. */
static void finish(struct maker *m, uint64_t page, unsigned int level)
{
	uint64_t *entry = m->pages[page], below;

	for (unsigned int i = 0; level > 1 && i < 512; i++) {
		if (!entry[i])
			continue;
		below = entry[i] >> PV_PAGE_SHIFT;
		finish(m, below, level - 1);
		entry[i] = m->mfn[pfn_of(m->l, below)] << PV_PAGE_SHIFT |
			   TABLE_FLAGS;
	}
}

void layout_tables(const struct layout *l, const uint64_t *mfn,
		   uint64_t (*pages)[512])
{
	struct maker m = {.l = l, .mfn = mfn, .pages = pages, .used = 1};
	uint64_t tables_va = layout_va(l, l->tables_pfn);
	uint64_t behind_va = layout_va(l, l->tables_pfn + l->nr_tables);
	uint64_t list_end = l->list_va + (l->list_frames << PV_PAGE_SHIFT);

	map(&m, l->virt_base, tables_va, 0, LEAF_RW);
	map(&m, tables_va, behind_va, l->tables_pfn, LEAF_RO);
	map(&m, behind_va, l->end_va, l->tables_pfn + l->nr_tables, LEAF_RW);
	if (l->nr_list_tables) {
		/* The rest stay the mapped part's, so that both are counted
		 * where the guest looks for them. */
		m.used = l->nr_tables;
		map(&m, l->list_va, list_end, l->list_pfn, LEAF_RW);
	}
	finish(&m, 0, 4);
}
