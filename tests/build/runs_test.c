/* SPDX-License-Identifier: MIT */
/*
 * What of a kernel is written: laid onto zeroes it gives the segments again,
 * whatever they hold and wherever they begin, and it is no more than it needs
 * to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pv/arch-x86.h>

#include "tools/build/internal.h"

#define PAGE  ((uint64_t)PV_PAGE_SIZE)
#define PAGES 96
#define SEED  20261120

static uint8_t image[PAGES * PV_PAGE_SIZE];

static struct kernel kernel_with(unsigned int nr_segments)
{
	return (struct kernel){
		.image = image,
		.bytes = sizeof(image),
		.nr_segments = nr_segments,
	};
}

/* Memory is the image, moved: pa - offset is the same for all segments. */
static void check(struct kernel *k, uint64_t shift)
{
	static uint8_t memory[sizeof(image)];
	const struct kernel_run *r;
	uint64_t end = 0;

	memset(memory, 0, sizeof(memory));
	assert_true(runs_find(&k->runs, k));
	for (size_t i = 0; i < k->runs.nr; i++) {
		r = &k->runs.run[i];
		assert_true(r->bytes && r->offset >= end);
		assert_int_equal(r->pa, r->offset + shift);
		end = r->offset + r->bytes;
		assert_true(end <= sizeof(image));
		memcpy(memory + r->offset, image + r->offset, r->bytes);
	}
	for (unsigned int i = 0; i < k->nr_segments; i++)
		assert_memory_equal(memory + k->segment[i].offset,
				    image + k->segment[i].offset,
				    k->segment[i].file_bytes);
	runs_free(&k->runs);
}

static void any_mixture_is_kept(void **state)
{
	uint64_t shift, at, n;
	struct kernel k;

	(void)state;
	srand(SEED);
	for (int round = 0; round < 300; round++) {
		memset(image, 0, sizeof(image));
		for (int i = rand() % 40; i; i--)
			image[(unsigned int)rand() % sizeof(image)] = 1;
		shift = (uint64_t)rand() % (4 * PAGE);
		k = kernel_with(0);
		for (at = 0; k.nr_segments < 4; at += n) {
			at += (uint64_t)rand() % PAGE;
			n = (uint64_t)rand() % (sizeof(image) / 5);
			k.segment[k.nr_segments++] = (struct kernel_segment){
				.pa = at + shift,
				.mem_bytes = n,
				.offset = at,
				.file_bytes = n,
			};
		}
		check(&k, shift);
	}
}

static void zeroes_are_left_out_but_for_short_gaps(void **state)
{
	struct kernel k = kernel_with(1);

	(void)state;
	memset(image, 0, sizeof(image));
	k.segment[0] = (struct kernel_segment){
		.pa = 16 * PAGE,
		.mem_bytes = sizeof(image),
		.file_bytes = sizeof(image),
	};
	assert_true(runs_find(&k.runs, &k));
	assert_int_equal(k.runs.nr, 0);
	/* Pages 2 and 5 are near, 40 is far. */
	image[2 * PAGE + 7] = image[5 * PAGE] = image[41 * PAGE - 1] = 1;
	assert_true(runs_find(&k.runs, &k));
	assert_int_equal(k.runs.nr, 2);
	assert_int_equal(k.runs.run[0].pa, 18 * PAGE);
	assert_int_equal(k.runs.run[0].bytes, 4 * PAGE);
	assert_int_equal(k.runs.run[1].pa, 56 * PAGE);
	assert_int_equal(k.runs.run[1].bytes, PAGE);
	runs_free(&k.runs);
}

/* Two segments that touch in memory need not do so in the file. */
static void segments_are_not_joined(void **state)
{
	struct kernel k = kernel_with(2);

	(void)state;
	memset(image, 1, sizeof(image));
	k.segment[0] = (struct kernel_segment){
		.offset = 8 * PAGE, .mem_bytes = PAGE, .file_bytes = PAGE};
	k.segment[1] = (struct kernel_segment){.pa = PAGE,
					       .offset = 2 * PAGE,
					       .mem_bytes = PAGE,
					       .file_bytes = PAGE};
	assert_true(runs_find(&k.runs, &k));
	assert_int_equal(k.runs.nr, 2);
	assert_int_equal(k.runs.run[1].offset, 2 * PAGE);
	runs_free(&k.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_mixture_is_kept),
		cmocka_unit_test(zeroes_are_left_out_but_for_short_gaps),
		cmocka_unit_test(segments_are_not_joined),
	};

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
