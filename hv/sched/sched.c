/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which vcpu each CPU runs.
 *
 * Each CPU has a run queue (runq.c decides the order) and a lock, which also
 * covers the states of the vcpus whose v->cpu it is.  All changes go one way:
 * change a state bit or a pause count, then sched_settle(), which makes the
 * queue agree.  A vcpu that is on a CPU is never taken from it by another:
 * the other sets need_resched there and kicks.
 *
 * There is no stack per vcpu and nothing to return to: schedule() runs on the
 * exit path, exchanges the registers that the exit will load, and returns.
 * v->running stays set until they are saved; meanwhile no other CPU may take
 * the vcpu, so it can only be queued where it is.
 *
 * A CPU whose queue is empty has no tick.  Else the slice timer ends the turn
 * of whoever runs.  Three things spread the load: a waker goes to an idle CPU;
 * a CPU that would go idle takes a waiter from another; and a CPU with waiters
 * hands the one who is owed most to a CPU where the running one is far ahead
 * of it, so shares are fair across CPUs too.
 *
 * LOCKING  One run queue lock at a time.  A vcpu moves by changing v->cpu under
 * the old CPU's lock while it is on no queue; whoever holds the new CPU's lock
 * next queues it.
 */
#include "hv/lib/bug.h"
#include "hv/sched/internal.h"

#define BALANCE_NS    20000000ull
#define IDLE_LONG_NS  2000000ull
#define BUDGET_MIN_NS 100000ull /* a shorter turn is not worth the switch */

static cpumask_t idle_cpus; /* marked as having nothing to do */
static uint64_t vclock; /* racy by a little, which does no harm */

struct cpu_sched *sched_lock(struct vcpu *v) NO_ANALYSIS
{
	struct cpu_sched *cs;

	for (;;) {
		cs = cpus[READ_ONCE(v->cpu)]->sched;
		spin_lock(&cs->lock);
		if (likely(v->cpu == cs->cpu))
			return cs;
		spin_unlock(&cs->lock);
	}
}

/* Make a CPU go through schedule(). */
static void sched_poke(struct cpu_sched *cs) MUST_HOLD(cs->lock)
{
	if (atomic_exchange(&cpus[cs->cpu]->need_resched, true))
		return;
	if (cs->cpu != this_cpu->id)
		sched_kick_cpu(cs->cpu);
}

static bool vcpu_may_run(const struct vcpu *v)
{
	const struct domain *d = v->domain;

	return !v->state && !READ_ONCE(v->pause_count) &&
	       !READ_ONCE(d->pause_count) && !READ_ONCE(d->shut_down);
}

/* Its runstate while it is on no CPU. */
static int vcpu_rest_state(const struct vcpu *v)
{
	if (v->state == VCPU_PARKED || vcpu_may_run(v))
		return RUNSTATE_runnable;
	if (v->state & VCPU_DOWN || !v->state)
		return RUNSTATE_offline;
	return RUNSTATE_blocked;
}

static void sched_set_active(struct sched_vcpu *sv, bool active)
{
	if (sv->active == active)
		return;
	sv->active = active;
	if (active)
		atomic_fetch_add(&sv->dom->active, 1);
	else
		atomic_fetch_sub(&sv->dom->active, 1);
}

/* A domain's weight is shared by those of its vcpus that want a CPU. */
static void sched_set_rate(struct sched_vcpu *sv)
{
	sv->e.rate = runq_rate(READ_ONCE(sv->vcpu->domain->weight),
			       max(READ_ONCE(sv->dom->active), 1u));
}

