/* SPDX-License-Identifier: MIT */
/* Every way into the hypervisor and out of it, once around. */
#ifndef GUEST_DOORS_H
#define GUEST_DOORS_H

#include "tests/guest/lib/guest.h"

/* What the calling vcpu needs once, before the first round. */
void doors_init(void);

/*
 * Go through every door and check what comes back: fast and slow hypercalls,
 * exceptions of kernel and user code, system calls, events, an NMI to itself,
 * both kinds of return to user code.  Says what was wrong, as failed checks;
 * false if something was.
 */
bool doors_round(void);
/* The same by a guest that has asked for trouble: nothing is a failure. */
void doors_try(void);

#endif /* GUEST_DOORS_H */
