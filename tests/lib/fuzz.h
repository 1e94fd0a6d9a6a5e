/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target.  libFuzzer drives it, or fuzz_main.c if it has good inputs to
 * start from (fuzz.mk).
 */
#ifndef TESTS_LIB_FUZZ_H
#define TESTS_LIB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* What must hold, whatever the input is. */
#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond))                                                   \
			abort();                                               \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Good inputs: bytes of number i into out, 0 if there is none. */
size_t fuzz_seed(unsigned i, uint8_t *out, size_t room);

#endif
