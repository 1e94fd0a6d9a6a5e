/* SPDX-License-Identifier: MIT */
/* A bounded run of decode_fuzz.c, the same on every machine. */
#include "tests/lib/fuzz.h"
#include "tests/unit_time/check.h"

#define ROUNDS 1500000

/* Bytes that matter to a decoder come more often than the others. */
static uint8_t pick(uint64_t *seed)
{
	static const uint8_t likely[] = {0xf0, 0x66, 0x67, 0x48, 0x0f, 0x01,
					 0xba, 0x65, 0xf3, 0x04, 0x05, 0x0b};
	uint64_t r = chance(seed);

	return r & 1 ? likely[(r >> 8) % sizeof(likely)] : (uint8_t)(r >> 32);
}

static void no_bytes_harm_the_decoders(void **state)
{
	uint64_t seed = 0xdec0de;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t n = chance(&seed) % 18;
		uint8_t *code = malloc(n); /* exact: overreads are seen */

		for (size_t k = 0; k < n; k++)
			code[k] = pick(&seed);
		LLVMFuzzerTestOneInput(code, n);
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bytes_harm_the_decoders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
