/* SPDX-License-Identifier: MIT */
/*
 * From a list of ranges to a working memory room.
 *
 * The frame table and the machine-to-physical table are arrays indexed by
 * frame number.  They, and the tables that map them, are taken from the top of
 * the highest free memory, so that low addresses are left for devices.  Where
 * there is no RAM they show one page that says so, and a lookup needs but one
 * comparison, with the end.  What is not taken goes to the heap as ranges.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"
#include "hv/mm/frame.h"

enum {
	MAX_RANGES = 160
};
static const uint64_t LARGE = 1ull << 21;

static struct mem_range spans[MAX_RANGES]; /* RAM in LARGE units, sorted */
static unsigned int nr_spans;
static struct mem_range taken; /* arrays from its start, tables from its end */
static uint64_t *guest_m2p_l3;
static uint64_t nr_total;

uint64_t mm_total_frames(void)
{
	return nr_total;
}

uint64_t mm_m2p_l3(void)
{
	return direct_to_mfn(guest_m2p_l3).raw << PAGE_SHIFT;
}

/* Insert by start; then neighbours that meet become one. */
static void spans_build(const struct mem_range *ram, unsigned int nr)
{
	unsigned int n = 0;

	BUG_ON(!nr || nr > MAX_RANGES);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int k = nr_spans++;

		for (; k && spans[k - 1].start > ram[i].start; k--)
			spans[k] = spans[k - 1];
		spans[k].start = ROUND_DOWN(ram[i].start, LARGE);
		spans[k].end = ROUND_UP(ram[i].end, LARGE);
	}
	for (unsigned int i = 1; i < nr_spans; i++) {
		if (spans[i].start > spans[n].end)
			spans[++n] = spans[i];
		else
			spans[n].end = max(spans[n].end, spans[i].end);
	}
	nr_spans = n + 1;
	frame_limit = spans[n].end >> PAGE_SHIFT;
}

/* The first free run of whole pages in [@from, @end); empty: none. */
static struct mem_range next_free(uint64_t from, uint64_t end,
				  const struct mem_range *busy, unsigned int nr)
{
	struct mem_range r = {ROUND_UP(from, PAGE_SIZE), end};

	for (unsigned int i = 0; i < nr; i++)
		if (busy[i].start < r.start + PAGE_SIZE &&
		    busy[i].end > r.start) {
			r.start = ROUND_UP(busy[i].end, PAGE_SIZE);
			i = -1u; /* another may begin here */
		}
	for (unsigned int i = 0; i < nr; i++)
		if (busy[i].start >= r.start)
			r.end = min(r.end, busy[i].start);
	r.end = max(ROUND_DOWN(r.end, PAGE_SIZE), r.start);
	return r;
}

/* Take the top @size bytes of the highest run that has them. */
static void take(const struct mem_range *ram, unsigned int nr_ram,
		 const struct mem_range *busy, unsigned int nr_busy,
		 uint64_t size)
{
	struct mem_range r;

	for (unsigned int i = 0; i < nr_ram; i++) {
		r = next_free(ram[i].start, ram[i].end, busy, nr_busy);
		for (; r.start < r.end;
		     r = next_free(r.end, ram[i].end, busy, nr_busy))
			if (r.end - r.start >= size && r.end > taken.end)
				taken = r;
	}
	if (!taken.end)
		panic("mm: no room for the frame table, bytes=%lu", size);
	taken.start = ROUND_DOWN(taken.end - size, LARGE);
}

static void *early_page(void)
{
	void *p;

	taken.end -= PAGE_SIZE;
	BUG_ON(taken.start > taken.end);
	p = direct_map(mfn_of(taken.end >> PAGE_SHIFT));
	page_clear(p);
	return p;
}

/* What both arrays and their tables may need, alignment included. */
static uint64_t arrays_size(void)
{
	const uint64_t each = sizeof(struct frame) + sizeof(uint64_t);
	uint64_t size =
		(nr_spans + 1) * 4 * LARGE + (frame_limit >> 15) * PAGE_SIZE;

	for (unsigned int i = 0; i < nr_spans; i++)
		size += ((spans[i].end - spans[i].start) >> PAGE_SHIFT) * each;
	return size;
}

static void map_checked(uint64_t va, uint64_t pa, uint64_t size, uint64_t rw)
{
	if (hv_map(hv_l4_template, va, pa, size, PTE_P | PTE_A | PTE_NX | rw))
		panic("mm: no memory for tables");
}

