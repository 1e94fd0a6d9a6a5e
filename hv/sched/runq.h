/* SPDX-License-Identifier: MIT */
/* One CPU's queue of vcpus that wait to run, and a domain's budget. */
#ifndef HV_SCHED_RUNQ_H
#define HV_SCHED_RUNQ_H

#include "hv/lib/list.h"

#define SCHED_SLICE_NS  6000000ull /* while others wait                    */
#define SCHED_CREDIT_NS 4000000ull /* what is owed to a sleeper            */
#define SCHED_DEBT_NS   100000000ull /* what one may be behind by          */
#define SCHED_GRAIN_NS  500000ull /* closer calls do not preempt           */
#define SCHED_LAG_NS    20000000ull /* owed by another CPU: move there     */
#define SCHED_PERIOD_NS 20000000ull /* of a cap                            */
#define SCHED_WEIGHT    256 /* the default                                 */

struct runq_entity {
	struct list link;
	uint64_t vruntime; /* compare by runq_ahead() only                   */
	uint32_t rate; /* vruntime per ns, 16.16                             */
	bool queued;
};

struct runq {
	struct list waiting; /* the least vruntime first                     */
	unsigned int nr;
	uint64_t min; /* what it has served everyone up to                   */
};

/* How far a is ahead of b; wraps correctly. */
static inline int64_t runq_ahead(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b);
}

/* What @ns of CPU time are in vruntime of @e. */
static inline int64_t runq_scaled(const struct runq_entity *e, uint64_t ns)
{
	return (int64_t)(min(ns, 1ull << 34) * e->rate >> 16);
}

/* One of @active vcpus that share a weight of @weight (1 to 65535). */
static inline uint32_t runq_rate(uint32_t weight, uint32_t active)
{
	return (SCHED_WEIGHT << 16) / weight * active;
}

void runq_init(struct runq *q);
/* Who is next; NULL if nobody waits. */
struct runq_entity *runq_first(const struct runq *q);
/*
 * Bring a newcomer's account in line with the queue, or with the machine's
 * clock if nobody is there: at most @credit is owed to it.
 */
void runq_place(struct runq *q, struct runq_entity *e, bool busy,
		uint64_t credit, uint64_t vclock);
void runq_insert(struct runq *q, struct runq_entity *e);
void runq_remove(struct runq *q, struct runq_entity *e);
/*
 * The running @e has used @ns of the CPU.  *vclock is the machine's: how far
 * queues with waiters have got.
 */
void runq_charge(struct runq *q, struct runq_entity *e, uint64_t ns,
		 uint64_t *vclock);
/* The running @e lets the others go first. */
void runq_yield(const struct runq *q, struct runq_entity *e);
/* Must the newcomer replace what runs? */
bool runq_preempts(const struct runq_entity *e, const struct runq_entity *curr);
/* The same for a waiter of another CPU; how much is it owed?  0: not enough. */
uint64_t runq_owed(const struct runq_entity *e, uint64_t curr);

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
