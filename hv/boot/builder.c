/* SPDX-License-Identifier: MIT */
/*
 * The control domain's start of day.
 *
 * In the kernel's virtual addresses, from virt_base on:
 *
 *   kernel image | initrd* | frame list* | start info | page tables | stack
 *
 * (* only if the kernel's notes do not ask for them elsewhere), all mapped up
 * to a 4 MiB boundary with at least 512 KiB to spare.  Behind the mapped part,
 * by pseudo-physical number: the initrd, then the frame list with the tables
 * that map it.  The memory of the boot modules is handed out to the domain
 * after they have been copied, so the first frames come first and the rest
 * follows.
 */
#include "hv/boot/boot.h"
#include <pv/errno.h>
#include <pv/start_info.h>

#include "hv/control/control.h"
#include "hv/cpu/asm.h"
#include "hv/lib/bug.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"

#define MAX_RUNS      256
#define SPARE         (512ull << 10)
#define MAP_ROUND     (4ull << 20)
#define TABLE_FLAGS   (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define LEAF_RO       (PTE_P | PTE_A)
#define LEAF_RW       (PTE_P | PTE_RW | PTE_A | PTE_D)
#define PAGES(bytes)  (ROUND_UP((uint64_t)(bytes), PAGE_SIZE) >> PAGE_SHIFT)
#define L1_SPAN       (1ull << 21)
#define P2M_PER_TABLE 512

struct run {
	uint64_t pfn, mfn, count;
};

static struct {
	struct domain *d;
	struct vcpu *v;
	struct elf_kernel elf;
	uint64_t nr_pages; /* of the domain                               */
	struct run runs[MAX_RUNS]; /* of the first part                   */
	unsigned int nr_runs;
	uint64_t first_pages; /* frames of the first part                 */
	/* Virtual addresses of the mapped part. */
	uint64_t initrd_va, p2m_va, start_info_va, tables_va, stack_va, end_va;
	/* Pseudo-physical numbers. */
	uint64_t initrd_pfn, p2m_pfn;
	uint64_t nr_tables, tables_used; /* of the mapped part            */
	uint64_t p2m_frames; /* frame list, and its tables if apart       */
	uint64_t p2m_tables_used;
} b;

static uint64_t va_to_pfn(uint64_t va)
{
	return (va - b.elf.virt_base) >> PAGE_SHIFT;
}

static uint64_t pfn_to_mfn(uint64_t pfn)
{
	for (unsigned int i = 0; i < b.nr_runs; i++)
		if (pfn - b.runs[i].pfn < b.runs[i].count)
			return b.runs[i].mfn + (pfn - b.runs[i].pfn);
	BUG();
}

static void *pfn_page(uint64_t pfn)
{
	return direct_map(mfn_of(pfn_to_mfn(pfn)));
}

/* Copy to (or, from NULL, clear) the domain's pseudo-physical memory. */
static void fill(uint64_t pa, const void *from, uint64_t n)
{
	while (n) {
		uint64_t at = pa & ~PAGE_MASK, part = min(n, PAGE_SIZE - at);
		char *to = (char *)pfn_page(pa >> PAGE_SHIFT) + at;

		if (from) {
			memcpy(to, from, part);
			from = (const char *)from + part;
		} else {
			memset(to, 0, part);
		}
		pa += part;
		n -= part;
	}
}

/* ---- layout ------------------------------------------------------------------ */
static uint64_t tables_for(uint64_t start, uint64_t end)
{
	uint64_t n = 1; /* L4 */

	for (unsigned int shift = 39; shift >= 21; shift -= 9)
		n += ((end - 1) >> shift) - (start >> shift) + 1;
	return n;
}

static void plan_mapped(const struct control_plan *plan)
{
	uint64_t va = ROUND_UP(b.elf.virt_end, PAGE_SIZE);
	uint64_t p2m_bytes = b.nr_pages * sizeof(uint64_t);

	if (!b.elf.mod_start_pfn) {
		b.initrd_va = va;
		va += PAGES(plan->initrd.size) << PAGE_SHIFT;
	}
	if (!b.elf.has_init_p2m) {
		b.p2m_va = va;
		b.p2m_pfn = va_to_pfn(va);
		b.p2m_frames = PAGES(p2m_bytes);
		va += b.p2m_frames << PAGE_SHIFT;
	}
	b.start_info_va = va;
	b.tables_va = va + PAGE_SIZE;
	for (b.nr_tables = 4;; b.nr_tables++) {
		b.stack_va = b.tables_va + (b.nr_tables << PAGE_SHIFT);
		b.end_va = ROUND_UP(b.stack_va + PAGE_SIZE + SPARE, MAP_ROUND);
		if (tables_for(b.elf.virt_base, b.end_va) <= b.nr_tables)
			break;
	}
}

