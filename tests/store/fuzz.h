/* SPDX-License-Identifier: MIT */
/* A fuzz target; fuzz_main.c or libFuzzer drives it. */
#ifndef TESTS_STORE_FUZZ_H
#define TESTS_STORE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Good inputs to start from: bytes of number i into out, 0 if there is none. */
size_t fuzz_seed(unsigned i, uint8_t *out, size_t room);

/* Must hold after every input; ends the program if it does not. */
struct store;
void fuzz_check_store(struct store *st);

#endif
