/* SPDX-License-Identifier: MIT */
/* One CPU's queue of vcpus that wait to run, and a domain's budget. */
#ifndef HV_SCHED_RUNQ_H
#define HV_SCHED_RUNQ_H

#include "hv/lib/list.h"

#define SCHED_SLICE_NS  6000000ull /* while others wait                    */
#define SCHED_CREDIT_NS 4000000ll /* what a sleeper may be ahead by        */
#define SCHED_DEBT_NS   40000000ll /* what a newcomer may be behind by     */
#define SCHED_GRAIN_NS  500000ll /* closer calls do not preempt            */
#define SCHED_LAG_NS    20000000ll /* behind another CPU: move there       */
#define SCHED_PERIOD_NS 20000000ull /* of a cap                            */
#define SCHED_WEIGHT    256 /* the default                                 */

struct runq_entity {
	struct list link;
	uint64_t
		vruntime; /* ns at the default weight; compare by runq_ahead() */
	bool queued;
};

struct runq {
	struct list waiting; /* the least vruntime first                     */
	unsigned int nr;
	uint64_t min; /* what it has served everyone up to                   */
};

/* How far a is ahead of b, nanoseconds; wraps correctly. */
static inline int64_t runq_ahead(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b);
}

void runq_init(struct runq *q);
/* Who is next; NULL if nobody waits. */
struct runq_entity *runq_first(const struct runq *q);
/*
 * Bring a newcomer's account (a waker's, a migrant's) in line with the queue,
 * or with the machine's if nobody is there.
 */
void runq_place(struct runq *q, struct runq_entity *e, bool busy,
		uint64_t vclock);
void runq_insert(struct runq *q, struct runq_entity *e);
void runq_remove(struct runq *q, struct runq_entity *e);
/*
 * The running @e has used @ns of the CPU; @weight is never 0.  *vclock is the
 * machine's: how far queues with waiters have got.
 */
void runq_charge(struct runq *q, struct runq_entity *e, uint64_t ns,
		 uint32_t weight, uint64_t *vclock);
/* The running @e lets the others go first. */
void runq_yield(const struct runq *q, struct runq_entity *e);
/* Must the newcomer replace what runs? */
bool runq_preempts(const struct runq_entity *e, const struct runq_entity *curr);

/* A domain with a cap may use quota nanoseconds in each period. */
struct budget {
	int64_t left; /* below 0: overdrawn, the next period pays            */
	uint64_t quota; /* 0: no cap                                         */
	uint64_t period_end;
};
void budget_set(struct budget *b, unsigned int percent, uint64_t now);
/* Begin a new period if it is time; true if something is left. */
bool budget_refill(struct budget *b, uint64_t now);

#endif /* HV_SCHED_RUNQ_H */
