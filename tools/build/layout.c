/* SPDX-License-Identifier: MIT */
/*
 * The layout of a guest's first memory, its start info and first registers.
 *
 * PURE  Nothing here touches a domain: tests/build checks it for kernels of
 * all shapes, and for sizes that no one wants.
 */
#include "tools/build/layout.h"

#include <stdio.h>
#include <string.h>

#define SPARE        (512ull << 10)
#define ROUND        (4ull << 20)
#define PAGES(bytes) (((bytes) + PV_PAGE_SIZE - 1) >> PV_PAGE_SHIFT)
#define RFLAGS_IF    0x200

/* Page tables below the top one that map [start, end). */
static uint64_t lower_tables(uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (unsigned int shift = 39; shift >= 21; shift -= 9)
		n += ((end - 1) >> shift) - (start >> shift) + 1;
	return n;
}

/* Tables map themselves: add some until they suffice. */
static bool plan_tables(struct layout *l, uint64_t pfn)
{
	uint64_t need = 1, end;

	l->tables_pfn = pfn;
	do {
		l->nr_tables = need;
		l->stack_pfn = pfn + l->nr_tables;
		end = layout_va(l, l->stack_pfn + 1) + SPARE;
		l->end_va = (end + ROUND - 1) & ~(ROUND - 1);
		if (!kernel_address_ok(l->virt_base, l->end_va))
			return false;
		need = 1 + lower_tables(l->virt_base, l->end_va);
	} while (need > l->nr_tables);
	return true;
}

static bool plan_list_apart(struct layout *l, const struct kernel *k,
			    uint64_t *pfn)
{
	uint64_t start = k->init_p2m;
	uint64_t end = start + (l->list_frames << PV_PAGE_SHIFT);

	if (!kernel_address_ok(start, end) ||
	    (start < l->end_va && l->virt_base < end))
		return false;
	l->list_va = start;
	l->list_pfn = *pfn;
	l->list_tables_pfn = *pfn + l->list_frames;
	l->nr_list_tables = lower_tables(start, end);
	*pfn = l->list_tables_pfn + l->nr_list_tables;
	return true;
}

/* The mapped part up to the page tables; returns the next pfn. */
static uint64_t plan_mapped(struct layout *l, const struct kernel *k)
{
	uint64_t pfn = k->pa_end >> PV_PAGE_SHIFT;

	if (!k->initrd_by_pfn) {
		l->initrd_pfn = pfn;
		pfn += PAGES(l->initrd_bytes);
	}
	if (!k->has_init_p2m) {
		l->list_pfn = pfn;
		l->list_va = layout_va(l, pfn);
		pfn += l->list_frames;
	}
	l->start_info_pfn = pfn++;
	l->store_pfn = pfn++;
	l->console_pfn = pfn++;
	return pfn;
}

enum layout_error layout_plan(struct layout *l, const struct kernel *k,
			      uint64_t nr_frames, uint64_t initrd_bytes)
{
	uint64_t pfn;

	memset(l, 0, sizeof(*l));
	l->nr_frames = nr_frames;
	l->virt_base = k->virt_base;
	l->initrd_bytes = initrd_bytes;
	l->list_frames = PAGES(nr_frames * sizeof(uint64_t));
	if (nr_frames > LAYOUT_FRAMES_MAX ||
	    initrd_bytes > LAYOUT_FRAMES_MAX << PV_PAGE_SHIFT)
		return LAYOUT_TOO_LARGE;
	pfn = plan_mapped(l, k);
	if (!plan_tables(l, pfn))
		return LAYOUT_ADDRESS;
	pfn = (l->end_va - l->virt_base) >> PV_PAGE_SHIFT;
	if (k->initrd_by_pfn) {
		l->initrd_pfn = pfn;
		pfn += PAGES(initrd_bytes);
	}
	if (k->has_init_p2m && !plan_list_apart(l, k, &pfn))
		return LAYOUT_LIST_ADDRESS;
	l->frames_used = pfn;
	return pfn > nr_frames ? LAYOUT_NO_ROOM : LAYOUT_OK;
}

void layout_start_info(struct pv_start_info *si, const struct layout *l,
		       const struct kernel *k, const struct layout_rings *rings,
		       uint64_t shared_info_mfn, const char *cmdline)
{
	memset(si, 0, sizeof(*si));
	snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
	si->nr_pages = l->nr_frames;
	si->shared_info = shared_info_mfn << PV_PAGE_SHIFT;
	si->flags = SIF_VIRT_P2M_4TOOLS;
	si->store_mfn = rings->store_mfn;
	si->store_evtchn = rings->store_port;
	si->console.domU.mfn = rings->console_mfn;
	si->console.domU.evtchn = rings->console_port;
	si->pt_base = layout_va(l, l->tables_pfn);
	si->nr_pt_frames = l->nr_tables;
	si->mfn_list = l->list_va;
	if (l->initrd_bytes) {
		si->mod_start = k->initrd_by_pfn ? l->initrd_pfn
						 : layout_va(l, l->initrd_pfn);
		si->mod_len = l->initrd_bytes;
		si->flags |= k->initrd_by_pfn ? SIF_MOD_START_PFN : 0;
	}
	if (l->nr_list_tables) {
		si->first_p2m_pfn = l->list_pfn;
		si->nr_p2m_frames = l->list_frames + l->nr_list_tables;
	}
	snprintf(si->cmd_line, sizeof(si->cmd_line), "%s", cmdline);
}

void layout_context(struct pv_vcpu_guest_context *c, const struct layout *l,
		    const struct kernel *k, uint64_t root_mfn)
{
	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = k->entry;
	c->user_regs.rsi = layout_va(l, l->start_info_pfn);
	c->user_regs.rsp = layout_va(l, l->stack_pfn + 1);
	c->user_regs.rflags = RFLAGS_IF;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = root_mfn << PV_PAGE_SHIFT;
}
