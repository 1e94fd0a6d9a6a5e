/* SPDX-License-Identifier: MIT */
/*
 * A domain of two vcpus, the first of them current, on an otherwise idle
 * machine of two CPUs; the guest's memory is guest.h's.
 */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include "tests/unit_sched/guest.h"
#include "tests/unit_sched/machine.h"

#define ARG       (GUEST_BASE + 0x40) /* page 0: arguments                       */
#define AREA      (GUEST_BASE + 0x1100) /* page 1: registered areas              */
#define EDGE      (GUEST_BASE + 0x3000 - 20) /* across pages 2 and 3             */
#define NOT_THERE 0x10000

extern struct domain *d, *control;
extern struct vcpu *self, *other;
extern uint64_t now;
extern unsigned int events[4]; /* timer events, by vcpu */
extern uint64_t ports_pending; /* bit n: port n; ports beyond 63 are none */

/* What the memory room was asked for, and what it shall answer. */
extern uint64_t gdt_frame;
extern unsigned int gdt_entries;
extern int root_rc, gdt_rc;

int setup(void **state);
int teardown(void **state);
void exit_path(void);
/* Time goes by; every CPU takes timer interrupts. */
void wait_until(uint64_t t);

#define OP(cmd, vcpu, type, ...)                                               \
	(memcpy(guest_at(ARG), &(type){__VA_ARGS__}, sizeof(type)),            \
	 hc_vcpu_op(cmd, vcpu, ARG))
#define SCHED(cmd, type, ...)                                                  \
	(memcpy(guest_at(ARG), &(type){__VA_ARGS__}, sizeof(type)),            \
	 hc_sched_op(cmd, ARG))

#endif /* TESTS_CALLS_H */
