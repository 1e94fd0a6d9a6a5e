/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: a guest starts and stops its virtual CPUs, sets their timers and
 * registers their areas.
 *
 * HOSTILE  Other vcpus of the domain may call for the same vcpu at the same
 * time, or bring it up.  What one sets up that is not its own is claimed first:
 * it is down, has left its CPU, and neither runs nor is claimed again before
 * it is let go.
 */
#include <pv/sched.h>

#include "hv/lib/string.h"
#include "hv/sched/internal.h"

#define PERIOD_MIN_NS 1000000ull
#define PERIOD_MAX_NS (1ull << 48)

int (*vcpu_info_register_hook)(struct vcpu *v, uint64_t mfn, uint32_t offset);

union vcpu_arg {
	struct pv_vcpu_register_runstate_memory_area runstate;
	struct pv_vcpu_set_periodic_timer periodic;
	struct pv_vcpu_set_singleshot_timer singleshot;
	struct pv_vcpu_register_vcpu_info info;
	struct pv_vcpu_register_time_memory_area time;
};

/* How much of it a call takes. */
static const uint8_t arg_size[] = {
	[VCPUOP_register_runstate_memory_area] =
		sizeof(struct pv_vcpu_register_runstate_memory_area),
	[VCPUOP_set_periodic_timer] = sizeof(struct pv_vcpu_set_periodic_timer),
	[VCPUOP_set_singleshot_timer] =
		sizeof(struct pv_vcpu_set_singleshot_timer),
	[VCPUOP_register_vcpu_info] = sizeof(struct pv_vcpu_register_vcpu_info),
	[VCPUOP_register_vcpu_time_memory_area] =
		sizeof(struct pv_vcpu_register_time_memory_area),
};

/* 0, -EINVAL: it is not down, -EBUSY: not yet, or somebody else's. */
static long vcpu_claim(struct vcpu *v) NO_ANALYSIS
{
	struct cpu_sched *cs;
	long rc = 0;

	if (v == current)
		return 0;
	cs = sched_lock(v);
	if (!(v->state & VCPU_DOWN))
		rc = -EINVAL;
	else if (v->state & VCPU_CLAIMED || load_acquire(&v->running))
		rc = -EBUSY;
	else
		v->state |= VCPU_CLAIMED;
	spin_unlock(&cs->lock);
	return rc;
}

static void vcpu_let_go(struct vcpu *v)
{
	if (v != current)
		sched_settle(v, VCPU_CLAIMED, 0);
}

static long vcpu_op_initialise(struct vcpu *v, uint64_t arg)
{
	struct pv_vcpu_guest_context *c;
	long rc;

	if (v->initialised)
		return -EEXIST;
	c = hv_alloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	rc = copy_from_guest(c, arg, sizeof(*c));
	if (!rc)
		rc = vcpu_set_context(v, c);
	hv_free(c);
	return rc;
}

static long vcpu_op_up(struct vcpu *v)
{
	if (!v->initialised)
		return -EINVAL;
	vcpu_up(v);
	return 0;
}

/* The last one that is up takes the domain with it. */
static long vcpu_op_down(struct vcpu *v)
{
	struct vcpu *w;

	vcpu_down(v);
	/* ORDER: this one's state before the others'; pairs with itself. */
	smp_mb();
	for_each_vcpu (v->domain, w)
		if (!(READ_ONCE(w->state) & VCPU_DOWN))
			return 0;
	domain_shutdown(v->domain, SHUTDOWN_poweroff);
	return 0;
}

static long vcpu_op_runstate(struct vcpu *v, uint64_t arg)
{
	struct pv_vcpu_runstate_info r;

	vcpu_runstate_get(v, &r);
	return copy_to_guest(arg, &r, sizeof(r));
}

static long vcpu_op_runstate_area(struct vcpu *v, uint64_t gva) NO_ANALYSIS
{
	struct guest_area new = {.first = 0}, old;
	struct cpu_sched *cs;
	long rc = area_register(&new, v->domain, gva,
				sizeof(struct pv_vcpu_runstate_info));

	if (rc)
		return rc;
	cs = sched_lock(v); /* its CPU may be writing to the old one */
	old = v->sched->runstate_area;
	v->sched->runstate_area = new;
	runstate_publish(v);
	spin_unlock(&cs->lock);
	area_release(&old);
	return 0;
}

