/* SPDX-License-Identifier: MIT */
/* Kernels: a right one in all its parts, and one wrong thing at a time. */
#include <pv/elfnote.h>

#include "hv/boot/elf.h"
#include "tests/unit_boot/image.h"
#include "tests/unit_time/check.h"

static enum elf_error parse(const struct kernel_image *k,
			    struct elf_kernel *out)
{
	/* A copy of exactly its size, so that overreads are seen. */
	void *copy = malloc(sizeof(*k));
	enum elf_error err;

	memcpy(copy, k, sizeof(*k));
	err = elf_parse(copy, sizeof(*k), out);
	free(copy);
	return err;
}

static void a_kernel_is_read_in_all_its_parts(void **state)
{
	struct kernel_image k;
	struct elf_kernel out;

	(void)state;
	kernel_make(&k);
	assert_int_equal(parse(&k, &out), ELF_OK);
	assert_int_equal(out.nr_segments, 4);
	assert_int_equal(out.entry, KERNEL_ENTRY);
	assert_int_equal(out.virt_base, KERNEL_BASE);
	assert_int_equal(out.virt_start, KERNEL_BASE + KERNEL_TEXT);
	assert_int_equal(out.virt_end, KERNEL_BASE + 0x3179000);
	assert_true(out.segment[0].executable && !out.segment[0].writable);
	/* Placed by physical address: its virtual address is 0. */
	assert_int_equal(out.segment[2].virt, KERNEL_BASE + 0x3044000);
	assert_int_equal(out.segment[2].mem_size, 0x35000);
	assert_int_equal(out.segment[2].file_size, 0x100);
	assert_true(out.has_init_p2m && out.init_p2m == 0x8000000000);
	assert_false(out.has_hypercall_page);
	assert_int_equal(out.mod_start_pfn, 1);
	assert_string_equal(out.guest_os, "linux");
	assert_string_equal(out.xen_version, "xen-3.0");
}

static void notes_in_sections_are_the_second_choice(void **state)
{
	struct kernel_image k;
	struct elf_kernel out;

	(void)state;
	kernel_make(&k);
	k.ph[4].p_type = PT_NULL;
	k.sh[2].sh_type = SHT_NOTE;
	k.sh[2].sh_offset = k.ph[4].p_offset;
	k.sh[2].sh_size = k.ph[4].p_filesz;
	assert_int_equal(parse(&k, &out), ELF_OK);
	assert_int_equal(out.entry, KERNEL_ENTRY);
}

static void paddr_offset_moves_the_image(void **state)
{
	struct kernel_image k;
	struct elf_kernel out;

	(void)state;
	kernel_make(&k);
	for (unsigned int i = 0; i < 4; i++) /* as plain linkers do it */
		k.ph[i].p_paddr += KERNEL_BASE;
	kernel_note_number(&k, XEN_ELFNOTE_PADDR_OFFSET, KERNEL_BASE);
	assert_int_equal(parse(&k, &out), ELF_OK);
	assert_int_equal(out.virt_start, KERNEL_BASE + KERNEL_TEXT);
}

/* ---- one wrong thing ------------------------------------------------------- */

static void not_elf(struct kernel_image *k)
{
	k->eh.e_ident[0] = 0;
}

static void elf32(struct kernel_image *k)
{
	k->eh.e_ident[EI_CLASS] = ELFCLASS32;
}

static void big_endian(struct kernel_image *k)
{
	k->eh.e_ident[EI_DATA] = ELFDATA2MSB;
}

static void arm(struct kernel_image *k)
{
	k->eh.e_machine = EM_AARCH64;
}

static void object_file(struct kernel_image *k)
{
	k->eh.e_type = ET_REL;
}

static void headers_outside(struct kernel_image *k)
{
	k->eh.e_phoff = sizeof(*k) - 100;
}

static void headers_wrap(struct kernel_image *k)
{
	k->eh.e_phoff = -(uint64_t)sizeof(Elf64_Phdr);
}

