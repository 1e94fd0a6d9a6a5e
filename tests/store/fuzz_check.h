/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_FUZZ_CHECK_H
#define TESTS_STORE_FUZZ_CHECK_H

#include "tests/lib/fuzz.h"

/* Must hold after every input; ends the program if it does not. */
struct store;
void fuzz_check_store(struct store *st);

#endif
