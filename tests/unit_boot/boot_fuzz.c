/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the boot parsers: a kernel image, or what a loader left.
 *
 * A libFuzzer target, and a part of boot_fuzz_test.  The first byte picks the
 * parser.  What is accepted must keep its promises.
 */
#include <string.h>

#include "hv/boot/elf.h"
#include "hv/boot/multiboot.h"
#include "tests/lib/fuzz.h"

#define BASE 0x9000 /* where the fuzzer's bytes lie in memory */

static void one_kernel(const uint8_t *data, size_t size)
{
	struct elf_kernel k;
	bool entered = false;

	if (elf_parse(data, size, &k))
		return;
	MUST(k.nr_segments && k.nr_segments <= ELF_MAX_SEGMENTS);
	for (unsigned int i = 0; i < k.nr_segments; i++) {
		const struct elf_segment *s = &k.segment[i];

		MUST(s->offset + s->file_size <= size);
		MUST(s->file_size <= s->mem_size);
		MUST(s->virt >= k.virt_start);
		MUST(s->virt + s->mem_size <= k.virt_end);
		entered |=
			k.entry >= s->virt && k.entry < s->virt + s->mem_size;
		for (unsigned int j = 0; j < i; j++)
			MUST(s->virt + s->mem_size <= k.segment[j].virt ||
			     k.segment[j].virt + k.segment[j].mem_size <=
				     s->virt);
	}
	MUST(entered);
	MUST(k.virt_end <= RESERVED_START || k.virt_start >= RESERVED_END);
	MUST(memchr(k.guest_os, 0, sizeof(k.guest_os)));
}

struct bytes {
	const uint8_t *data;
	size_t size;
};

static const void *at(void *arg, uint64_t pa, size_t n)
{
	const struct bytes *b = arg;

	if (pa < BASE || pa - BASE > b->size || n > b->size - (pa - BASE))
		return NULL;
	return b->data + (pa - BASE);
}

static void one_loader(uint32_t magic, const uint8_t *data, size_t size)
{
	static struct boot_info info;
	struct bytes b = {data, size};

	if (multiboot_parse(magic, BASE, at, &b, &info))
		return;
	MUST(info.nr_ranges && info.nr_ranges <= BOOT_MAX_RANGES);
	MUST(info.nr_modules <= BOOT_MAX_MODULES);
	for (unsigned int i = 0; i < info.nr_ranges; i++)
		MUST(info.range[i].start < info.range[i].end);
	for (unsigned int i = 0; i < info.nr_modules; i++) {
		MUST(info.module[i].start <= info.module[i].end);
		MUST(memchr(info.module[i].cmdline, 0,
			    sizeof(info.module[i].cmdline)));
	}
	MUST(memchr(info.cmdline, 0, sizeof(info.cmdline)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] % 3 == 0)
		one_kernel(data + 1, size - 1);
	else
		one_loader(data[0] % 3 == 1 ? MULTIBOOT1_MAGIC
					    : MULTIBOOT2_MAGIC,
			   data + 1, size - 1);
	return 0;
}