static long vcpu_op_time_area(struct vcpu *v, uint64_t gva)
{
	long rc = area_register(&v->sched->time_area, v->domain, gva,
				sizeof(struct pv_vcpu_time_info));

	if (!rc)
		vcpu_time_update(v);
	return rc;
}

static long vcpu_op_periodic(struct vcpu *v, uint64_t period)
{
	struct vcpu_timers *vt = v->timers;

	if (period && (period < PERIOD_MIN_NS || period > PERIOD_MAX_NS))
		return -EINVAL;
	WRITE_ONCE(vt->period, period);
	if (!period) {
		timer_stop(&vt->periodic);
		return 0;
	}
	vt->next_tick = now_ns() + period;
	timer_set(&vt->periodic, vt->next_tick);
	return 0;
}

static long vcpu_op_singleshot(struct vcpu *v,
			       const struct pv_vcpu_set_singleshot_timer *op)
{
	if (v != current)
		return -EINVAL;
	if (op->flags & VCPU_SSHOTTMR_future && op->timeout_abs_ns < now_ns())
		return -ETIME;
	timer_set(&v->timers->singleshot, op->timeout_abs_ns);
	return 0;
}

static long vcpu_op_info(struct vcpu *v,
			 const struct pv_vcpu_register_vcpu_info *op)
{
	long rc = vcpu_info_register_hook(v, op->mfn, op->offset);

	if (!rc)
		vcpu_time_update(v);
	return rc;
}

static long vcpu_op_send_nmi(struct vcpu *v)
{
	WRITE_ONCE(v->nmi_pending, true);
	smp_mb(); /* ORDER: flag before state; pairs with vcpu_block */
	vcpu_wake(v);
	vcpu_kick(v);
	return 0;
}

/* The calls that set up @v: this vcpu, or one that does not run. */
static long vcpu_op_claimed(uint32_t cmd, struct vcpu *v, uint64_t arg,
			    const union vcpu_arg *a)
{
	long rc;

	if (cmd == VCPUOP_initialise && v->initialised)
		return -EEXIST;
	rc = vcpu_claim(v);
	if (rc)
		return rc;
	switch (cmd) {
	case VCPUOP_initialise:
		rc = vcpu_op_initialise(v, arg);
		break;
	case VCPUOP_register_vcpu_info:
		rc = vcpu_op_info(v, &a->info);
		break;
	case VCPUOP_register_vcpu_time_memory_area:
		rc = vcpu_op_time_area(v, a->time.addr);
		break;
	}
	vcpu_let_go(v);
	return rc;
}

long hc_vcpu_op(uint32_t cmd, uint32_t vcpu, uint64_t arg)
{
	struct domain *d = current->domain;
	struct vcpu *v = vcpu < d->max_vcpus ? d->vcpu[vcpu] : NULL;
	union vcpu_arg a;

	if (!v)
		return -ENOENT;
	if (cmd < ARRAY_SIZE(arg_size) && arg_size[cmd] &&
	    copy_from_guest(&a, arg, arg_size[cmd]))
		return -EFAULT;
	switch (cmd) {
	case VCPUOP_initialise:
	case VCPUOP_register_vcpu_info:
	case VCPUOP_register_vcpu_time_memory_area:
		return vcpu_op_claimed(cmd, v, arg, &a);
	case VCPUOP_up:
		return vcpu_op_up(v);
	case VCPUOP_down:
		return vcpu_op_down(v);
	case VCPUOP_is_up:
		return READ_ONCE(d->tramp->vcpus_up) >> vcpu & 1;
	case VCPUOP_get_runstate_info:
		return vcpu_op_runstate(v, arg);
	case VCPUOP_register_runstate_memory_area:
		return vcpu_op_runstate_area(v, a.runstate.addr);
	case VCPUOP_set_periodic_timer:
		return a.periodic.period_ns
			       ? vcpu_op_periodic(v, a.periodic.period_ns)
			       : -EINVAL;
	case VCPUOP_stop_periodic_timer:
		return vcpu_op_periodic(v, 0);
	case VCPUOP_set_singleshot_timer:
		return vcpu_op_singleshot(v, &a.singleshot);
	case VCPUOP_stop_singleshot_timer:
		if (v != current)
			return -EINVAL;
		return hc_set_timer_op(0);
	case VCPUOP_send_nmi:
		return vcpu_op_send_nmi(v);
	case VCPUOP_get_physid:
		return -EINVAL; /* no vcpu is pinned */
	default:
		return -ENOSYS;
	}
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
