/* SPDX-License-Identifier: MIT */
/* What boot loaders leave, right and wrong. */
#include "tests/unit_boot/image.h"
#include "tests/unit_time/check.h"

static struct memory memory;
static struct boot_info info;

static enum multiboot_error parse(uint32_t magic, uint32_t at)
{
	return multiboot_parse(magic, at, memory_at, &memory, &info);
}

static void check_common(void)
{
	assert_string_equal(info.cmdline, "parapet loglevel=debug");
	assert_string_equal(info.loader, "qemu");
	assert_false(info.cut);
	assert_int_equal(info.nr_modules, 2);
	assert_int_equal(info.module[0].start, 0x400000);
	assert_int_equal(info.module[0].end, 0x800000);
	assert_string_equal(info.module[0].cmdline, "vmlinux console=hvc0");
	assert_int_equal(info.module[1].start, info.module[1].end);
	assert_string_equal(info.module[1].cmdline, "initrd");
	assert_int_equal(info.nr_ranges, 4);
	assert_int_equal(info.range[0].end, 0x9fc00);
	assert_int_equal(info.range[1].type, BOOT_RESERVED);
	assert_int_equal(info.range[2].start, 0x100000);
	assert_int_equal(info.range[2].end, 0x40000000);
	assert_int_equal(info.range[3].end, ~0ull);
}

static void version_1_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse(MULTIBOOT1_MAGIC, multiboot1_make(&memory)),
			 MULTIBOOT_OK);
	check_common();
	assert_int_equal(info.rsdp, 0);
}

static void version_2_is_read(void **state)
{
	uint32_t at = multiboot2_make(&memory);

	(void)state;
	assert_int_equal(parse(MULTIBOOT2_MAGIC, at), MULTIBOOT_OK);
	check_common();
	assert_int_equal(info.info.start, at);
	assert_int_equal(info.info.end, MEMORY_BASE + memory.used);
	assert_int_equal(info.efi_table, 0x7f9ee018);
	/* The newer root pointer, though the older comes last. */
	assert_memory_equal(memory_at(&memory, info.rsdp, 8), "RSD PTR ", 8);
	assert_int_equal(
		*(const uint32_t *)memory_at(&memory, info.rsdp - 4, 4), 44);
}

static void what_is_too_long_is_cut(void **state)
{
	char line[3000];
	uint32_t words[29] = {1 << 2 | 1 << 6}, map[6] = {20, 0, 0, 9, 0, 1};

	(void)state;
	memset(&memory, 0, sizeof(memory));
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	words[4] = memory_put_string(&memory, line);
	words[11] = sizeof(map);
	words[12] = memory_put(&memory, map, sizeof(map));
	assert_int_equal(parse(MULTIBOOT1_MAGIC,
			       memory_put(&memory, words, sizeof(words))),
			 MULTIBOOT_OK);
	assert_true(info.cut);
	assert_int_equal(strlen(info.cmdline), sizeof(info.cmdline) - 1);
}

/* A word of version 1's structure that is wrong, and what is said. */
static void wrong_words_of_version_1(void **state)
{
	static const struct {
		unsigned int word;
		uint32_t value;
		enum multiboot_error want;
	} cases[] = {
		{4, 0xfffffff0, MULTIBOOT_BAD_ADDRESS}, /* command line */
		{4, 0, MULTIBOOT_BAD_ADDRESS},
		{5, 3, MULTIBOOT_BAD_MODULE}, /* a third module */
		{6, 0xffffffff, MULTIBOOT_BAD_ADDRESS},
		{11, 5, MULTIBOOT_BAD_LENGTH}, /* the map */
		{11, 0xffffffff, MULTIBOOT_BAD_ADDRESS},
		{11, 0, MULTIBOOT_NO_MAP},
		{12, 0x100, MULTIBOOT_BAD_ADDRESS},
		{0, 0, MULTIBOOT_NO_MAP},
		{0, ~0u, MULTIBOOT_OK}, /* also what is zero here */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t at = multiboot1_make(&memory);
		enum multiboot_error err;

		memcpy(memory.bytes + (at - MEMORY_BASE) + cases[i].word * 4,
		       &cases[i].value, 4);
		err = parse(MULTIBOOT1_MAGIC, at);
		CHECK(err == cases[i].want, "case %zu: %s", i,
		      multiboot_error_text(err));
	}
}

static void wrong_tags_of_version_2(void **state)
{
	static const struct {
		unsigned int offset; /* of a byte in the block */
		uint8_t value;
		enum multiboot_error want;
	} cases[] = {
		{12, 7, MULTIBOOT_BAD_LENGTH}, /* first tag's size */
		{12, 0, MULTIBOOT_BAD_LENGTH},
		{15, 0x80, MULTIBOOT_BAD_LENGTH},
		{0, 8, MULTIBOOT_BAD_LENGTH}, /* total size: no end tag */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t at = multiboot2_make(&memory);
		enum multiboot_error err;

		memory.bytes[at - MEMORY_BASE + cases[i].offset] =
			cases[i].value;
		if (cases[i].offset == 0)
			memory.bytes[at - MEMORY_BASE + 1] = 0;
		err = parse(MULTIBOOT2_MAGIC, at);
		CHECK(err == cases[i].want, "case %zu: %s", i,
		      multiboot_error_text(err));
	}
}

static void no_loader_no_boot(void **state)
{
	(void)state;
	assert_int_equal(parse(0, multiboot1_make(&memory)),
			 MULTIBOOT_BAD_MAGIC);
	assert_int_equal(parse(MULTIBOOT1_MAGIC, 0), MULTIBOOT_BAD_ADDRESS);
	assert_int_equal(parse(MULTIBOOT2_MAGIC, 0xffffffff),
			 MULTIBOOT_BAD_ADDRESS);
	for (unsigned int i = 0; i < MULTIBOOT_NR_ERRORS; i++)
		assert_non_null(multiboot_error_text(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_read),
		cmocka_unit_test(version_2_is_read),
		cmocka_unit_test(what_is_too_long_is_cut),
		cmocka_unit_test(wrong_words_of_version_1),
		cmocka_unit_test(wrong_tags_of_version_2),
		cmocka_unit_test(no_loader_no_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
