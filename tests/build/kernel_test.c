/* SPDX-License-Identifier: MIT */
/*
 * Reading kernels: what is found in a good one, and each thing that can be
 * wrong, one at a time.  Images live in buffers of their exact size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pv/elfnote.h>

#include "tests/build/fixture.h"
#include "tools/build/kernel.h"

static const char *parse(const struct recipe *r, struct kernel *k)
{
	struct image image = make_image(r);
	const char *why = kernel_parse(k, image.data, image.bytes);

	free(image.data);
	return why;
}

static void refused(const struct recipe *r, const char *why)
{
	struct kernel k;
	const char *said = parse(r, &k);

	if (!said || !strstr(said, why))
		fail_msg("wanted \"%s\", got \"%s\"", why,
			 said ? said : "no error");
}

static void a_linux_kernel_is_read(void **state)
{
	struct kernel k;
	struct recipe r;

	(void)state;
	recipe_linux(&r);
	assert_null(parse(&r, &k));
	assert_int_equal(k.nr_segments, 2);
	assert_int_equal(k.segment[0].pa, KERNEL_PA);
	assert_int_equal(k.segment[1].mem_bytes, 0x5000);
	assert_int_equal(k.segment[1].file_bytes, DATA_BYTES);
	assert_int_equal(k.pa_end, KERNEL_PA + 0x9000);
	assert_int_equal(k.virt_base, VIRT_BASE);
	assert_int_equal(k.entry, KERNEL_VA + 0x40);
	assert_true(k.has_init_p2m && k.initrd_by_pfn);
	assert_int_equal(k.init_p2m, 0x8000000000ull);
	assert_int_equal(k.features_required, 1);
	assert_int_equal(k.features_supported, 1 | 1 << 4);
	assert_string_equal(k.guest_os, "test");
	assert_string_equal(k.guest_version, "1.0");
	assert_string_equal(k.abi, "xen-3.0");
}

static void a_kernel_with_a_hypercall_page_is_read(void **state)
{
	struct kernel k;
	struct recipe r;

	(void)state;
	recipe_classic(&r);
	assert_null(parse(&r, &k));
	assert_true(k.has_hypercall_page);
	assert_false(k.has_init_p2m || k.initrd_by_pfn);
	assert_int_equal(k.hypercall_page_pa, KERNEL_PA + 0x1000);
}

static void notes_may_be_in_a_section(void **state)
{
	struct kernel k;
	struct recipe r;

	(void)state;
	recipe_linux(&r);
	r.notes_in_section = 1;
	assert_null(parse(&r, &k));
	assert_int_equal(k.entry, KERNEL_VA + 0x40);
}

static void addresses_are_physical_less_the_offset(void **state)
{
	struct kernel k;
	struct recipe r;

	(void)state;
	recipe_linux(&r);
	r.ph[0].p_paddr += VIRT_BASE;
	r.ph[1].p_paddr += VIRT_BASE;
	r.ph[0].p_vaddr = 0;
	add_number(&r, XEN_ELFNOTE_PADDR_OFFSET, VIRT_BASE);
	assert_null(parse(&r, &k));
	assert_int_equal(k.segment[0].pa, KERNEL_PA);
}

static void numbers_come_in_four_sizes(void **state)
{
	static const uint8_t one[8] = {1};
	static const uint32_t sizes[] = {1, 2, 4, 8};
	struct kernel k;
	struct recipe r;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		recipe_classic(&r);
		r.note[r.nr_notes++] = (struct note){
			.type = XEN_ELFNOTE_MOD_START_PFN,
			.data = one,
			.bytes = sizes[i],
		};
		assert_null(parse(&r, &k));
		assert_true(k.initrd_by_pfn);
	}
	recipe_classic(&r);
	r.note[r.nr_notes++] = (struct note){XEN_ELFNOTE_ENTRY, one, 3, NULL};
	refused(&r, "malformed");
}

static void names_are_shown_without_control_characters(void **state)
{
	struct kernel k;
	struct recipe r;

	(void)state;
	recipe_linux(&r);
	add_string(&r, XEN_ELFNOTE_GUEST_OS, "a\033[2Jb\n\x80");
	assert_null(parse(&r, &k));
	assert_string_equal(k.guest_os, "a?[2Jb??");
}

/* ---- one thing wrong ------------------------------------------------------------ */

