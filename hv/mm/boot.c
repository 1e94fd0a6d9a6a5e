/* SPDX-License-Identifier: MIT */
/*
 * From a list of ranges to a working memory room.
 *
 * The frame table and the machine-to-physical table are taken from the top of
 * the highest free memory, so that low addresses are left for devices; so are
 * the pages of the tables that map them.  Both are arrays indexed by
 * frame number.  Where there is no RAM they show one page that says so, so
 * that a lookup needs one comparison, with the end.
 *
 * Memory below what was taken and everywhere else goes to the heap as ranges.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"
#include "hv/mm/map.h"

enum {
	MAX_SPANS = 160
};
static const uint64_t UNIT = 1ull << 21; /* granularity of both arrays */

/* Early memory: [low, end) is taken but for [bump, bump_end). */
static struct {
	uint64_t start, low, bump, bump_end, end;
} early;

static uint64_t nr_total;
static uint64_t *guest_m2p_l3;

static struct mem_range spans[MAX_SPANS]; /* RAM in UNITs, merged, sorted */
static unsigned int nr_spans;

uint64_t mm_total_frames(void)
{
	return nr_total;
}

uint64_t mm_m2p_l3(void)
{
	return direct_to_mfn(guest_m2p_l3).raw << PAGE_SHIFT;
}

static void span_add(uint64_t start, uint64_t end)
{
	unsigned int i = nr_spans;

	BUG_ON(nr_spans == MAX_SPANS);
	for (; i > 0 && spans[i - 1].start > start; i--)
		spans[i] = spans[i - 1];
	spans[i] = (struct mem_range){start, end};
	nr_spans++;
}

static void spans_build(const struct mem_range *ram, unsigned int nr)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr; i++)
		if (ram[i].end > ram[i].start)
			span_add(ROUND_DOWN(ram[i].start, UNIT),
				 ROUND_UP(ram[i].end, UNIT));
	for (unsigned int i = 1; i < nr_spans; i++) {
		if (spans[i].start <= spans[n].end)
			spans[n].end = max(spans[n].end, spans[i].end);
		else
			spans[++n] = spans[i];
	}
	nr_spans = n + 1;
	frame_limit = spans[n].end >> PAGE_SHIFT;
}

/* The part of @r above the last busy byte in it that is below @end. */
static struct mem_range free_top(struct mem_range r, uint64_t end,
				 const struct mem_range *busy, unsigned int nr)
{
	bool moved = true;

	r.end = min(r.end, end);
	while (moved) {
		moved = false;
		/* Busy up to the end: what is below it counts. */
		for (unsigned int i = 0; i < nr; i++)
			if (busy[i].start < r.end && busy[i].end >= r.end) {
				r.end = busy[i].start;
				moved = true;
			}
	}
	for (unsigned int i = 0; i < nr; i++)
		if (busy[i].end > r.start && busy[i].start < r.end)
			r.start = max(r.start, busy[i].end);
	r.start = ROUND_UP(r.start, PAGE_SIZE);
	r.end = ROUND_DOWN(r.end, PAGE_SIZE);
	if (r.start > r.end)
		r.start = r.end;
	return r;
}

/* Take the highest free run that holds @size. */
static void early_init(const struct mem_range *ram, unsigned int nr_ram,
		       const struct mem_range *busy, unsigned int nr_busy,
		       uint64_t size)
{
	struct mem_range best = {0, 0};

	for (unsigned int i = 0; i < nr_ram; i++) {
		uint64_t end = ram[i].end;

		/* Runs of this range, from the top down. */
		while (end > ram[i].start) {
			struct mem_range r =
				free_top(ram[i], end, busy, nr_busy);

			if (r.end - r.start >= size && r.end > best.end)
				best = r;
			if (r.start <= ram[i].start || r.start >= end)
				break;
			end = r.start;
		}
	}
	if (best.end == 0)
		panic("mm: no room for the frame table, bytes=0x%llx",
		      (unsigned long long)size);
	early.start = best.start;
	early.low = early.bump = early.bump_end = early.end = best.end;
}

/* @size bytes, aligned to 2 MiB if that is worth it; not zeroed. */
static uint64_t early_block(uint64_t size)
{
	uint64_t align = size >= 2 * UNIT ? UNIT : PAGE_SIZE;
	uint64_t pa = ROUND_DOWN(early.low - size, align);

	if (early.bump == early.bump_end) {
		early.bump = pa + size;
		early.bump_end = early.low;
	}
	BUG_ON(pa < early.start);
	early.low = pa;
	return pa;
}

static void *early_page(void)
{
	uint64_t pa;
	void *p;

	if (early.bump < early.bump_end) {
		pa = early.bump;
		early.bump += PAGE_SIZE;
	} else {
		pa = early_block(PAGE_SIZE);
	}
	p = direct_map(mfn_of(pa >> PAGE_SHIFT));
	page_clear(p);
	return p;
}

/* What both arrays and their tables may need. */
static uint64_t arrays_size(void)
{
	const uint64_t each = sizeof(struct frame) + sizeof(uint64_t);
	uint64_t size = 4 * UNIT + (frame_limit >> 18) * PAGE_SIZE;

	for (unsigned int i = 0; i < nr_spans; i++)
		size += ((spans[i].end - spans[i].start) >> PAGE_SHIFT) * each +
			8 * PAGE_SIZE;
	return size;
}

static void map_checked(uint64_t va, uint64_t pa, uint64_t size)
{
	if (hv_map(hv_l4_template, va, pa, size, PTE_TABLE | PTE_NX))
		panic("mm: out of memory for tables");
}