static void headers_of_another_size(struct kernel_image *k)
{
	k->eh.e_phentsize = 32;
}

static void nothing_to_load(struct kernel_image *k)
{
	for (unsigned int i = 0; i < 4; i++)
		k->ph[i].p_type = PT_NULL;
}

static void segment_outside(struct kernel_image *k)
{
	k->ph[1].p_offset = sizeof(*k) - 1;
}

static void segment_wraps_in_file(struct kernel_image *k)
{
	k->ph[1].p_offset = ~0ull;
}

static void more_in_file(struct kernel_image *k)
{
	k->ph[0].p_memsz = 0x3ff;
}

static void overlap(struct kernel_image *k)
{
	k->ph[2].p_paddr -= 1;
}

static void segment_wraps(struct kernel_image *k)
{
	k->ph[3].p_memsz = ~0ull;
}

static void not_canonical(struct kernel_image *k)
{
	k->ph[3].p_paddr = 0x0000900000000000 - KERNEL_BASE;
}

static void in_the_hole(struct kernel_image *k)
{
	k->ph[3].p_paddr = 0xffff800000001000 - KERNEL_BASE;
}

static void around_the_hole(struct kernel_image *k)
{
	k->ph[3].p_paddr = 0x1000 - KERNEL_BASE;
}

static void no_notes(struct kernel_image *k)
{
	kernel_no_notes(k);
}

static void pvh_only(struct kernel_image *k)
{
	kernel_no_notes(k);
	kernel_note_number(k, XEN_ELFNOTE_PHYS32_ENTRY, 0x1000000);
}

static void old_section(struct kernel_image *k)
{
	kernel_no_notes(k);
	k->sh[2].sh_name = 9;
}

static void other_abi(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 8);
}

static void string_without_end(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_GUEST_OS, "abcd", 4);
}

static void number_of_three_bytes(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_ENTRY, "abc", 3);
}

static void note_outside(struct kernel_image *k)
{
	Elf64_Nhdr head = {4, 100000, 1};

	memcpy(k->notes, &head, sizeof(head));
}

static void name_wraps(struct kernel_image *k)
{
	Elf64_Nhdr head = {0xfffffffe, 4, 1};

	memcpy(k->notes, &head, sizeof(head));
}

static void notes_outside(struct kernel_image *k)
{
	k->ph[4].p_filesz = ~0ull;
}

static void needs_translation(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_FEATURES, "!auto_translated_physmap", 25);
}

static void needs_ring_0(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_FEATURES, "dom0|!supervisor_mode_kernel",
		    28);
}

static void needs_the_unknown(struct kernel_image *k)
{
	kernel_note(k, XEN_ELFNOTE_FEATURES, "!time_travel", 13);
}

static void entry_in_data(struct kernel_image *k)
{
	kernel_note_number(k, XEN_ELFNOTE_ENTRY, KERNEL_BASE + 0x2a00000);
}

static void entry_behind(struct kernel_image *k)
{
	kernel_note_number(k, XEN_ELFNOTE_ENTRY,
			   KERNEL_BASE + KERNEL_TEXT + 0x400);
}

static void hypercall_page_outside(struct kernel_image *k)
{
	kernel_note_number(k, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_BASE);
}

static void hypercall_page_unaligned(struct kernel_image *k)
{
	kernel_note_number(k, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_ENTRY);
}

