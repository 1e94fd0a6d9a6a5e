/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's door: who runs where and when; a vcpu's timers and the
 * areas that tell it about time.
 */
#ifndef HV_SCHED_SCHED_H
#define HV_SCHED_SCHED_H

#include <pv/vcpu.h>

#include "hv/cpu/tlb.h"
#include "hv/domain/domain.h"

/* ---- life */
/* On the CPU itself, after time_boot_cpu(): its run queue and idle vcpu. */
void sched_boot_cpu(struct cpu *c);
/* After vcpu_alloc(), in order of ids.  @cpu is where it first waits. */
int sched_vcpu_init(struct vcpu *v, unsigned int cpu) MUST_CHECK;
/*
 * @v is down or paused and off its CPU.  Gives back the guest's frames that
 * its areas hold, so before the domain's memory is relinquished.
 */
void sched_vcpu_destroy(struct vcpu *v);
/* Nobody knows the domain any more: until then others may look at @v's state. */
void sched_vcpu_free(struct vcpu *v);
/* Of the domain against others (default 256); percent of one CPU, 0: no cap. */
void sched_set_weight(struct domain *d, unsigned int weight, unsigned int cap);

/* ---- states */
/*
 * A vcpu runs when it is not DOWN, BLOCKED or POLLING, and neither it nor its
 * domain is paused or shut down.  Whoever changes pause counts or shut_down
 * calls vcpu_wake or vcpu_sleep_* afterwards.  Any lock below RUNG_SCHED may
 * be held, none for vcpu_sleep_sync.
 */
/* An event, or unpaused: ends BLOCKED and POLLING, runs it if it may. */
void vcpu_wake(struct vcpu *v);
/* Brought up (VCPUOP_up, a built domain's first vcpus); taken down. */
void vcpu_up(struct vcpu *v);
void vcpu_down(struct vcpu *v);
/* The current vcpu waits for an event; a pending one makes it go on. */
void vcpu_block(void);
void vcpu_yield(void);
/* It may have to stop: off its CPU soon, or (sync) before this returns. */
void vcpu_sleep_nosync(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
/* Interrupt the CPU that runs @v so that it looks for events. */
void vcpu_kick(struct vcpu *v);

/* On the exit path, when this_cpu->need_resched: pick, switch context. */
void schedule(void);

/*
 * Has this CPU been idle for so long that it may do what can wait, and would
 * hold up whoever wakes?  If not, its sleep ends when it has.
 */
bool sched_idle_long(void);

/* ---- time of a vcpu */
/*
 * Write the PV clock words to v->info and the registered area.  schedule()
 * does it; also after v->info moved.
 */
void vcpu_time_update(struct vcpu *v);
/* Where its time went until now; time[RUNSTATE_running] is its CPU time, or an
 * idle vcpu's idle time. */
void vcpu_runstate_get(struct vcpu *v, struct pv_vcpu_runstate_info *out);

/* ---- hypercalls */
long hc_sched_op(uint32_t cmd, uint64_t arg);
long hc_vcpu_op(uint32_t cmd, uint32_t vcpu, uint64_t arg);
long hc_set_timer_op(uint64_t deadline);
/*
 * The first state of @v (VCPUOP_initialise, PV_CONTROL_set_vcpu_context): down
 * or paused, not initialised.  -EINVAL; -ERESTART: call again.
 */
int vcpu_set_context(struct vcpu *v,
		     const struct pv_vcpu_guest_context *c) MUST_CHECK;

/* What that would make the same vcpu of.  @v does not run. */
void vcpu_get_context(const struct vcpu *v, struct pv_vcpu_guest_context *c);

/* ---- hooks, set at boot by higher rooms */
/* A timer of @v expired: VIRQ_TIMER. */
extern void (*sched_timer_event)(struct vcpu *v);
/* SCHEDOP_poll: 1 pending, 0 not, -EINVAL no such port. */
extern int (*sched_port_pending)(struct domain *d, uint32_t port);
/* VCPUOP_register_vcpu_info. */
extern int (*vcpu_info_register_hook)(struct vcpu *v, uint64_t mfn,
				      uint32_t offset);
/* set_debugreg for a vcpu that does not run; -EINVAL. */
extern int (*vcpu_debugreg_hook)(struct vcpu *v, unsigned int reg,
				 uint64_t value);

#endif /* HV_SCHED_SCHED_H */
