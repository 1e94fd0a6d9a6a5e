/* SPDX-License-Identifier: MIT */
/* A guest's memory, as small as can be: a few pages at fixed addresses. */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include "hv/mm/mm.h"

#define GUEST_BASE  0x400000ull
#define GUEST_PAGES 8

extern unsigned char guest_memory[GUEST_PAGES * 4096];
/* By page: cleared, it is not mapped; not writable; another's. */
extern bool guest_mapped[GUEST_PAGES], guest_writable[GUEST_PAGES];
extern bool guest_owned[GUEST_PAGES];
extern int guest_holds[GUEST_PAGES]; /* typed references held */

static inline void *guest_at(uint64_t gva)
{
	return guest_memory + (gva - GUEST_BASE);
}

#endif /* TESTS_GUEST_H */
