/* SPDX-License-Identifier: MIT */
/*
 * Fair shares: the decisions of the scheduler, without its locks.
 *
 * A vcpu's vruntime is the CPU time it has used, divided by its weight.  The
 * least runs next, so that in the long run time is shared by weight.  One who
 * slept is not paid for it, except for a small credit that lets it in at once:
 * that is what keeps the latency of I/O low beside busy loops.  Nor does a
 * newcomer from another CPU, where accounts may stand elsewhere, shut out the
 * others or get shut out for longer than a fixed time.
 *
 * Accounts of different CPUs are compared too, to share fairly across them.
 * Those of vcpus that run alone would drift away, since nothing holds them to
 * their share; they are kept near the machine's virtual clock, which the
 * queues with waiters drive.
 *
 * The queue is a sorted list: it holds only vcpus of one CPU that could run
 * this instant, a few.
 *
 * PURE  Built for tests/unit_sched too.
 */
#include "hv/lib/atomic.h"
#include "hv/sched/runq.h"

void runq_init(struct runq *q)
{
	list_init(&q->waiting);
	q->nr = 0;
	q->min = 0;
}

struct runq_entity *runq_first(const struct runq *q)
{
	if (!q->nr)
		return NULL;
	return list_first(&q->waiting, struct runq_entity, link);
}

/* Keep @e between @credit behind @base and a debt ahead of it. */
static void runq_clamp(struct runq_entity *e, uint64_t base, uint64_t credit)
{
	int64_t ahead = runq_ahead(e->vruntime, base);
	int64_t low = -runq_scaled(e, credit);
	int64_t high = runq_scaled(e, SCHED_DEBT_NS);

	if (ahead < low || ahead > high)
		e->vruntime = base + (uint64_t)(ahead < low ? low : high);
}

void runq_place(struct runq *q, struct runq_entity *e, bool busy,
		uint64_t credit, uint64_t vclock)
{
	if (busy || q->nr) {
		runq_clamp(e, q->min, credit);
		return;
	}
	runq_clamp(e, vclock, credit);
	q->min = e->vruntime;
}

void runq_insert(struct runq *q, struct runq_entity *e)
{
	struct list *after = q->waiting.prev;

	/* From the end: those who have just run are there. */
	while (after != &q->waiting &&
	       runq_ahead(list_entry(after, struct runq_entity, link)->vruntime,
			  e->vruntime) > 0)
		after = after->prev;
	list_insert(&e->link, after->next);
	e->queued = true;
	q->nr++;
}

void runq_remove(struct runq *q, struct runq_entity *e)
{
	list_del(&e->link);
	e->queued = false;
	q->nr--;
}

void runq_charge(struct runq *q, struct runq_entity *e, uint64_t ns,
		 uint64_t *vclock)
{
	const struct runq_entity *first = runq_first(q);
	uint64_t least, clock = READ_ONCE(*vclock);

	e->vruntime += (uint64_t)runq_scaled(e, ns);
	if (!first) {
		/* Alone: nobody to be fair to here. */
		runq_clamp(e, clock, SCHED_DEBT_NS);
		q->min = e->vruntime;
		return;
	}
	least = e->vruntime;
	if (runq_ahead(first->vruntime, least) < 0)
		least = first->vruntime;
	if (runq_ahead(least, q->min) > 0)
		q->min = least;
	if (runq_ahead(q->min, clock) > 0)
		WRITE_ONCE(*vclock, q->min);
}

void runq_yield(const struct runq *q, struct runq_entity *e)
{
	const struct runq_entity *first = runq_first(q);

	/* Equals queue behind one another. */
	if (first && runq_ahead(first->vruntime, e->vruntime) > 0)
		e->vruntime = first->vruntime;
}

bool runq_preempts(const struct runq_entity *e, const struct runq_entity *curr)
{
	return runq_ahead(curr->vruntime, e->vruntime) >
	       runq_scaled(e, SCHED_GRAIN_NS);
}

uint64_t runq_owed(const struct runq_entity *e, uint64_t curr)
{
	int64_t owed = runq_ahead(curr, e->vruntime);

	return owed > runq_scaled(e, SCHED_LAG_NS) ? (uint64_t)owed : 0;
}

void budget_set(struct budget *b, unsigned int percent, uint64_t now)
{
	b->quota = percent * (SCHED_PERIOD_NS / 100);
	b->left = (int64_t)b->quota;
	b->period_end = now + SCHED_PERIOD_NS;
}

bool budget_refill(struct budget *b, uint64_t now)
{
	uint64_t periods;

	if (now >= b->period_end) {
		periods = (now - b->period_end) / SCHED_PERIOD_NS + 1;
		b->period_end += periods * SCHED_PERIOD_NS;
		/* A long sleep leaves no more than one period's quota. */
		b->left += (int64_t)(min(periods, 1000ul) * b->quota);
		b->left = min(b->left, (int64_t)b->quota);
	}
	return b->left > 0;
}