static void plan_rest(const struct control_plan *plan)
{
	uint64_t pfn = va_to_pfn(b.end_va), list;

	if (b.elf.mod_start_pfn && plan->initrd.size) {
		b.initrd_pfn = pfn;
		pfn += PAGES(plan->initrd.size);
	}
	if (b.elf.has_init_p2m) {
		list = PAGES(b.nr_pages * sizeof(uint64_t));
		b.p2m_va = b.elf.init_p2m;
		b.p2m_pfn = pfn;
		b.p2m_frames =
			list +
			tables_for(b.p2m_va, b.p2m_va + (list << PAGE_SHIFT)) -
			1; /* the L4 is there */
		pfn += b.p2m_frames;
	}
	b.first_pages = pfn;
}

/* ---- memory ------------------------------------------------------------------- */
static bool take_first(void)
{
	uint64_t pfn = 0;
	mfn_t mfn;

	while (pfn < b.first_pages) {
		uint64_t n = domain_run_alloc(b.d, b.first_pages - pfn, &mfn);

		if (!n || b.nr_runs == MAX_RUNS)
			return false;
		b.runs[b.nr_runs++] = (struct run){pfn, mfn_raw(mfn), n};
		pfn += n;
	}
	return true;
}

static void set_p2m(uint64_t pfn, uint64_t mfn, uint64_t n)
{
	while (n) {
		uint64_t *list = pfn_page(b.p2m_pfn + pfn / P2M_PER_TABLE);
		uint64_t at = pfn % P2M_PER_TABLE;

		for (; at < P2M_PER_TABLE && n; at++, n--, pfn++, mfn++) {
			list[at] = mfn;
			m2p_set(mfn_of(mfn), pfn);
		}
	}
}

/* The frames that the list has no room to name yet: all after the first. */
static bool take_rest(void)
{
	uint64_t pfn = b.first_pages;
	mfn_t mfn;

	for (unsigned int i = 0; i < b.nr_runs; i++)
		set_p2m(b.runs[i].pfn, b.runs[i].mfn, b.runs[i].count);
	while (pfn < b.nr_pages) {
		uint64_t n = domain_run_alloc(b.d, b.nr_pages - pfn, &mfn);

		if (!n)
			return false;
		set_p2m(pfn, mfn_raw(mfn), n);
		pfn += n;
	}
	return true;
}

/* ---- contents ------------------------------------------------------------------ */
static void load_kernel(const struct blob *image)
{
	for (unsigned int i = 0; i < b.elf.nr_segments; i++) {
		const struct elf_segment *s = &b.elf.segment[i];
		uint64_t pa = s->virt - b.elf.virt_base;

		fill(pa, (const char *)image->data + s->offset, s->file_size);
		fill(pa + s->file_size, NULL, s->mem_size - s->file_size);
	}
}

static void load_initrd(const struct blob *initrd)
{
	uint64_t pfn =
		b.elf.mod_start_pfn ? b.initrd_pfn : va_to_pfn(b.initrd_va);

	if (initrd->size)
		fill(pfn << PAGE_SHIFT, initrd->data, initrd->size);
}

static void fill_start_info(const struct control_plan *plan)
{
	struct pv_start_info *si = pfn_page(va_to_pfn(b.start_info_va));

	memset(si, 0, PAGE_SIZE);
	snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
	si->nr_pages = b.nr_pages;
	si->shared_info = mfn_raw(b.d->shared_info_mfn) << PAGE_SHIFT;
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = b.tables_va;
	si->nr_pt_frames = b.nr_tables;
	si->mfn_list = b.p2m_va;
	if (plan->initrd.size) {
		si->mod_start = b.initrd_va;
		si->mod_len = plan->initrd.size;
	}
	if (plan->initrd.size && b.elf.mod_start_pfn) {
		si->mod_start = b.initrd_pfn;
		si->flags |= SIF_MOD_START_PFN;
	}
	if (b.elf.has_init_p2m) {
		si->first_p2m_pfn = b.p2m_pfn;
		si->nr_p2m_frames = b.p2m_frames;
	}
	snprintf(si->cmd_line, sizeof(si->cmd_line), "%s", plan->cmdline);
}