/* Charge what runs on the CPU until now. */
static void sched_charge(struct cpu_sched *cs, uint64_t now) MUST_HOLD(cs->lock)
{
	struct sched_vcpu *sv = cs->curr->sched;
	uint64_t ns = now > cs->charged ? now - cs->charged : 0;

	if (cs->curr == cs->idle || !ns)
		return;
	cs->charged = now;
	sched_set_rate(sv);
	runq_charge(&cs->q, &sv->e, ns, &vclock);
	if (READ_ONCE(sv->dom->budget.quota)) {
		spin_lock(&sv->dom->lock);
		sv->dom->budget.left -= (int64_t)ns;
		spin_unlock(&sv->dom->lock);
	}
}

/* Has its domain used up its cap?  Then it waits for the refill. */
static bool sched_park(struct vcpu *v, uint64_t now)
{
	struct sched_domain *sd = v->sched->dom;
	bool left;

	if (likely(!READ_ONCE(sd->budget.quota)))
		return false;
	spin_lock(&sd->lock);
	left = budget_refill(&sd->budget, now);
	spin_unlock(&sd->lock);
	if (left)
		return false;
	v->state |= VCPU_PARKED;
	if (!sd->refill.set)
		timer_set(&sd->refill, sd->budget.period_end);
	return true;
}

/* The turn of curr ends when others wait, or when its domain's budget does. */
static void sched_set_slice(struct cpu_sched *cs, uint64_t now)
	MUST_HOLD(cs->lock)
{
	const struct sched_domain *sd;
	uint64_t end = TIME_NEVER, left;

	if (cs->curr != cs->idle) {
		sd = cs->curr->sched->dom;
		if (cs->q.nr)
			end = cs->slice_start + SCHED_SLICE_NS;
		if (unlikely(READ_ONCE(sd->budget.quota))) {
			left = (uint64_t)max(sd->budget.left, (int64_t)0);
			left /= max(READ_ONCE(sd->active), 1u);
			end = min(end, now + max(left, BUDGET_MIN_NS));
		}
	}
	if (end == TIME_NEVER && cs->slice.set)
		timer_stop(&cs->slice);
	else if (end != TIME_NEVER &&
		 (!cs->slice.set || cs->slice.expires != end))
		timer_set(&cs->slice, end);
}

static void sched_slice_end(void *arg)
{
	(void)arg;
	this_cpu->need_resched = true;
}

static void sched_idle_long_yet(void *arg)
{
	(void)arg; /* its interrupt was enough */
}

bool sched_idle_long(void)
{
	struct cpu_sched *cs = this_cpu->sched;
	uint64_t since = cs->slice_start;

	if (now_ns() - since >= IDLE_LONG_NS)
		return true;
	if (!cs->idle_long.set)
		timer_set(&cs->idle_long, since + IDLE_LONG_NS);
	return false;
}

static void sched_mark_busy(const struct cpu_sched *cs)
{
	cpumask_t bit = 1ull << cs->cpu;

	if (READ_ONCE(idle_cpus) & bit)
		atomic_fetch_and(&idle_cpus, ~bit);
}

/* Put a vcpu that may run on the queue of its CPU. */
static void sched_enqueue(struct cpu_sched *cs, struct sched_vcpu *sv,
			  uint64_t credit, uint64_t now) MUST_HOLD(cs->lock)
{
	struct runq_entity *curr = NULL;

	if (cs->curr != cs->idle) {
		sched_charge(cs, now);
		curr = &cs->curr->sched->e;
	} else {
		sched_mark_busy(cs);
	}
	sched_set_rate(sv);
	runq_place(&cs->q, &sv->e, curr, credit, READ_ONCE(vclock));
	runq_insert(&cs->q, &sv->e);
	if (!curr || runq_preempts(&sv->e, curr))
		sched_poke(cs);
	else
		sched_set_slice(cs, now);
}

/* An idle CPU, not marked so any more, at best the one where it was. */
static unsigned int sched_choose_cpu(const struct vcpu *v)
{
	cpumask_t idle, bit = 1ull << v->cpu;

	while ((idle = READ_ONCE(idle_cpus))) {
		if (!(idle & bit))
			bit = idle & -idle;
		if (atomic_fetch_and(&idle_cpus, ~bit) & bit)
			return (unsigned int)__builtin_ctzll(bit);
	}
	return v->cpu;
}

