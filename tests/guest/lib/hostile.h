/* SPDX-License-Identifier: MIT */
/* Addresses that a hypervisor must not follow, write to or jump to. */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "tests/guest/lib/guest.h"

struct hostile {
	const char *name;
	uint64_t va;
};

/* Ends with a NULL name; none of them may be accessed by a guest kernel. */
extern const struct hostile hostile_addresses[];

/* The top of the stack on which exceptions enter the hypervisor. */
extern const uint64_t ring0_stack_top;

#define for_each_hostile(h)                                                    \
	for (const struct hostile *h = hostile_addresses; h->name; h++)

/* The place in a table of arguments where each of them goes. */
#define HERE 0x0bad0bad0bad0badul

/*
 * The whole reserved range, page by page where something may be mapped:
 * calls fn for every page that this kernel can read.  Returns how many.
 */
unsigned int reserved_for_each(void (*fn)(uint64_t va, void *arg), void *arg);

#endif /* GUEST_HOSTILE_H */
