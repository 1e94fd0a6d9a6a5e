/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own address space: the image with the least rights that
 * serve, all of RAM at DIRECT_BASE, nothing executable but text.  No entry is
 * global: what is mapped here must not outlive the load of a guest's root.
 */
#include "hv/smp/smp.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/lib/bug.h"
#include "hv/mm/mm.h"

#define IMAGE_TABLES 4 /* of 2 MiB each */
#define L2_SPAN      (1ull << 21)
#define L3_SPAN      (1ull << 30)
#define L3_DIRECT    (DIRECT_BASE >> 30 & 511)
#define BOOT_SPAN    (4 * L3_SPAN) /* what head.S mapped */

extern char image_start[], image_end[], text_end[];
extern char rodata_end[], tramp_text_start[], tramp_text_end[];
extern char tramp_idt_start[], tramp_idt_end[];
extern uint64_t boot_l3[512], boot_l2[4 * 512];

uint64_t image_l2[512] ALIGNED(4096), tramp_l2[512] ALIGNED(4096);
static uint64_t image_l1[IMAGE_TABLES][512] ALIGNED(4096);
static uint64_t tramp_l1[IMAGE_TABLES][512] ALIGNED(4096);

static uint64_t image_pa(const void *p)
{
	return (uint64_t)p - IMAGE_BASE;
}

static bool within(const char *p, const char *start, const char *end)
{
	return p >= start && p < end;
}

static uint64_t image_rights(const char *page)
{
	if (within(page, image_start, text_end))
		return PTE_P | PTE_A;
	if (within(page, text_end, rodata_end) ||
	    within(page, tramp_idt_start, tramp_idt_end))
		return PTE_P | PTE_A | PTE_NX;
	return PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
}

static void map_image(void)
{
	for (char *p = image_start; p < image_end; p += PAGE_SIZE) {
		uint64_t pa = image_pa(p);
		unsigned int table =
			pa / L2_SPAN - image_pa(image_start) / L2_SPAN;
		unsigned int slot = pa >> PAGE_SHIFT & 511;

		BUG_ON(table >= IMAGE_TABLES);
		image_l2[pa / L2_SPAN] =
			image_pa(image_l1[table]) | PTE_P | PTE_RW | PTE_A;
		image_l1[table][slot] = pa | image_rights(p);
		if (!within(p, tramp_text_start, tramp_text_end) &&
		    !within(p, tramp_idt_start, tramp_idt_end))
			continue;
		tramp_l2[pa / L2_SPAN] =
			image_pa(tramp_l1[table]) | PTE_P | PTE_A;
		tramp_l1[table][slot] = pa | image_rights(p);
	}
	boot_l3[0] = image_pa(image_l2) | PTE_P | PTE_RW | PTE_A;
}

static void map_direct_gib(uint64_t pa, void *(*page)(void))
{
	const uint64_t leaf = PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_NX;
	uint64_t *l2;

	if (features.pages_1g) {
		boot_l3[L3_DIRECT + pa / L3_SPAN] = pa | leaf;
		return;
	}
	l2 = page();
	for (unsigned int i = 0; i < 512; i++)
		l2[i] = (pa + i * L2_SPAN) | leaf;
	boot_l3[L3_DIRECT + pa / L3_SPAN] = mfn_raw(direct_to_mfn(l2))
						    << PAGE_SHIFT |
					    PTE_P | PTE_RW | PTE_A;
}

void paging_boot(uint64_t end, void *(*page)(void))
{
	map_image(); /* also at 0, where processors that start need it */
	write_cr3(read_cr3());
	for (unsigned int i = 0; i < 4 * 512; i++)
		boot_l2[i] |= PTE_NX;
	end = min(end, DIRECT_END - DIRECT_BASE);
	for (uint64_t pa = BOOT_SPAN; pa < end; pa += L3_SPAN)
		map_direct_gib(pa, page);
	write_cr3(read_cr3());
}