/*
 * Tell the guest's other vcpus whether this one is up (VCPUOP_is_up).  It is
 * until it has left its CPU: lend.c and guests that free its stack rely on it.
 */
static void sched_show_up(struct vcpu *v, bool on_cpu)
{
	uint64_t *up = &v->domain->tramp->vcpus_up, bit = 1ull << v->id;

	if (!(v->state & VCPU_DOWN))
		atomic_fetch_or(up, bit);
	else if (!on_cpu)
		atomic_fetch_and(up, ~bit);
}

static bool sched_wants_queue(const struct cpu_sched *cs, const struct vcpu *v)
{
	return cs->curr != v && !v->sched->e.queued && vcpu_may_run(v);
}

void sched_settle(struct vcpu *v, uint32_t clear, uint32_t set) NO_ANALYSIS
{
	struct sched_vcpu *sv = v->sched;
	struct cpu_sched *cs = sched_lock(v), *claimed = NULL;
	/* Who was paused is owed nothing: it did not sleep. */
	uint64_t now, credit = clear & v->state ? SCHED_CREDIT_NS : 0;

	if (clear & v->state & VCPU_POLLING && sv->timers.poll.set)
		timer_stop(&sv->timers.poll);
	v->state = (v->state & ~clear) | set;
	if ((clear | set) & VCPU_DOWN)
		sched_show_up(v, load_acquire(&v->running));
	/* ORDER: its registers are saved before running is cleared. */
	if (sched_wants_queue(cs, v) && !load_acquire(&v->running)) {
		claimed = cpus[sched_choose_cpu(v)]->sched;
		if (claimed != cs) {
			WRITE_ONCE(v->cpu, claimed->cpu);
			spin_unlock(&cs->lock);
			cs = sched_lock(v);
		}
	}

	now = now_ns();
	sched_set_active(sv, vcpu_may_run(v));
	if (sched_wants_queue(cs, v))
		sched_enqueue(cs, sv, credit, now);
	else if (sv->e.queued && !vcpu_may_run(v))
		runq_remove(&cs->q, &sv->e);
	else if (cs->curr == v && !vcpu_may_run(v))
		sched_poke(cs);
	if (cs->curr != v)
		runstate_change(v, vcpu_rest_state(v), now, false);
	if (claimed && (claimed != cs || !sv->e.queued)) {
		/* Things changed between the locks: let the CPU that was
		 * claimed find out that it is idle after all. */
		spin_unlock(&cs->lock);
		cs = claimed;
		spin_lock(&cs->lock);
		sched_poke(cs);
	}
	spin_unlock(&cs->lock);
}

/* ---- the states */

void vcpu_wake(struct vcpu *v)
{
	sched_settle(v, VCPU_BLOCKED | VCPU_POLLING, 0);
}

void vcpu_up(struct vcpu *v)
{
	sched_settle(v, VCPU_DOWN, 0);
}

void vcpu_down(struct vcpu *v)
{
	sched_settle(v, 0, VCPU_DOWN);
}

void vcpu_block(void) NO_ANALYSIS
{
	struct vcpu *v = current;
	struct cpu_sched *cs = sched_lock(v);

	v->state |= VCPU_BLOCKED;
	/* ORDER: state before flag; pairs with whoever raises an event, who
	 * sets the flag and then looks at the state. */
	smp_mb();
	if (READ_ONCE(v->info->evtchn_upcall_pending) ||
	    READ_ONCE(v->nmi_pending))
		v->state &= ~(uint32_t)VCPU_BLOCKED;
	else
		this_cpu->need_resched = true;
	spin_unlock(&cs->lock);
}

void vcpu_yield(void)
{
	current->sched->yield = true;
	this_cpu->need_resched = true;
}

