/* SPDX-License-Identifier: MIT */
/*
 * Flushing guests' translations.
 *
 * The hypervisor touches guest memory through its own map only, so stale
 * guest translations matter while a guest runs and at no other time.  A CPU
 * inside the hypervisor flushes before it leaves (a load of CR3 does); only a
 * CPU that is in a guest has to be interrupted.
 */
#ifndef HV_CPU_TLB_H
#define HV_CPU_TLB_H

#include "hv/cpu/cpu.h"

/* Bit n: CPU n. */
typedef uint64_t cpumask_t;

/* This CPU forgets all guest translations before the guest runs again. */
void tlb_flush_local(void);
/*
 * All CPUs of @mask forget theirs before this returns or before their guests
 * run again.  Never waits for a CPU that is inside the hypervisor, so any
 * lock may be held.
 */
void tlb_flush_mask(cpumask_t mask);
/*
 * The flush clock: tlb_now() when a frame's use ends; a CPU whose last flush
 * is later cannot hold a translation of that use.
 */
uint32_t tlb_now(void);
/* The CPUs of @mask that have not flushed since @stamp. */
cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp);

/* The root that this CPU is on, as CR3 has it. */
uint64_t tlb_root(void);

/*
 * The entry path: from here on this CPU is inside the hypervisor.  @cr3: what
 * the guest ran on; what is loaded now is the same where its root is shared.
 */
void tlb_entered(uint64_t cr3);
/* The exit path, last thing before exit_cr3 is loaded: decides what that is. */
void tlb_leaving(void);
/* Make another CPU enter the hypervisor; set by boot. */
extern void (*tlb_interrupt_cpu)(unsigned int cpu);

#endif /* HV_CPU_TLB_H */
