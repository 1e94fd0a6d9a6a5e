/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef HV_SCHED_INTERNAL_H
#define HV_SCHED_INTERNAL_H

#include <pv/errno.h>

#include "hv/sched/runq.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

#define NR_WATCHDOGS 2
#define VCPU_PARKED  (1u << 31) /* v->state: its domain's budget is used up */

/* Guest memory that we write at switches; its frames are held as writable. */
struct guest_area {
	uint8_t *part[2]; /* NULL: not registered; [1] if it crosses a page  */
	uint32_t first; /* bytes in part[0]                                  */
};

struct vcpu_timers {
	struct timer singleshot, periodic, poll;
	uint64_t period; /* 0: no periodic timer                             */
	uint64_t next_tick;
};

/* What a domain's vcpus share. */
struct sched_domain {
	struct domain *domain;
	uint32_t vcpus; /* how many hold this                                */
	uint32_t active; /* of them, that run or want to                     */
	spinlock_t lock; /* RUNG_TIMER: budget                               */
	struct budget budget;
	struct timer refill;
	struct timer watchdog[NR_WATCHDOGS];
	uint32_t watchdogs; /* bit n: watchdog n is in use                   */
	bool code_set; /* SCHEDOP_shutdown_code was called                   */
	uint32_t code;
};

/* LOCKING  The lock of the vcpu's CPU. */
struct sched_vcpu {
	struct runq_entity e;
	struct vcpu *vcpu;
	struct sched_domain *dom;
	bool active; /* counted in dom->active                               */
	bool yield;
	struct pv_vcpu_runstate_info runstate;
	struct guest_area runstate_area, time_area;
	uint32_t time_version; /* 0: the clock words were never written      */
	struct vcpu_timers timers;
};

struct cpu_sched {
	spinlock_t lock; /* RUNG_SCHED: its vcpus' states, the queue         */
	struct runq q;
	unsigned int cpu;
	struct vcpu *idle;
	struct vcpu *curr; /* chosen; this_cpu->curr follows                 */
	uint64_t slice_start; /* when curr was chosen                        */
	uint64_t charged; /* until when curr has been charged                */
	uint64_t idle_ns; /* how long idle has run, until slice_start        */
	uint64_t next_balance;
	struct timer slice;
	struct timer idle_long; /* ends sleep, when: sched_idle_long         */
};

static inline struct sched_vcpu *runq_vcpu(struct runq_entity *e)
{
	return container_of(e, struct sched_vcpu, e);
}

/* sched.c */
struct cpu_sched *sched_lock(struct vcpu *v) NO_ANALYSIS;
/* Clear and set bits of v->state, then run it, queue it or stop it. */
void sched_settle(struct vcpu *v, uint32_t clear, uint32_t set);

/* runstate.c; under the lock of @v's CPU */
void runstate_change(struct vcpu *v, int state, uint64_t now, bool publish);
void runstate_publish(struct vcpu *v);
int area_register(struct guest_area *a, struct domain *d, uint64_t gva,
		  size_t size) MUST_CHECK;
void area_release(struct guest_area *a);

/* vcpu.c: @v begins to run on this CPU. */
void vcpu_time_arrive(struct vcpu *v, uint64_t now);

#endif /* HV_SCHED_INTERNAL_H */
