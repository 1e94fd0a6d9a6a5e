/* SPDX-License-Identifier: MIT */
/* What a string of bytes makes two hostile domains do. */
#ifndef TESTS_UNIT_MM_OPS_H
#define TESTS_UNIT_MM_OPS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Run it on a machine of its own: after every operation all invariants are
 * counted anew, in the end both domains are destroyed and nothing is left.
 */
void ops_run(const uint8_t *data, size_t size);

/* How many operations succeeded and failed so far. */
extern unsigned long ops_done, ops_refused;

#endif /* TESTS_UNIT_MM_OPS_H */
