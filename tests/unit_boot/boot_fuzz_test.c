/* SPDX-License-Identifier: MIT */
/*
 * A bounded run of boot_fuzz.c, the same on every machine: right images with
 * a few bytes changed.
 */
#include "tests/lib/fuzz.h"
#include "tests/unit_boot/image.h"
#include "tests/unit_time/check.h"

#define ROUNDS 60000

static void change(uint8_t *p, size_t n, uint64_t *seed)
{
	static const uint8_t likely[] = {0, 1, 8, 0x7f, 0x80, 0xff};

	for (uint64_t k = chance_in(seed, 1, 6); k; k--) {
		uint64_t r = chance(seed);

		p[(r >> 16) % n] = r & 1 ? likely[(r >> 8) % sizeof(likely)]
					 : (uint8_t)(r >> 8);
	}
}

static void try(uint8_t which, const void *bytes, size_t n, uint64_t *seed)
{
	size_t cut = chance(seed) % 8 ? n : chance(seed) % n;
	uint8_t *copy = malloc(1 + cut);

	copy[0] = which;
	memcpy(copy + 1, bytes, cut);
	LLVMFuzzerTestOneInput(copy, 1 + cut);
	free(copy);
}

static void no_kernel_harms_the_parser(void **state)
{
	static struct kernel_image right, k;
	uint64_t seed = 0xe1f;

	(void)state;
	kernel_make(&right);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		k = right;
		/* Headers and notes: the rest does not matter. */
		change((uint8_t *)&k, offsetof(struct kernel_image, bytes),
		       &seed);
		try(0, &k, sizeof(k), &seed);
	}
}

static void no_loader_harms_the_parser(void **state)
{
	static struct memory right, m;
	uint32_t start[2];
	uint64_t seed = 0xb007;

	(void)state;
	for (unsigned int v = 0; v < 2; v++) {
		start[v] =
			v ? multiboot2_make(&right) : multiboot1_make(&right);
		for (unsigned int i = 0; i < ROUNDS; i++) {
			/* The fuzzer's entry is at the base. */
			uint32_t from = start[v] - MEMORY_BASE;

			m = right;
			change(m.bytes, right.used, &seed);
			memmove(m.bytes, m.bytes + (v ? from : 0),
				right.used - (v ? from : 0));
			if (!v) /* version 1: its words go first */
				memmove(m.bytes, m.bytes + from, 116);
			try(1 + v, m.bytes, right.used - (v ? from : 0), &seed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_kernel_harms_the_parser),
		cmocka_unit_test(no_loader_harms_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
