/* SPDX-License-Identifier: MIT */
/* The scheduler's door: who runs where and when. */
#ifndef HV_SCHED_SCHED_H
#define HV_SCHED_SCHED_H

#include "hv/domain/domain.h"

int sched_vcpu_init(struct vcpu *v, unsigned int cpu) MUST_CHECK;
void sched_vcpu_destroy(struct vcpu *v);
void sched_boot_cpu(struct cpu *c); /* its run queue and idle vcpu   */

/* An event or unpause: make it runnable; kick its CPU if that must look. */
void vcpu_wake(struct vcpu *v);
/* It waits for events (SCHEDOP_block); a pending one makes it return at once. */
void vcpu_block(void);
void vcpu_yield(void);
/* Stop running now and wait until it is off its CPU (pause, destroy). */
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_sleep_nosync(struct vcpu *v);
/* Interrupt the CPU that runs @v so that it looks for events. */
void vcpu_kick(struct vcpu *v);

/* On the exit path, when this_cpu->need_resched: pick, switch context. */
void schedule(void);
void sched_set_weight(struct domain *d, unsigned int weight, unsigned int cap);

long hc_sched_op(uint32_t cmd, uint64_t arg);
long hc_vcpu_op(uint32_t cmd, uint32_t vcpu, uint64_t arg);
long hc_set_timer_op(uint64_t deadline);

/* Refresh the PV clock words of @v (context switch, calibration). */
void vcpu_time_update(struct vcpu *v);

#endif /* HV_SCHED_SCHED_H */
