/* SPDX-License-Identifier: MIT */
/*
 * One processor's memory: the pages of its window and the two roots that show
 * them, the hypervisor's and the copy of the running guest's.
 */
#include <pv/version.h>

#include "hv/cpu/asm.h"
#include "hv/cpu/desc.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"
#include "hv/mm/mm.h"
#include "hv/smp/smp.h"

#define SLOT_M2P   256
#define SLOT_IMAGE 271
#define TABLE_ON   (PTE_P | PTE_RW | PTE_A)
#define PAGE_RO    (PTE_P | PTE_A | PTE_D | PTE_NX)
#define PAGE_ON    (PAGE_RO | PTE_RW)

extern uint64_t boot_l3[512];

static uint64_t pa_of(const void *direct)
{
	return mfn_raw(direct_to_mfn(direct)) << PAGE_SHIFT;
}

/* A zeroed page, or the end: CPUs are made at boot only. */
static void *page(void)
{
	void *p = heap_alloc(0);

	if (!p)
		panic("smp: no memory for a CPU's pages");
	return p;
}

static void map(uint64_t *pt, uint64_t va, const void *direct, uint64_t flags)
{
	pt[(va - WINDOW_BASE) >> PAGE_SHIFT] = pa_of(direct) | flags;
}

/* Pages that both views have; what the guest may not write is read-only in
 * both, its writer uses the direct map. */
static void map_shared(struct cpu *c, uint64_t va, const void *direct,
		       uint64_t flags)
{
	map(c->window_pt, va, direct, flags);
	map(c->hv_window_pt, va, direct, flags);
}

static void map_stack(struct cpu *c, uint64_t bottom, uint64_t top)
{
	for (uint64_t va = bottom; va < top; va += PAGE_SIZE)
		map(c->hv_window_pt, va, page(), PAGE_ON);
}

static void make_tables(struct cpu *c)
{
	char *tail = page(), *stack_top;

	c->gdt_tail = (uint64_t *)tail;
	gdt_tail_build(c->gdt_tail);
	tss_build((struct tss *)(tail + (WIN_TSS & ~PAGE_MASK)));
	c->tconst = (struct tramp_const *)(tail + (WIN_CONST & ~PAGE_MASK));
	c->tconst->version = PV_VERSION_MAJOR << 16 | PV_VERSION_MINOR;
	map_shared(c, WIN_TAIL, tail, PAGE_RO);
	map_shared(c, WIN_STACK, page(), PAGE_ON);
	for (unsigned int n = 1; n <= 4; n++)
		map_shared(c, WIN_IST_TOP(n) - PAGE_SIZE, page(), PAGE_ON);
	stack_top = (char *)c - (WIN_CPU & ~PAGE_MASK);
	map_stack(c, WIN_HVSTACK, WIN_HVSTACK_END - PAGE_SIZE);
	map(c->hv_window_pt, WIN_HVSTACK_END - PAGE_SIZE, stack_top, PAGE_ON);
	map_stack(c, WIN_NMISTACK, WIN_NMISTACK_TOP);
}

/* Slot 271 of a root: @l3 with the image's tables and the CPU's window. */
static uint64_t make_slot(uint64_t *l3, const uint64_t *image,
			  uint64_t *window_pt)
{
	uint64_t *l2 = page();

	l3[IMAGE_BASE >> 30 & 511] = ((uint64_t)image - IMAGE_BASE) | TABLE_ON;
	l3[WINDOW_BASE >> 30 & 511] = pa_of(l2) | TABLE_ON;
	l2[0] = pa_of(window_pt) | TABLE_ON;
	return pa_of(l3) | TABLE_ON;
}

static void make_roots(struct cpu *c)
{
	uint64_t *l4 = page(), *l3 = page();

	memcpy(l4, hv_l4_template, PAGE_SIZE);
	l4[0] = 0; /* the boot's identity map */
	memcpy(l3, boot_l3, PAGE_SIZE);
	l4[SLOT_IMAGE] = make_slot(l3, image_l2, c->hv_window_pt);
	c->hv_cr3 = pa_of(l4);
	c->root_copy = page();
	c->root_copy[SLOT_M2P] = mm_m2p_l3() | PTE_P | PTE_A | PTE_NX;
	c->root_copy[SLOT_IMAGE] = make_slot(page(), tramp_l2, c->window_pt);
	c->guest_cr3 = pa_of(c->root_copy);
	memcpy(c->guest_slots, c->root_copy + RESERVED_FIRST_SLOT,
	       sizeof(c->guest_slots));
	c->tconst->hv_cr3 = c->hv_cr3;
	c->tconst->enter_cr3 = c->hv_cr3;
}

struct cpu *cpu_create(uint32_t apic_id)
{
	/* The last page of its C stack ends with it. */
	struct cpu *c = (struct cpu *)((char *)page() + (WIN_CPU & ~PAGE_MASK));

	_Static_assert(sizeof(*c) <= WIN_HVSTACK_END - WIN_CPU,
		       "a struct cpu fits above its stack");
	BUG_ON(nr_cpus >= MAX_CPUS);
	c->id = nr_cpus;
	c->apic_id = apic_id;
	c->self = c;
	spin_lock_init(&c->root_lock, RUNG_ROOT);
	c->window_pt = page();
	c->hv_window_pt = page();
	make_tables(c);
	make_roots(c);
	cpus[nr_cpus] = c;
	return c;
}

void cpu_enter(struct cpu *c)
{
	write_cr3(c->hv_cr3);
	desc_load_cpu(c);
	control_registers_load();
}
