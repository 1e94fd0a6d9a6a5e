/* SPDX-License-Identifier: MIT */
/*
 * The state in which a domain starts: start info, frame list, boot mapping.
 */
#include "tests/guest/lib/guest.h"

static void page_is_told(void)
{
	CHECK(P(start_info) % PAGE_SIZE == 0);
	CHECKF(!strncmp(start_info->magic, "xen-", 4), "%.*s", 32,
	       start_info->magic);
	CHECK(start_info->nr_pages > 1024);
	CHECK(start_info->shared_info % PAGE_SIZE == 0);
	CHECK(start_info->flags & SIF_PRIVILEGED);
	CHECK(start_info->flags & SIF_INITDOMAIN);
	CHECK(start_info->pt_base % PAGE_SIZE == 0);
	CHECK(start_info->nr_pt_frames >= 4);
}

static void command_line_is_ours(void)
{
	CHECK_EQ(option("answer", 0), 42);
}

static void frame_list_is_the_inverse_of_m2p(void)
{
	uint64_t pfn, wrong = 0;

	for (pfn = 0; pfn < start_info->nr_pages; pfn++)
		if (mfn_to_pfn(pfn_to_mfn(pfn)) != pfn)
			wrong++;
	CHECK_EQ(wrong, 0);
}

static void stack_is_mapped(void)
{
	CHECK(initial_sp > P(start_info));
	CHECK_EQ(probe_write(initial_sp - 8).vector, -1);
}

/* At least 512 KiB lie behind the boot stack, up to a 4 MiB boundary. */
static void padding_is_mapped(void)
{
	uint64_t end = (initial_sp + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	uint64_t *pte;

	for (; end % 0x400000; end += PAGE_SIZE) {
		pte = walk(kernel_root(), end, 1);
		if (!CHECK(pte && *pte & PTE_P))
			return;
	}
}

/* A store that no hypervisor carries out on the guest's behalf. */
static void pop_to(void *at)
{
	__asm__ volatile("pushq $0; popq (%0)" : : "r"(at) : "memory");
}

static void page_tables_are_read_only(void)
{
	uint64_t i, va;
	struct fault f;

	for (i = 0; i < start_info->nr_pt_frames; i++) {
		va = start_info->pt_base + i * PAGE_SIZE;
		if (!CHECK(!(*walk(kernel_root(), va, 1) & PTE_W)))
			break;
	}
	f = probe(pop_to, (void *)(start_info->pt_base + 8 * 256));
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.cr2, start_info->pt_base + 8 * 256);
	CHECK_EQ(f.error, PF_PRESENT | PF_WRITE);
}

static void kernel_is_where_it_was_linked(void)
{
	CHECK_EQ(va_to_mfn(start_info),
		 (*walk(kernel_root(), P(start_info), 1) & PTE_ADDR) / 4096);
}

static void registers_are_clean(void)
{
	CHECK_EQ(read_flags() & (RFLAGS_DF | RFLAGS_NT | RFLAGS_AC), 0);
	CHECK_EQ(read_ss() & ~3, on_parapet() ? 0xe040 : FLAT_KERNEL_SS & ~3);
	CHECK_EQ(read_cs(), on_parapet() ? 0xe039 : FLAT_KERNEL_CS);
}

RUN("args=answer=42");

const struct test tests[] = {
	{"start info names memory, tables and rights", page_is_told},
	{"the command line arrives", command_line_is_ours},
	{"frame list and machine-to-physical table agree",
	 frame_list_is_the_inverse_of_m2p},
	{"the boot stack is mapped", stack_is_mapped},
	{"the boot mapping is padded to 4 MiB", padding_is_mapped},
	{"page tables are mapped read-only", page_tables_are_read_only},
	{"pseudo-physical addresses are contiguous",
	 kernel_is_where_it_was_linked},
	{"flags and selectors are those of a kernel", registers_are_clean},
	{},
};
