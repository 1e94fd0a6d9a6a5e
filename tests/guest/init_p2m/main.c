/* SPDX-License-Identifier: MIT */
/*
 * A kernel that wants its frame list at an address of its own, and its initrd
 * by number and not mapped: as Linux asks for both.
 */
#include "tests/guest/lib/guest.h"

#define P2M_BASE 0xffff880000000000
#define MODULE   "tests/guest/init_p2m/main.c"

ELFNOTE(XEN_ELFNOTE_INIT_P2M, ".quad 0xffff880000000000");
ELFNOTE(XEN_ELFNOTE_MOD_START_PFN, ".quad 1");
ELFNOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, ".quad 0x8800");

static void the_list_is_where_it_was_wanted(void)
{
	const uint64_t *list = (const uint64_t *)P2M_BASE;
	uint64_t pfn, wrong = 0;

	CHECK_EQ(start_info->mfn_list, P2M_BASE);
	for (pfn = 0; pfn < start_info->nr_pages; pfn++)
		wrong += mfn_to_pfn(list[pfn]) != pfn;
	CHECK_EQ(wrong, 0);
	CHECK(start_info->nr_p2m_frames >= start_info->nr_pages / 512);
	CHECK_EQ(probe_write(P2M_BASE).vector, -1);
}

/* An entry of a table that the boot mapping does not show. */
static uint64_t entry_of(uint64_t table_mfn, uint64_t va, unsigned int level)
{
	static uint64_t window[512] __attribute__((aligned(4096)));

	CHECK_EQ(HYPERVISOR_update_va_mapping(
			 P(window), table_mfn * PAGE_SIZE | PTE_P, UVMF_INVLPG),
		 0);
	return window[(va >> (12 + 9 * (level - 1))) % 512];
}

/* Its frames, and those of the tables that map it, lie where it is said. */
static void its_frames_are_told(void)
{
	uint64_t first = start_info->first_p2m_pfn;
	uint64_t end = first + start_info->nr_p2m_frames, va, pfn;
	uint64_t size = start_info->nr_pages * 8;

	for (va = P2M_BASE; va < P2M_BASE + size; va += PAGE_SIZE) {
		uint64_t mfn = va_to_mfn(kernel_root());
		unsigned int level;

		for (level = 4; level >= 1; level--) {
			uint64_t entry = entry_of(mfn, va, level);

			if (!CHECKF(entry & PTE_P, "level %u", level))
				return;
			mfn = (entry & PTE_ADDR) / PAGE_SIZE;
			pfn = mfn_to_pfn(mfn);
			if (!CHECKF(pfn >= first && pfn < end, "pfn %#lx", pfn))
				return;
		}
	}
	CHECK_EQ(probe_read(P2M_BASE + ((size + PAGE_SIZE - 1) & ~0xffful))
			 .vector,
		 VEC_PF);
}

static void the_module_is_told_by_number(void)
{
	uint8_t *window = page_alloc();
	static const char head[] = "/* SPDX-License-Identifier: MIT */";

	CHECK(start_info->flags & SIF_MOD_START_PFN);
	CHECK(start_info->mod_len > 100);
	if (!CHECK(start_info->mod_start < start_info->nr_pages))
		return;
	CHECK_EQ(HYPERVISOR_update_va_mapping(
			 P(window),
			 ((const uint64_t *)P2M_BASE)[start_info->mod_start] *
					 PAGE_SIZE |
				 PTE_KERNEL,
			 UVMF_INVLPG),
		 0);
	CHECK(!strncmp((char *)window, head, sizeof(head) - 1));
	CHECK_EQ(page_set(window, PTE_KERNEL), 0);
}

RUN("module=" MODULE);

const struct test tests[] = {
	{"the frame list is where it was wanted",
	 the_list_is_where_it_was_wanted},
	{"its frames are told", its_frames_are_told},
	{"the initrd is told by number", the_module_is_told_by_number},
	{},
};