static const struct {
	void (*spoil)(struct kernel_image *k);
	enum elf_error want;
} cases[] = {
	{not_elf, ELF_NOT_ELF},
	{elf32, ELF_NOT_X86_64},
	{big_endian, ELF_NOT_X86_64},
	{arm, ELF_NOT_X86_64},
	{object_file, ELF_NOT_EXECUTABLE},
	{headers_outside, ELF_TRUNCATED},
	{headers_wrap, ELF_TRUNCATED},
	{headers_of_another_size, ELF_NO_SEGMENTS},
	{nothing_to_load, ELF_NO_SEGMENTS},
	{segment_outside, ELF_TRUNCATED},
	{segment_wraps_in_file, ELF_TRUNCATED},
	{more_in_file, ELF_BAD_SEGMENT},
	{overlap, ELF_BAD_SEGMENT},
	{segment_wraps, ELF_BAD_SEGMENT},
	{not_canonical, ELF_BAD_ADDRESS},
	{in_the_hole, ELF_BAD_ADDRESS},
	{around_the_hole, ELF_BAD_ADDRESS},
	{no_notes, ELF_NOT_PV},
	{pvh_only, ELF_PVH_ONLY},
	{old_section, ELF_OLD_SECTION},
	{other_abi, ELF_BAD_ABI},
	{string_without_end, ELF_BAD_NOTE},
	{number_of_three_bytes, ELF_BAD_NOTE},
	{note_outside, ELF_TRUNCATED},
	{name_wraps, ELF_TRUNCATED},
	{notes_outside, ELF_TRUNCATED},
	{needs_translation, ELF_NEEDS_FEATURE},
	{needs_ring_0, ELF_NEEDS_FEATURE},
	{needs_the_unknown, ELF_NEEDS_FEATURE},
	{entry_in_data, ELF_BAD_ENTRY},
	{entry_behind, ELF_BAD_ENTRY},
	{hypercall_page_outside, ELF_BAD_HYPERCALL_PAGE},
	{hypercall_page_unaligned, ELF_BAD_HYPERCALL_PAGE},
};

static void each_wrong_thing_has_its_reason(void **state)
{
	struct kernel_image k;
	struct elf_kernel out;
	enum elf_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		kernel_make(&k);
		cases[i].spoil(&k);
		err = parse(&k, &out);
		CHECK(err == cases[i].want, "case %zu: %s, not %s", i,
		      elf_error_text(err), elf_error_text(cases[i].want));
	}
}

static void too_many_segments_are_refused(void **state)
{
	struct {
		struct kernel_image k;
		Elf64_Phdr ph[ELF_MAX_SEGMENTS + 2];
	} big;
	struct elf_kernel out;

	(void)state;
	kernel_make(&big.k);
	for (unsigned int i = 0; i < ELF_MAX_SEGMENTS + 1; i++) {
		big.ph[i] = big.k.ph[0];
		big.ph[i].p_paddr += i * 0x1000;
	}
	big.ph[ELF_MAX_SEGMENTS + 1] = big.k.ph[4];
	big.k.eh.e_phoff = sizeof(big.k);
	big.k.eh.e_phnum = ELF_MAX_SEGMENTS + 2;
	assert_int_equal(elf_parse(&big, sizeof(big), &out),
			 ELF_TOO_MANY_SEGMENTS);
	big.ph[ELF_MAX_SEGMENTS].p_type = PT_NULL;
	assert_int_equal(elf_parse(&big, sizeof(big), &out), ELF_OK);
}

static void every_shorter_file_is_refused(void **state)
{
	struct kernel_image k;
	struct elf_kernel out;

	(void)state;
	kernel_make(&k);
	for (size_t n = 0; n < sizeof(k) - 1024; n += 7) {
		uint8_t *copy = malloc(n);

		memcpy(copy, &k, n);
		assert_int_not_equal(elf_parse(copy, n, &out), ELF_OK);
		free(copy);
	}
}

static void every_error_has_a_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ELF_NR_ERRORS; i++)
		assert_non_null(elf_error_text(i));
	assert_string_equal(elf_error_text(ELF_NR_ERRORS), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_is_read_in_all_its_parts),
		cmocka_unit_test(notes_in_sections_are_the_second_choice),
		cmocka_unit_test(paddr_offset_moves_the_image),
		cmocka_unit_test(each_wrong_thing_has_its_reason),
		cmocka_unit_test(too_many_segments_are_refused),
		cmocka_unit_test(every_shorter_file_is_refused),
		cmocka_unit_test(every_error_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
