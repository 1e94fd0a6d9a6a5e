/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's and a domain's part in the scheduler: made, weighed, freed; the cap
 * that is refilled each period.
 */
#include <pv/sched.h>

#include "hv/sched/internal.h"

/* The next period of a domain whose vcpus are parked. */
static void sched_refill(void *arg)
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
			sched_unpark(v->sched);
}

static void watchdog_expired(void *arg)
{
	domain_shutdown(arg, SHUTDOWN_watchdog);
}

static struct sched_domain *sched_domain_get(struct domain *d, unsigned int cpu)
{
	struct sched_domain *sd;
	struct vcpu *v;

	for_each_vcpu (d, v) {
		if (v->sched) {
			v->sched->dom->vcpus++;
			return v->sched->dom;
		}
	}
	sd = hv_alloc(sizeof(*sd));
	if (!sd)
		return NULL;
	sd->domain = d;
	sd->vcpus = 1;
	spin_lock_init(&sd->lock, RUNG_TIMER);
	timer_init(&sd->refill, sched_refill, sd, cpu);
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		timer_init(&sd->watchdog[i], watchdog_expired, d, cpu);
	budget_set(&sd->budget, d->cap, now_ns());
	return sd;
}

static void sched_domain_put(struct sched_domain *sd)
{
	if (--sd->vcpus)
		return;
	timer_kill(&sd->refill);
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		timer_kill(&sd->watchdog[i]);
	hv_free(sd);
}

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
	sv->affinity = ~0ull;
	list_init(&sv->e.link);
	sv->runstate.state = RUNSTATE_offline;
	sv->runstate.state_entry_time = now_ns();
	v->state |= VCPU_DOWN;
	v->cpu = cpu;
	v->timers = &sv->timers;
	vcpu_timers_init(v);
	v->sched = sv;
	return 0;
}

void sched_vcpu_destroy(struct vcpu *v)
{
	struct sched_vcpu *sv = v->sched;

	if (!sv)
		return;
	vcpu_timers_kill(v);
	area_release(&sv->runstate_area);
	area_release(&sv->time_area);
	v->sched = NULL;
	v->timers = NULL;
	sched_domain_put(sv->dom);
	hv_free(sv);
}

void sched_set_weight(struct domain *d, unsigned int weight, unsigned int cap)
{
	struct sched_domain *sd = NULL;
	struct vcpu *v;

	WRITE_ONCE(d->weight, weight ? weight : SCHED_WEIGHT);
	d->cap = cap;
	for_each_vcpu (d, v)
		if (v->sched)
			sd = v->sched->dom;
	if (!sd)
		return;
	spin_lock(&sd->lock);
	budget_set(&sd->budget, cap, now_ns());
	spin_unlock(&sd->lock);
	/* Whoever was parked is judged anew. */
	timer_set(&sd->refill, now_ns());
}
