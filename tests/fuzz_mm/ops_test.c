/* SPDX-License-Identifier: MIT */
/*
 * A bounded run of hostile sequences, the same on every machine.  With
 * arguments: the first seed and the number of sequences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit_mm/ops.h"

static uint64_t first = 1, sequences = 600;

static void fill(uint8_t *data, size_t size, uint64_t seed)
{
	seed = seed * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < size; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		data[i] = (uint8_t)(seed >> 32);
	}
}

static void no_sequence_breaks_the_books(void **state)
{
	static uint8_t data[3000];

	(void)state;
	for (uint64_t s = first; s < first + sequences; s++) {
		size_t size = 500 + s * 97 % 2500;

		/* The last one before an abort is the culprit. */
		setvbuf(stderr, NULL, _IONBF, 0);
		fill(data, size, s);
		ops_run(data, size);
	}
	print_message("%lu operations were done, %lu refused\n", ops_done,
		      ops_refused);
	assert_true(ops_done > sequences * 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sequence_breaks_the_books),
	};

	if (argc > 1)
		first = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		sequences = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
