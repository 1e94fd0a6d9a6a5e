/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's timers: single-shot, periodic, and the limit of a poll.
 *
 * They follow the vcpu: when it runs on another CPU they move to that CPU's
 * heap, so that in steady state none of them needs a cross-CPU interrupt.  A
 * periodic tick is for a running vcpu; one that comes while the vcpu is off
 * its CPU is given when it is back.
 */
#include "hv/sched/internal.h"

void (*sched_timer_event)(struct vcpu *v);

static void singleshot_expired(void *arg)
{
	sched_timer_event(arg);
}

static void poll_expired(void *arg)
{
	struct vcpu *v = arg;

	if (READ_ONCE(v->state) & VCPU_POLLING)
		sched_settle(v, VCPU_POLLING, 0);
}

/* Give the tick that is due and set the next. */
static void periodic_tick(struct vcpu *v, uint64_t now)
{
	struct vcpu_timers *vt = v->timers;
	uint64_t period = READ_ONCE(vt->period);

	if (!period)
		return;
	vt->next_tick += period;
	if (vt->next_tick <= now)
		vt->next_tick = now + period;
	timer_set(&vt->periodic, vt->next_tick);
	sched_timer_event(v);
}

static void periodic_expired(void *arg)
{
	struct vcpu *v = arg;

	if (READ_ONCE(v->running) && v->cpu == this_cpu->id)
		periodic_tick(v, now_ns());
}

void vcpu_timers_init(struct vcpu *v)
{
	timer_init(&v->timers->singleshot, singleshot_expired, v, v->cpu);
	timer_init(&v->timers->periodic, periodic_expired, v, v->cpu);
	timer_init(&v->timers->poll, poll_expired, v, v->cpu);
}

void vcpu_timers_kill(struct vcpu *v)
{
	v->timers->period = 0;
	timer_kill(&v->timers->singleshot);
	timer_kill(&v->timers->periodic);
	timer_kill(&v->timers->poll);
}

void vcpu_timers_arrive(struct vcpu *v, uint64_t now)
{
	struct vcpu_timers *vt = v->timers;

	if (unlikely(vt->singleshot.cpu != this_cpu->id)) {
		timer_migrate(&vt->singleshot, this_cpu->id);
		timer_migrate(&vt->periodic, this_cpu->id);
		timer_migrate(&vt->poll, this_cpu->id);
	}
	if (READ_ONCE(vt->period) && !vt->periodic.set)
		periodic_tick(v, now);
}

long hc_set_timer_op(uint64_t deadline)
{
	struct timer *t = &current->timers->singleshot;

	if (deadline)
		timer_set(t, deadline);
	else
		timer_stop(t);
	return 0;
}