void vcpu_sleep_nosync(struct vcpu *v)
{
	sched_settle(v, 0, 0);
}

void vcpu_sleep_sync(struct vcpu *v)
{
	sched_settle(v, 0, 0);
	while (v != current && load_acquire(&v->running))
		cpu_relax();
}

void vcpu_kick(struct vcpu *v)
{
	unsigned int cpu = READ_ONCE(v->cpu);

	if (READ_ONCE(v->running) && cpu != this_cpu->id)
		sched_kick_cpu(cpu);
}

/* ---- spreading the load */

/* The waiter that is owed most; one whose registers are not yet saved stays. */
static struct sched_vcpu *sched_movable(struct cpu_sched *cs)
	MUST_HOLD(cs->lock)
{
	struct runq_entity *e;

	list_for_each (e, &cs->q.waiting, link)
		if (!load_acquire(&runq_vcpu(e)->vcpu->running))
			return runq_vcpu(e);
	return NULL;
}

/* Move a waiter of @cs to another CPU; false if there is none. */
static bool sched_move(struct cpu_sched *cs, unsigned int cpu) NO_ANALYSIS
{
	struct sched_vcpu *sv;

	spin_lock(&cs->lock);
	sv = sched_movable(cs);
	if (sv) {
		runq_remove(&cs->q, &sv->e);
		WRITE_ONCE(sv->vcpu->cpu, cpu);
	}
	spin_unlock(&cs->lock);
	if (!sv)
		return false;
	cs = sched_lock(sv->vcpu);
	if (sched_wants_queue(cs, sv->vcpu)) /* not done by somebody else */
		sched_enqueue(cs, sv, SCHED_DEBT_NS, now_ns());
	spin_unlock(&cs->lock);
	return true;
}

/* This CPU would go idle: bring a waiter of another CPU here. */
static void sched_pull(unsigned int here)
{
	for (unsigned int i = 1; i < nr_cpus; i++) {
		struct cpu *c = cpus[(here + i) % nr_cpus];
		struct cpu_sched *cs = c ? c->sched : NULL;

		if (cs && READ_ONCE(cs->q.nr) && sched_move(cs, here))
			return;
	}
}

/* How much a CPU owes a waiter of another; an idle one owes everything. */
static uint64_t sched_owed(struct cpu_sched *cs,
			   const struct runq_entity *e) NO_ANALYSIS
{
	uint64_t owed = UINT64_MAX;

	spin_lock(&cs->lock);
	if (cs->curr != cs->idle) {
		sched_charge(cs, now_ns());
		owed = runq_owed(e, cs->curr->sched->e.vruntime);
	}
	spin_unlock(&cs->lock);
	return owed;
}

/* Hand a waiter to the CPU that owes it most. */
static void sched_push(struct cpu_sched *cs) NO_ANALYSIS
{
	unsigned int to = cs->cpu;
	uint64_t owed, most = 0;
	struct runq_entity e = {.rate = 0};
	struct sched_vcpu *sv;
	struct cpu *c;

	spin_lock(&cs->lock);
	sv = sched_movable(cs);
	if (sv)
		e = sv->e;
	spin_unlock(&cs->lock);
	for_each_cpu (c) {
		if (!sv || !c->sched || c->id == cs->cpu)
			continue;
		owed = sched_owed(c->sched, &e);
		if (owed > most) {
			most = owed;
			to = c->id;
		}
	}
	if (most)
		sched_move(cs, to);
}

/* ---- switching */

/* Put what runs back on the queue if it may go on, then take the first. */
static struct vcpu *sched_pick(struct cpu_sched *cs, uint64_t now)
	MUST_HOLD(cs->lock)
{
	struct vcpu *prev = cs->curr;
	struct sched_vcpu *sv = prev->sched;
	struct runq_entity *e;

	if (prev != cs->idle) {
		sched_charge(cs, now);
		if (vcpu_may_run(prev) && !sched_park(prev, now)) {
			if (sv->yield)
				runq_yield(&cs->q, &sv->e);
			runq_insert(&cs->q, &sv->e);
		}
		sched_set_active(sv, vcpu_may_run(prev));
		sv->yield = false;
	}
	e = runq_first(&cs->q);
	return e ? runq_vcpu(e)->vcpu : cs->idle;
}

