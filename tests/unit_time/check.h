/* SPDX-License-Identifier: MIT */
/* cmocka, and a reproducible source of chance. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* xorshift64*: the seed is the whole state. */
static inline uint64_t chance(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dull;
}

static inline uint64_t chance_in(uint64_t *seed, uint64_t low, uint64_t high)
{
	return low + chance(seed) % (high - low + 1);
}

/* Say what was being tried before the assertion ends the test. */
#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "# " __VA_ARGS__);                     \
			fprintf(stderr, "\n");                                 \
			fail_msg("%s", #cond);                                 \
		}                                                              \
	} while (0)

#endif /* TESTS_CHECK_H */