/*
 * Show one page of @fill bytes in [va, end): in whole 2 MiB one table of its
 * entries serves for all.
 */
static void map_hole(uint64_t va, uint64_t end, int fill)
{
	char *page = early_page();
	uint64_t *shared = early_page();
	uint64_t pa = direct_to_mfn(page).raw << PAGE_SHIFT;
	uint64_t e = pa | PTE_P | PTE_A | PTE_NX;

	memset(page, fill, PAGE_SIZE);
	for (unsigned int i = 0; i < 512; i++)
		shared[i] = e;
	while (va < end) {
		uint64_t *l2 = map_l2(hv_l4_template, va);
		uint64_t *entry = &l2[va >> 21 & 511];

		if (!(va & (UNIT - 1)) && end - va >= UNIT) {
			*entry = mfn_pte(direct_to_mfn(shared).raw, PTE_TABLE);
			va += UNIT;
			continue;
		}
		if (hv_map(hv_l4_template, va, pa, PAGE_SIZE, e & ~PTE_ADDRESS))
			panic("mm: out of memory for tables");
		va += PAGE_SIZE;
	}
}

/* An array at @base of @size bytes a frame, @fill where there is RAM. */
static void array_map(uint64_t base, uint64_t size, int fill, int hole)
{
	uint64_t at = 0; /* bytes of memory */

	for (unsigned int i = 0; i < nr_spans; i++) {
		uint64_t va = base + (spans[i].start >> PAGE_SHIFT) * size;
		uint64_t bytes =
			((spans[i].end - spans[i].start) >> PAGE_SHIFT) * size;
		uint64_t pa = early_block(bytes);

		map_hole(base + (at >> PAGE_SHIFT) * size, va, hole);
		map_checked(va, pa, bytes);
		memset((void *)va, fill, bytes);
		at = spans[i].end;
	}
}

/* A second L3 for the machine-to-physical table, without write access. */
static void guest_m2p_build(void)
{
	uint64_t *l3 = direct_map(
		mfn_of(pte_mfn(hv_l4_template[M2P_BASE >> 39 & 511])));

	guest_m2p_l3 = early_page();
	for (unsigned int i = 0; i < 512; i++)
		guest_m2p_l3[i] = l3[i] & ~PTE_RW;
}

static void frames_mark(uint64_t start, uint64_t end, uint64_t state)
{
	uint64_t last = end >> PAGE_SHIFT;

	for (uint64_t m = start >> PAGE_SHIFT; m < last; m++)
		if (frame_table[m].state)
			frame_table[m].state = state;
}

static void give(uint64_t start, uint64_t end)
{
	start = ROUND_UP(start, PAGE_SIZE);
	end = ROUND_DOWN(end, PAGE_SIZE);
	if (start >= end)
		return;
	frames_mark(start, end, FS_RAM);
	heap_add(start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT);
}

/* Give what of [start, end) is in none of the busy ranges. */
static void give_free(uint64_t start, uint64_t end,
		      const struct mem_range *busy, unsigned int nr)
{
	while (start < end) {
		uint64_t stop = end, next = end;

		for (unsigned int i = 0; i < nr; i++) {
			if (busy[i].end <= start || busy[i].start >= stop)
				continue;
			stop = max(busy[i].start, start);
			next = busy[i].end;
		}
		give(start, stop);
		start = stop == end ? end : next;
	}
}

static void ram_mark(const struct mem_range *ram, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t m = ROUND_UP(ram[i].start, PAGE_SIZE) >> PAGE_SHIFT;

		for (; m < ram[i].end >> PAGE_SHIFT; m++) {
			frame_table[m].state = FS_RAM | FS_HV;
			nr_total++;
		}
	}
}

void mm_boot(const struct mem_range *ram, unsigned int nr_ram,
	     const struct mem_range *busy, unsigned int nr_busy)
{
	struct mem_range all[MAX_SPANS];
	struct cpuid_regs r = cpuid(0x80000000, 0);

	mm_phys_limit = 1ull << (36 - PAGE_SHIFT);
	if (r.a >= 0x80000008)
		mm_phys_limit =
			1ull << ((cpuid(0x80000008, 0).a & 0xff) - PAGE_SHIFT);
	spans_build(ram, nr_ram);
	early_init(ram, nr_ram, busy, nr_busy, arrays_size());
	map_page_alloc = early_page;
	array_map(FRAMES_BASE, sizeof(struct frame), 0, 0);
	array_map(M2P_BASE, sizeof(uint64_t), 0xff, 0xff);
	/* CPUs copy the slots: the L3 of each is made now. */
	map_l2(hv_l4_template, IOMAP_BASE);
	guest_m2p_build();
	map_page_alloc = map_page_from_heap;
	ram_mark(ram, nr_ram);
	BUG_ON(nr_busy + 3 > MAX_SPANS);
	memcpy(all, busy, nr_busy * sizeof(*busy));
	all[nr_busy++] = (struct mem_range){early.low, early.bump};
	all[nr_busy++] = (struct mem_range){early.bump_end, early.end};
	all[nr_busy++] = (struct mem_range){0, PAGE_SIZE};
	for (unsigned int i = 0; i < nr_ram; i++)
		give_free(ram[i].start, ram[i].end, all, nr_busy);
	log_info("mm: memory is ready, frames=%llu free=%llu",
		 (unsigned long long)nr_total,
		 (unsigned long long)mm_free_frames());
}

void mm_boot_release(struct mem_range range)
{
	give(range.start, range.end);
}
