/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's and a domain's part in the scheduler: made, weighed, freed; their
 * timers.
 *
 * A vcpu's timers follow it: when it runs on another CPU they move to that
 * CPU's heap, so that in steady state none needs a cross-CPU interrupt.  A
 * periodic tick is for a running vcpu; one that comes while the vcpu is off
 * its CPU is given when it is back.
 */
#include <pv/sched.h>

#include "hv/sched/internal.h"

void (*sched_timer_event)(struct vcpu *v);

/* ---- timers of a vcpu */

static void singleshot_expired(void *arg)
{
	sched_timer_event(arg);
}

static void poll_expired(void *arg)
{
	sched_settle(arg, VCPU_POLLING, 0);
}

/* Give the tick that is due and set the next. */
static void periodic_tick(struct vcpu *v, uint64_t now)
{
	struct vcpu_timers *vt = v->timers;

	vt->next_tick += vt->period;
	if (vt->next_tick <= now)
		vt->next_tick = now + vt->period;
	timer_set(&vt->periodic, vt->next_tick);
	sched_timer_event(v);
}

static void periodic_expired(void *arg)
{
	struct vcpu *v = arg;

	if (v == current && READ_ONCE(v->timers->period))
		periodic_tick(v, now_ns());
}

void vcpu_time_arrive(struct vcpu *v, uint64_t now)
{
	struct vcpu_timers *vt = v->timers;

	if (unlikely(vt->singleshot.cpu != this_cpu->id)) {
		timer_migrate(&vt->singleshot, this_cpu->id);
		timer_migrate(&vt->periodic, this_cpu->id);
		timer_migrate(&vt->poll, this_cpu->id);
	}
	if (unlikely(READ_ONCE(vt->period)) && !vt->periodic.set)
		periodic_tick(v, now);
	if (unlikely(!v->sched->time_version))
		vcpu_time_update(v);
}

/* ---- domains */

/* The next period of a domain with parked vcpus. */
static void budget_expired(void *arg)
{
	struct sched_domain *sd = arg;
	struct vcpu *v;
	bool left;

	spin_lock(&sd->lock);
	left = !sd->budget.quota || budget_refill(&sd->budget, now_ns());
	spin_unlock(&sd->lock);
	if (!left) {
		timer_set(&sd->refill, sd->budget.period_end);
		return;
	}
	for_each_vcpu (sd->domain, v)
		if (v->sched)
			sched_settle(v, VCPU_PARKED, 0);
}

static void watchdog_expired(void *arg)
{
	domain_shutdown(arg, SHUTDOWN_watchdog);
}

static struct sched_domain *sched_domain_of(const struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v)
		if (v->sched)
			return v->sched->dom;
	return NULL;
}

static struct sched_domain *sched_domain_get(struct domain *d, unsigned int cpu)
{
	struct sched_domain *sd = sched_domain_of(d);

	if (!sd) {
		sd = hv_alloc(sizeof(*sd));
		if (!sd)
			return NULL;
		sd->domain = d;
		spin_lock_init(&sd->lock, RUNG_TIMER);
		timer_init(&sd->refill, budget_expired, sd, cpu);
		for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
			timer_init(&sd->watchdog[i], watchdog_expired, d, cpu);
		budget_set(&sd->budget, d->cap, now_ns());
	}
	sd->vcpus++;
	return sd;
}

void sched_set_weight(struct domain *d, unsigned int weight, unsigned int cap)
{
	struct sched_domain *sd = sched_domain_of(d);
	uint64_t now = now_ns();

	WRITE_ONCE(d->weight, weight ? weight : SCHED_WEIGHT);
	d->cap = cap;
	if (!sd)
		return;
	spin_lock(&sd->lock);
	budget_set(&sd->budget, cap, now);
	spin_unlock(&sd->lock);
	timer_set(&sd->refill, now); /* whoever is parked is judged anew */
}

/* ---- vcpus */

int sched_vcpu_init(struct vcpu *v, unsigned int cpu)
{
	struct sched_vcpu *sv = hv_alloc(sizeof(*sv));

	if (!sv)
		return -ENOMEM;
	sv->dom = sched_domain_get(v->domain, cpu);
	if (!sv->dom) {
		hv_free(sv);
		return -ENOMEM;
	}
	sv->vcpu = v;
	list_init(&sv->e.link);
	sv->runstate.state = RUNSTATE_offline;
	sv->runstate.state_entry_time = now_ns();
	timer_init(&sv->timers.singleshot, singleshot_expired, v, cpu);
	timer_init(&sv->timers.periodic, periodic_expired, v, cpu);
	timer_init(&sv->timers.poll, poll_expired, v, cpu);
	v->state |= VCPU_DOWN;
	v->cpu = cpu;
	v->timers = &sv->timers;
	v->sched = sv;
	return 0;
}

/* The domain's, too: its refill looks at all vcpus. */
static void timers_kill(struct sched_vcpu *sv)
{
	timer_kill(&sv->dom->refill);
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		timer_kill(&sv->dom->watchdog[i]);
	sv->timers.period = 0;
	timer_kill(&sv->timers.singleshot);
	timer_kill(&sv->timers.periodic);
	timer_kill(&sv->timers.poll);
}

void sched_vcpu_destroy(struct vcpu *v)
{
	if (!v->sched)
		return;
	timers_kill(v->sched);
	area_release(&v->sched->runstate_area);
	area_release(&v->sched->time_area);
}

void sched_vcpu_free(struct vcpu *v)
{
	struct sched_vcpu *sv = v->sched;
	struct sched_domain *sd;

	if (!sv)
		return;
	sd = sv->dom;
	timers_kill(sv);
	v->sched = NULL;
	v->timers = NULL;
	hv_free(sv);
	if (!--sd->vcpus)
		hv_free(sd);
}