static void headers_that_are_wrong_are_refused(void **state)
{
	struct recipe r;

	(void)state;
#define WRONG(change, why)                                                     \
	do {                                                                   \
		recipe_linux(&r);                                              \
		change;                                                        \
		refused(&r, why);                                              \
	} while (0)
	WRONG(r.eh.e_ident[0] = 0, "not an ELF");
	WRONG(r.eh.e_ident[EI_CLASS] = ELFCLASS32, "64-bit");
	WRONG(r.eh.e_ident[EI_DATA] = ELFDATA2MSB, "64-bit");
	WRONG(r.eh.e_machine = EM_AARCH64, "64-bit");
	WRONG(r.eh.e_type = ET_REL, "executable");
	WRONG(r.eh.e_phentsize = 1, "program headers");
	WRONG(r.eh.e_phoff = 1ull << 40, "end after");
	WRONG(r.eh.e_phoff = ~0ull, "end after");
	WRONG(r.eh.e_phnum = 0xffff, "end after");
}

static void notes_that_are_wrong_are_refused(void **state)
{
	struct recipe r;

	(void)state;
	WRONG(drop_note(&r, XEN_ELFNOTE_ENTRY), "without PV support");
	WRONG((drop_note(&r, XEN_ELFNOTE_ENTRY),
	       add_number(&r, XEN_ELFNOTE_PHYS32_ENTRY, 1)),
	      "PVH");
	WRONG(add_string(&r, XEN_ELFNOTE_XEN_VERSION, "xen-4.0"), "ABI");
	WRONG(add_string(&r, XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel"),
	      "requires");
	WRONG(add_string(&r, XEN_ELFNOTE_FEATURES, "a|!what_is_this"),
	      "requires");
	WRONG(add_number(&r, XEN_ELFNOTE_VIRT_BASE, VIRT_BASE + 1),
	      "page-aligned");
	WRONG(add_number(&r, XEN_ELFNOTE_INIT_P2M, 17), "page-aligned");
	WRONG(add_number(&r, XEN_ELFNOTE_ENTRY, KERNEL_VA + 0x4000), "entry");
	WRONG(add_number(&r, XEN_ELFNOTE_ENTRY, 0), "entry");
	WRONG(add_number(&r, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_VA + 8),
	      "hypercall page");
	WRONG(add_number(&r, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_VA + 0x10000),
	      "hypercall page");
	WRONG(add_number(&r, XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000ull),
	      "outside");
	WRONG(add_number(&r, XEN_ELFNOTE_VIRT_BASE, 1ull << 50), "outside");
	WRONG(r.note[0].bytes = 4, "malformed"); /* no end of the string */
}

static void segments_that_are_wrong_are_refused(void **state)
{
	struct recipe r;

	(void)state;
	WRONG(r.ph[0].p_filesz = 1 << 20, "ends after");
	WRONG(r.ph[0].p_offset = ~0ull - 0x1000, "ends after");
	WRONG(r.ph[0].p_memsz = 1, "more bytes");
	WRONG(r.ph[1].p_paddr = KERNEL_PA + 0x2fff, "overlap");
	WRONG(r.ph[1].p_memsz = ~0ull, "outside");
	WRONG(r.ph[1].p_paddr = ~0ull, "outside");
	WRONG(r.ph[1].p_paddr = 1ull << 40, "outside");
	WRONG(add_number(&r, XEN_ELFNOTE_PADDR_OFFSET, KERNEL_PA + 1),
	      "outside");
	WRONG((r.ph[0].p_type = PT_NULL, r.ph[1].p_type = PT_NULL),
	      "without a segment");
	recipe_linux(&r);
	for (r.nr_ph = 0; r.nr_ph < 17; r.nr_ph++)
		r.ph[r.nr_ph] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_X,
			.p_paddr = KERNEL_PA + r.nr_ph * 0x1000,
			.p_memsz = 0x1000,
		};
	refused(&r, "more ELF segments");
}

static void no_cut_of_a_kernel_is_accepted_or_read_beyond(void **state)
{
	struct recipe r;
	struct image image;
	struct kernel k;

	(void)state;
	recipe_linux(&r);
	image = make_image(&r);
	for (size_t n = 0; n < image.bytes; n += n < 4096 ? 1 : 37) {
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, image.data, n);
		assert_non_null(kernel_parse(&k, part, n));
		free(part);
	}
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_linux_kernel_is_read),
		cmocka_unit_test(a_kernel_with_a_hypercall_page_is_read),
		cmocka_unit_test(notes_may_be_in_a_section),
		cmocka_unit_test(addresses_are_physical_less_the_offset),
		cmocka_unit_test(numbers_come_in_four_sizes),
		cmocka_unit_test(names_are_shown_without_control_characters),
		cmocka_unit_test(headers_that_are_wrong_are_refused),
		cmocka_unit_test(notes_that_are_wrong_are_refused),
		cmocka_unit_test(segments_that_are_wrong_are_refused),
		cmocka_unit_test(no_cut_of_a_kernel_is_accepted_or_read_beyond),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
