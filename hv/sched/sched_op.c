/* SPDX-License-Identifier: MIT */
/*
 * sched_op: a guest gives up its CPU, ends its domain, sets a watchdog.
 *
 * Nothing waits inside a call.  A call that blocks marks the vcpu as waiting
 * and answers 0; the exit path then runs somebody else, and the guest sees the
 * answer when it is run again.
 */
#include <pv/sched.h>

#include "hv/lib/string.h"
#include "hv/sched/internal.h"

int (*sched_port_pending)(struct domain *d, uint32_t port);

/* SCHEDOP_shutdown now, SCHEDOP_shutdown_code for a later one to report. */
static long sched_shutdown(uint64_t arg, bool now)
{
	struct sched_domain *sd = current->sched->dom;
	struct pv_sched_shutdown op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.reason > SHUTDOWN_MAX)
		return -EINVAL;
	if (!now || !sd->code_set)
		sd->code = op.reason;
	if (now)
		domain_shutdown(sd->domain, sd->code);
	else
		sd->code_set = true;
	return 0;
}

static long sched_remote_shutdown(uint64_t arg)
{
	struct pv_sched_remote_shutdown op;
	struct domain *d;

	if (!current->domain->privileged)
		return -EPERM;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.reason > SHUTDOWN_MAX || op.domain_id == current->domain->id ||
	    op.domain_id == DOMID_SELF)
		return -EINVAL;
	d = domain_get(op.domain_id);
	if (!d)
		return -ESRCH;
	domain_shutdown(d, op.reason);
	domain_put(d);
	return 0;
}

/* Need the poll not wait?  1, 0, or -EINVAL for a port that is none. */
static int poll_ready(const struct vcpu *v, const struct pv_sched_poll *op,
		      const uint32_t *ports)
{
	int rc = op->timeout && op->timeout <= now_ns();

	if (READ_ONCE(v->info->evtchn_upcall_pending) &&
	    !READ_ONCE(v->info->evtchn_upcall_mask))
		rc = 1;
	for (uint32_t i = 0; i < op->nr_ports && rc >= 0; i++) {
		int pending = sched_port_pending(v->domain, ports[i]);

		rc = pending ? pending : rc;
	}
	return rc;
}

static long sched_poll(uint64_t arg)
{
	struct vcpu *v = current;
	uint32_t ports[PV_SCHED_POLL_MAX];
	struct pv_sched_poll op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.nr_ports > PV_SCHED_POLL_MAX)
		return -EINVAL;
	if (copy_from_guest(ports, op.ports, op.nr_ports * sizeof(ports[0])))
		return -EFAULT;

	memset(v->poll_mask, 0, sizeof(v->poll_mask));
	for (uint32_t i = 0; i < op.nr_ports; i++)
		v->poll_mask[ports[i] % 256 / 64] |= 1ull << ports[i] % 64;
	sched_settle(v, 0, VCPU_POLLING);
	/* ORDER: state before ports; pairs with whoever raises a port, who
	 * makes it pending and then looks at the state. */
	smp_mb();
	rc = poll_ready(v, &op, ports);
	if (rc) {
		sched_settle(v, VCPU_POLLING, 0);
		return min(rc, 0);
	}
	if (op.timeout)
		timer_set(&v->timers->poll, op.timeout);
	if (op.timeout && !(READ_ONCE(v->state) & VCPU_POLLING))
		timer_stop(&v->timers->poll); /* it was woken before that */
	return 0;
}

/* A new one's id (from 1), or 0. */
static long sched_watchdog(uint64_t arg)
{
	struct sched_domain *sd = current->sched->dom;
	struct pv_sched_watchdog op;
	uint32_t id;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	id = op.id;
	if (!id && op.timeout)
		while (id < NR_WATCHDOGS &&
		       atomic_fetch_or(&sd->watchdogs, 1u << id) >> id & 1)
			id++;
	else if (!id || --id >= NR_WATCHDOGS ||
		 !(READ_ONCE(sd->watchdogs) >> id & 1))
		return -EINVAL;
	if (id == NR_WATCHDOGS)
		return -EEXIST;

	if (op.timeout) {
		timer_set(&sd->watchdog[id],
			  now_ns() + op.timeout * 1000000000ull);
	} else {
		timer_stop(&sd->watchdog[id]);
		atomic_fetch_and(&sd->watchdogs, ~(1u << id));
	}
	return op.id ? 0 : id + 1;
}

long hc_sched_op(uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case SCHEDOP_yield:
		vcpu_yield();
		return 0;
	case SCHEDOP_block:
		WRITE_ONCE(current->info->evtchn_upcall_mask, 0);
		vcpu_block();
		return 0;
	case SCHEDOP_shutdown:
		return sched_shutdown(arg, true);
	case SCHEDOP_poll:
		return sched_poll(arg);
	case SCHEDOP_remote_shutdown:
		return sched_remote_shutdown(arg);
	case SCHEDOP_shutdown_code:
		return sched_shutdown(arg, false);
	case SCHEDOP_watchdog:
		return sched_watchdog(arg);
	default:
		return -ENOSYS;
	}
}