/* @next becomes curr; prev's rest and next's run begin now. */
static void sched_commit(struct cpu_sched *cs, struct vcpu *next, uint64_t now)
	MUST_HOLD(cs->lock)
{
	struct vcpu *prev = cs->curr;

	if (prev == cs->idle)
		cs->idle_ns += now - cs->slice_start;
	cs->slice_start = cs->charged = now;
	cs->curr = next;
	if (next != cs->idle) {
		runq_remove(&cs->q, &next->sched->e);
		/* ORDER: running before the exit path looks for events; pairs
		 * with vcpu_kick, which looks at running after the event. */
		(void)atomic_exchange(&next->running, true);
		sched_mark_busy(cs);
	} else {
		atomic_fetch_or(&idle_cpus, 1ull << cs->cpu);
	}
	sched_set_slice(cs, now);
	if (prev == next)
		return;
	if (prev != cs->idle)
		runstate_change(prev, vcpu_rest_state(prev), now, true);
	if (next != cs->idle)
		runstate_change(next, RUNSTATE_running, now, true);
}

/* @v, which was taken down, has left this CPU. */
static void sched_left(struct cpu_sched *cs, struct vcpu *v) NO_ANALYSIS
{
	spin_lock(&cs->lock);
	sched_show_up(v, false);
	spin_unlock(&cs->lock);
}

void schedule(void) NO_ANALYSIS
{
	struct cpu_sched *cs = this_cpu->sched;
	struct vcpu *prev = cs->curr, *next;
	bool pulled = false, crowded;
	uint64_t now;

	spin_lock(&cs->lock);
	for (;;) {
		this_cpu->need_resched = false;
		now = now_ns();
		next = sched_pick(cs, now);
		if (next != cs->idle || pulled)
			break;
		/* Nothing here: look elsewhere, once, without our lock. */
		spin_unlock(&cs->lock);
		sched_pull(cs->cpu);
		pulled = true;
		spin_lock(&cs->lock);
	}
	sched_commit(cs, next, now);
	crowded = cs->q.nr && now >= cs->next_balance;
	spin_unlock(&cs->lock);

	if (prev != next) {
		context_switch(prev, next);
		if (unlikely(READ_ONCE(prev->state) & VCPU_DOWN))
			sched_left(cs, prev);
		/* ORDER: its registers are saved, then others may have it. */
		store_release(&prev->running, false);
		if (next != cs->idle)
			vcpu_time_arrive(next, now);
	}
	if (crowded) {
		cs->next_balance = now + BALANCE_NS;
		sched_push(cs);
	}
}

void sched_boot_cpu(struct cpu *c)
{
	struct cpu_sched *cs = hv_alloc(sizeof(*cs));
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < sizeof(struct vcpu))
		order++;
	c->idle = heap_alloc(order);
	if (!cs || !c->idle)
		panic("sched: cpu%u has no memory for its run queue", c->id);
	spin_lock_init(&cs->lock, RUNG_SCHED);
	runq_init(&cs->q);
	timer_init(&cs->slice, sched_slice_end, NULL, c->id);
	timer_init(&cs->idle_long, sched_idle_long_yet, NULL, c->id);
	c->idle->cpu = c->id;
	c->idle->running = true;
	cs->cpu = c->id;
	cs->slice_start = now_ns();
	cs->idle = cs->curr = c->idle;
	c->curr = c->idle;
	store_release(&c->sched, (void *)cs);
	atomic_fetch_or(&idle_cpus, 1ull << c->id);
}