/* ---- page tables ---------------------------------------------------------------- */
/* The next table page of the mapped part, or of the frame list's. */
static uint64_t new_table(bool for_p2m)
{
	uint64_t list = PAGES(b.nr_pages * sizeof(uint64_t)), pfn;

	if (for_p2m)
		pfn = b.p2m_pfn + list + b.p2m_tables_used++;
	else
		pfn = va_to_pfn(b.tables_va) + b.tables_used++;
	memset(pfn_page(pfn), 0, PAGE_SIZE);
	return pfn_to_mfn(pfn);
}

static void map(uint64_t l4_mfn, uint64_t va, uint64_t mfn, uint64_t flags,
		bool for_p2m)
{
	uint64_t *table = direct_map(mfn_of(l4_mfn)), *e;

	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		e = &table[va >> shift & 511];
		if (!*e)
			*e = new_table(for_p2m) << PAGE_SHIFT | TABLE_FLAGS;
		table = direct_map(mfn_of((*e & PTE_ADDRESS) >> PAGE_SHIFT));
	}
	table[va >> 12 & 511] = mfn << PAGE_SHIFT | flags;
}

static mfn_t make_tables(void)
{
	uint64_t l4 = new_table(false);
	uint64_t tables_end = b.tables_va + (b.nr_tables << PAGE_SHIFT);
	uint64_t list = PAGES(b.nr_pages * sizeof(uint64_t));

	/* Tables that end up unused are blank pages, mapped like the used. */
	for (uint64_t i = b.tables_used; i < b.nr_tables; i++)
		memset(pfn_page(va_to_pfn(b.tables_va) + i), 0, PAGE_SIZE);
	for (uint64_t va = b.elf.virt_base; va < b.end_va; va += PAGE_SIZE)
		map(l4, va, pfn_to_mfn(va_to_pfn(va)),
		    va >= b.tables_va && va < tables_end ? LEAF_RO : LEAF_RW,
		    false);
	for (uint64_t i = 0; b.elf.has_init_p2m && i < list; i++)
		map(l4, b.p2m_va + (i << PAGE_SHIFT), pfn_to_mfn(b.p2m_pfn + i),
		    LEAF_RW, true);
	return mfn_of(l4);
}

static void set_registers(void)
{
	struct vcpu *v = b.v;

	v->regs = (struct cpu_regs){
		.rip = b.elf.entry,
		.rsi = b.start_info_va,
		.rsp = b.stack_va + PAGE_SIZE,
		.rflags = RFLAGS_IF | RFLAGS_FIX,
		.cs = SEL_RING1_CS,
		.ss = SEL_RING1_SS,
	};
	v->tramp.kernel_mode = 1;
	v->tramp.kernel_sp = v->regs.rsp;
	v->initialised = true;
}

static const char *make_root(void)
{
	mfn_t l4 = make_tables();
	int rc;

	do
		rc = frame_pin(l4, b.d, FT_L4);
	while (rc == -ERESTART);
	if (rc)
		return "boot page tables are refused";
	do
		rc = root_set(b.v, l4);
	while (rc == -ERESTART);
	return rc ? "the boot root is refused" : NULL;
}

static const char *check(const struct control_plan *plan)
{
	enum elf_error err;

	err = elf_parse(plan->kernel.data, plan->kernel.size, &b.elf);
	if (err)
		return elf_error_text(err);
	b.nr_pages = plan->nr_pages;
	plan_mapped(plan);
	plan_rest(plan);
	if (b.first_pages + 1024 > b.nr_pages)
		return "too little memory for the kernel, its initrd and tables";
	return NULL;
}

const char *control_domain_build(const struct control_plan *plan)
{
	const char *why = check(plan);

	if (why)
		return why;
	b.d = domain_construct(&(struct domain_plan){
		.privileged = true,
		.max_vcpus = plan->vcpus,
		.max_frames = plan->nr_pages,
	});
	if (!b.d)
		return "no memory for the control domain's structures";
	control_domain = b.d;
	b.d->mm.mmio = true;
	b.d->mm.root_shared = plan->root_shared;
	b.v = b.d->vcpu[0];
	if (!take_first())
		return "no memory for the kernel, its initrd and tables";
	load_kernel(&plan->kernel);
	load_initrd(&plan->initrd);
	plan->release();
	if (!take_rest())
		return "the memory that was free is not";
	if (b.elf.has_hypercall_page)
		hypercall_page_fill(pfn_page(va_to_pfn(b.elf.hypercall_page)));
	fill_start_info(plan);
	why = make_root();
	if (why)
		return why;
	set_registers();
	log_info("boot: d0 built, kernel=%s vcpus=%u pages=%lu entry=%#lx",
		 b.elf.guest_os, plan->vcpus, b.nr_pages, b.elf.entry);
	return NULL;
}
