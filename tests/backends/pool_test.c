/* SPDX-License-Identifier: MIT */
/* Buffers out of one piece of memory: where they lie, and nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pv-backends/blk/pool.h"

static void pool_has_runs(void **state)
{
	static unsigned char memory[POOL_BYTES];
	struct pool p = {.memory = memory};
	unsigned char *one, *all[POOL_BYTES / (32 * 4096)];

	(void)state;
	one = pool_get(&p, 1);
	assert_ptr_equal(one, memory);
	assert_null(pool_get(&p, POOL_MOST + 1));
	/* What is asked for in a row lies in a row, beside what is taken. */
	for (unsigned int i = 0; i < POOL_BYTES / (32 * 4096) - 1; i++) {
		all[i] = pool_get(&p, 31 * 4096 + 1);
		assert_ptr_equal(all[i], memory + (i + 1) * 32 * 4096);
	}
	assert_null(pool_get(&p, 32 * 4096));
	assert_ptr_equal(pool_get(&p, 16 * 4096), memory + 16 * 4096);
	pool_put(&p, all[2], 31 * 4096 + 1);
	assert_ptr_equal(pool_get(&p, 32 * 4096), all[2]);
	assert_true(pool_has(&p, memory + POOL_BYTES - 1));
	assert_false(pool_has(&p, memory + POOL_BYTES));
}

static void pool_gives_each_page_once(void **state)
{
	static unsigned char memory[POOL_BYTES], owner[POOL_BYTES / 4096];
	struct {
		unsigned char *at;
		size_t bytes;
	} got[64] = {{0}};
	struct pool p = {.memory = memory};
	uint32_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int n = i % 64;
		size_t pages = (got[n].bytes + 4095) / 4096;

		random = random * 1664525 + 1013904223;
		for (size_t k = 0; got[n].at && k < pages; k++)
			owner[(got[n].at - memory) / 4096 + k] = 0;
		if (got[n].at)
			pool_put(&p, got[n].at, got[n].bytes);
		got[n].bytes =
			1 + (random >> 8) % (random & 1 ? 4096 : POOL_MOST);
		got[n].at = pool_get(&p, got[n].bytes);
		pages = (got[n].bytes + 4095) / 4096;
		for (size_t k = 0; got[n].at && k < pages; k++)
			assert_int_equal(
				owner[(got[n].at - memory) / 4096 + k]++, 0);
	}
	for (unsigned int n = 0; n < 64; n++)
		if (got[n].at)
			pool_put(&p, got[n].at, got[n].bytes);
	for (unsigned int i = 0; i < POOL_WORDS; i++)
		assert_int_equal(p.taken[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_has_runs),
		cmocka_unit_test(pool_gives_each_page_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
