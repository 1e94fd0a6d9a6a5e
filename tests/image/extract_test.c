/* SPDX-License-Identifier: MIT */
/*
 * The extractor's parsing: what it finds, what it refuses and with which line.
 *
 * Files come from fixture.c; each refusal is a good file with one thing
 * spoilt.  Built with the sanitizers, and inputs live in buffers of their
 * exact size, so that a read past the end is seen.
 */
#include "tests/image/fixture.h"
#include "tools/image/pvelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KERNEL_BYTES 20000

static const enum packing all_packings[] = {
	PACKING_NONE, PACKING_GZIP, PACKING_XZ, PACKING_LZ4, PACKING_ZSTD,
};
#define PACKINGS (sizeof(all_packings) / sizeof(all_packings[0]))

/* The whole way, as the program goes it. */
static const char *extract(const uint8_t *file, size_t len, struct image *elf)
{
	struct payload p;
	struct pvelf info;
	const char *err = bzimage_find(file, len, &p);

	if (err)
		return err;
	elf->data = malloc(p.unpacked);
	elf->len = p.unpacked;
	err = payload_unpack(&p, elf->data);
	if (!err)
		err = pvelf_check(elf->data, elf->len, &info);
	if (err)
		free(elf->data);
	return err;
}

static void assert_refused(const struct image *file, const char *why)
{
	struct image out;
	const char *err = extract(file->data, file->len, &out);

	assert_non_null(err);
	assert_non_null(strstr(err, why));
}

static void every_packing_gives_the_kernel_back(void **state)
{
	struct image elf = make_elf(ELF_PV, KERNEL_BYTES);

	(void)state;
	for (size_t i = 0; i < PACKINGS; i++) {
		struct image bz = make_bzimage(&elf, all_packings[i]), out;

		assert_null(extract(bz.data, bz.len, &out));
		assert_int_equal(out.len, elf.len);
		assert_memory_equal(out.data, elf.data, elf.len);
		free(out.data);
		free(bz.data);
	}
	free(elf.data);
}

static void a_plain_elf_passes_through(void **state)
{
	struct image elf = make_elf(ELF_PV, KERNEL_BYTES), out;

	(void)state;
	assert_null(extract(elf.data, elf.len, &out));
	assert_int_equal(out.len, elf.len);
	assert_memory_equal(out.data, elf.data, elf.len);
	free(out.data);
	free(elf.data);
}

static void the_notes_are_read(void **state)
{
	struct image elf = make_elf(ELF_PV, 64);
	struct pvelf info;

	(void)state;
	assert_null(pvelf_check(elf.data, elf.len, &info));
	assert_string_equal(info.guest_os, "linux");
	assert_string_equal(info.guest_version, "2.6");
	assert_string_equal(info.abi, "xen-3.0");
	assert_int_equal(info.entry, 0xffffffff81000000);
	assert_true(info.has_pvh);
	free(elf.data);
}

/* Every prefix is refused; none is read past its end. */
static void a_file_cut_short_anywhere_is_refused(void **state)
{
	struct image elf = make_elf(ELF_PV, 600);

	(void)state;
	for (size_t i = 0; i < PACKINGS; i++) {
		struct image bz = make_bzimage(&elf, all_packings[i]);

		for (size_t len = 0; len < bz.len; len++) {
			struct image cut = {malloc(len ? len : 1), len};

			memcpy(cut.data, bz.data, len);
			assert_refused(&cut, "");
			free(cut.data);
		}
		free(bz.data);
	}
	free(elf.data);
}

static void a_payload_that_is_spoilt_is_refused(void **state)
{
	struct image elf = make_elf(ELF_PV, KERNEL_BYTES);

	(void)state;
	for (size_t i = 0; i < PACKINGS; i++) {
		struct image bz = make_bzimage(&elf, all_packings[i]);
		uint32_t size = get_field(&bz, bz.len - 4);

		if (all_packings[i] == PACKING_NONE) {
			free(bz.data);
			continue;
		}
		set_field(&bz, bz.len - 4, size + 1);
		assert_refused(&bz, "corrupt or cut short");
		set_field(&bz, bz.len - 4, size - 1);
		assert_refused(&bz, "corrupt or cut short");
		set_field(&bz, bz.len - 4, 0);
		assert_refused(&bz, "impossible kernel size");
		set_field(&bz, bz.len - 4, KERNEL_MAX_BYTES + 1);
		assert_refused(&bz, "impossible kernel size");
		free(bz.data);
	}
	free(elf.data);
}