/*
 * An array at @base of 2^@shift bytes a frame: @fill where there is RAM, one
 * page of @hole elsewhere.
 */
static void array_map(uint64_t base, unsigned int shift, int fill, int hole)
{
	uint64_t at = base;
	char *page = early_page();

	memset(page, hole, PAGE_SIZE);
	for (unsigned int i = 0; i < nr_spans; i++) {
		uint64_t va = base + (spans[i].start >> PAGE_SHIFT << shift);
		uint64_t end = base + (spans[i].end >> PAGE_SHIFT << shift);
		uint64_t pa = taken.start;

		for (; at < va; at += PAGE_SIZE)
			map_checked(at, direct_to_mfn(page).raw << PAGE_SHIFT,
				    PAGE_SIZE, 0);
		/* Large pages where the physical address can follow suit. */
		if (end - va >= LARGE)
			pa = ROUND_UP(pa, LARGE) + (va & (LARGE - 1));
		taken.start = pa + (end - va);
		map_checked(va, pa, end - va, PTE_RW | PTE_D);
		memset((void *)va, fill, end - va);
		at = end;
	}
}

/* A second L3 for the machine-to-physical table, without write access. */
static void guest_m2p_build(void)
{
	uint64_t e = hv_l4_template[M2P_BASE >> 39 & 511];
	uint64_t *l3 = direct_map(mfn_of(pte_mfn(e)));

	guest_m2p_l3 = early_page();
	for (unsigned int i = 0; i < 512; i++)
		guest_m2p_l3[i] = l3[i] & ~PTE_RW;
}

static void ram_mark(uint64_t start, uint64_t end, uint64_t state)
{
	for (uint64_t m = start >> PAGE_SHIFT; m < end >> PAGE_SHIFT; m++)
		frame_table[m].state = state;
}

static void give(struct mem_range r)
{
	ram_mark(r.start, r.end, FS_RAM);
	heap_add(r.start >> PAGE_SHIFT, (r.end - r.start) >> PAGE_SHIFT);
}

static void give_ram(struct mem_range ram, const struct mem_range *busy,
		     unsigned int nr)
{
	struct mem_range r = {ROUND_UP(ram.start, PAGE_SIZE),
			      ROUND_DOWN(ram.end, PAGE_SIZE)};

	if (r.start >= r.end)
		return;
	ram_mark(r.start, r.end, FS_RAM | FS_HV);
	nr_total += (r.end - r.start) >> PAGE_SHIFT;
	for (r = next_free(r.start, ram.end, busy, nr); r.start < r.end;
	     r = next_free(r.end, ram.end, busy, nr))
		give(r);
}

void mm_boot(const struct mem_range *ram, unsigned int nr_ram,
	     const struct mem_range *busy, unsigned int nr_busy)
{
	struct mem_range all[MAX_RANGES];
	struct mem_range before;

	mm_phys_limit = 1ull << ((cpuid(0x80000008, 0).a & 0xff) - PAGE_SHIFT);
	BUG_ON(nr_busy + 3 > MAX_RANGES);
	spans_build(ram, nr_ram);
	take(ram, nr_ram, busy, nr_busy, arrays_size());
	before = taken;
	map_page_alloc = early_page;
	array_map(FRAMES_BASE, 4, 0, 0);
	array_map(M2P_BASE, 3, 0xff, 0xff);
	/* CPUs copy the slots: the L3 of each is made now. */
	map_l2(hv_l4_template, IOMAP_BASE);
	guest_m2p_build();
	map_page_alloc = map_page_from_heap;
	memcpy(all, busy, nr_busy * sizeof(*busy));
	all[nr_busy] = (struct mem_range){before.start, taken.start};
	all[nr_busy + 1] = (struct mem_range){taken.end, before.end};
	/* Frame 0 is never given: 0 in a field may mean none. */
	all[nr_busy + 2] = (struct mem_range){0, PAGE_SIZE};
	for (unsigned int i = 0; i < nr_ram; i++)
		give_ram(ram[i], all, nr_busy + 3);
	log_info("mm: memory is ready, frames=%lu free=%lu", nr_total,
		 mm_free_frames());
}

void mm_boot_release(struct mem_range range)
{
	give(range);
}
