/* SPDX-License-Identifier: MIT */
/*
 * Where everything lies in a guest's memory on its first day (ABI.md 3.2).
 *
 *	va   virt_base                                                  end
 *	     kernel | initrd* | frame list* | start info | store | console |
 *	     page tables | stack | at least 512 KiB ... to a 4 MiB boundary
 *	pfn  0 ... end | initrd** | frame list** | its tables**
 *
 * (*) unless the kernel takes them elsewhere: then (**), behind the rest, the
 * list mapped at the kernel's INIT_P2M.
 */
#ifndef TOOLS_BUILD_LAYOUT_H
#define TOOLS_BUILD_LAYOUT_H

#include "tools/build/kernel.h"

#include <pv/arch-x86.h>
#include <pv/memory.h>
#include <pv/start_info.h>

/* Frames of a guest at most: 1 TiB. */
#define LAYOUT_FRAMES_MAX (1ull << 28)

struct layout {
	uint64_t nr_frames; /* of the guest                          */
	uint64_t virt_base, end_va; /* the mapped part               */
	uint64_t initrd_pfn, initrd_bytes;
	uint64_t list_va, list_pfn, list_frames; /* the frame list   */
	uint64_t start_info_pfn, store_pfn, console_pfn;
	uint64_t tables_pfn, nr_tables; /* the first is the root     */
	uint64_t list_tables_pfn, nr_list_tables; /* 0: in the above */
	uint64_t stack_pfn;
	uint64_t frames_used; /* all that is named here is below     */
};

enum layout_error {
	LAYOUT_OK,
	LAYOUT_TOO_LARGE, /* more frames than LAYOUT_FRAMES_MAX          */
	LAYOUT_NO_ROOM, /* in nr_frames; frames_used says how many it takes */
	LAYOUT_ADDRESS, /* the mapped part leaves the guest's addresses  */
	LAYOUT_LIST_ADDRESS, /* INIT_P2M does, or lies in the mapped part   */
};

/* PURE.  After LAYOUT_NO_ROOM, frames_used is valid too. */
enum layout_error layout_plan(struct layout *l, const struct kernel *k,
			      uint64_t nr_frames, uint64_t initrd_bytes);

static inline uint64_t layout_va(const struct layout *l, uint64_t pfn)
{
	return l->virt_base + pfn * PV_PAGE_SIZE;
}

/* What a guest is told besides its layout. */
struct layout_rings {
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port;
};

/* PURE.  The start info page; cmdline shorter than MAX_GUEST_CMDLINE. */
void layout_start_info(struct pv_start_info *si, const struct layout *l,
		       const struct kernel *k, const struct layout_rings *rings,
		       uint64_t shared_info_mfn, const char *cmdline);
/* PURE.  The first virtual CPU. */
void layout_context(struct pv_vcpu_guest_context *c, const struct layout *l,
		    const struct kernel *k, uint64_t root_mfn);

/*
 * PURE.  The page tables, as the guest will see them: pages[] holds nr_tables
 * and then nr_list_tables zeroed pages, mfn[] the guest's frames by pfn.
 */
void layout_tables(const struct layout *l, const uint64_t *mfn,
		   uint64_t (*pages)[512]);

#endif