static void a_wrong_setup_header_is_refused(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *why;
	} cases[] = {
		{0x1fc, 0, "neither a bzImage nor an ELF"},
		{0x202, 0x12345678, "neither a bzImage nor an ELF"},
		{0x206, 0x207, "older than boot protocol 2.08"},
		{0x248, 0xffffffff, "cut short"},
		{0x24c, 0xffffffff, "cut short"},
		{0x24c, 0, "unknown format"},
		{0x24c, 5, "too short"},
		{0x248, 0x181, "unknown format"},
	};
	struct image elf = make_elf(ELF_PV, KERNEL_BYTES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image bz = make_bzimage(&elf, PACKING_LZ4);

		if (cases[i].offset == 0x248 && cases[i].value == 0x181)
			set_field(&bz, 0x24c, get_field(&bz, 0x24c) - 1);
		memcpy(bz.data + cases[i].offset, &cases[i].value, 4);
		assert_refused(&bz, cases[i].why);
		free(bz.data);
	}
	free(elf.data);
}

static void kernels_that_will_not_do_are_named(void **state)
{
	struct image pvh = make_elf(ELF_PVH_ONLY, 64);
	struct image none = make_elf(ELF_NO_NOTES, 64);
	struct image bits = make_elf(ELF_PV, 64);
	struct image arm = make_elf(ELF_PV, 64);
	struct image object = make_elf(ELF_PV, 64);
	struct image headers = make_elf(ELF_PV, 64);
	struct image segment = make_elf(ELF_PV, 64);

	(void)state;
	assert_refused(&pvh, "only the PVH entry");
	assert_refused(&none, "without PV support");
	elf_header(&bits)->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(&bits, "not for 64-bit x86");
	elf_header(&arm)->e_machine = EM_AARCH64;
	assert_refused(&arm, "not for 64-bit x86");
	elf_header(&object)->e_type = ET_REL;
	assert_refused(&object, "not an executable kernel");
	elf_header(&headers)->e_phoff = UINT64_MAX - 8;
	assert_refused(&headers, "program headers end after the file");
	((Elf64_Phdr *)(elf_header(&segment) + 1))->p_filesz = UINT64_MAX - 8;
	assert_refused(&segment, "segments end after the file");

	free(pvh.data);
	free(none.data);
	free(bits.data);
	free(arm.data);
	free(object.data);
	free(headers.data);
	free(segment.data);
}

/* Sizes in a note's header that lie, one at a time. */
static void notes_with_wrong_sizes_are_not_read_past_the_end(void **state)
{
	static const uint32_t sizes[] = {0,          1,          5,
					 0x7fffffff, 0xfffffffd, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t field = 0; field < 2; field++) {
			struct image elf = make_elf(ELF_PV, 0);
			Elf64_Phdr *ph = (Elf64_Phdr *)(elf_header(&elf) + 1);
			struct pvelf info;

			elf.len = ph[1].p_offset + ph[1].p_filesz;
			ph[0].p_offset = 0;
			elf.data = realloc(elf.data, elf.len);
			memcpy(elf.data + 0x200 + field * 4, &sizes[i], 4);
			pvelf_check(elf.data, elf.len, &info);
			free(elf.data);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packing_gives_the_kernel_back),
		cmocka_unit_test(a_plain_elf_passes_through),
		cmocka_unit_test(the_notes_are_read),
		cmocka_unit_test(a_file_cut_short_anywhere_is_refused),
		cmocka_unit_test(a_payload_that_is_spoilt_is_refused),
		cmocka_unit_test(a_wrong_setup_header_is_refused),
		cmocka_unit_test(kernels_that_will_not_do_are_named),
		cmocka_unit_test(
			notes_with_wrong_sizes_are_not_read_past_the_end),
	};

	return cmocka_run_group_tests_name("extract", tests, NULL, NULL);
}
