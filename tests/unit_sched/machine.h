/* SPDX-License-Identifier: MIT */
/*
 * An imagined machine around the scheduler: CPUs with a one-shot timer and a
 * kick line, domains, and stubs of the rooms below.  Its clock and who is
 * this_cpu are the test's.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "hv/sched/internal.h"
#include "tests/unit_time/check.h"

#define US 1000ul
#define MS 1000000ul

struct cpu *test_cpu_get(void);

/* Set by the test before machine_boot(). */
extern uint64_t (*machine_now)(void);
extern void (*machine_kick)(unsigned int cpu);
extern void (*machine_switched)(struct vcpu *prev, struct vcpu *next);
/* Ticks of 1 ns until the CPU's timer interrupts it. */
extern void (*machine_arm)(uint32_t count);

/* Each thread has its own. */
void machine_here(unsigned int cpu);
void machine_boot(unsigned int cpus);
/* Frees everything; every vcpu must be off its CPU. */
void machine_end(void);
struct domain *machine_domain(domid_t id, unsigned int vcpus,
			      unsigned int weight, unsigned int cap);

/* What the stubs were told. */
extern unsigned int shutdowns; /* calls of domain_shutdown() */
extern unsigned int shutdown_code;
extern struct domain *shutdown_domain;

#endif /* TESTS_MACHINE_H */
