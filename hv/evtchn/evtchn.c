/* SPDX-License-Identifier: MIT */
/*
 * The event-channel hypercall, and a domain's share of the room.
 *
 * A call that makes a port reserves it, writes its number to the caller and
 * binds it last: a caller whose result cannot be written has made nothing.
 */
#include "hv/evtchn/internal.h"

/* Ports that one entry of EVTCHNOP_reset closes. */
#define RESET_BUDGET 256

/* The control domain serves the whole machine; others, as many as the 2-level
 * format can name, in either format. */
#define PORT_LIMIT            EVTCHN_2L_NR_CHANNELS
#define PORT_LIMIT_PRIVILEGED EVTCHN_FIFO_NR_CHANNELS

static unsigned int dir_order(uint32_t limit)
{
	return limit / PORTS_PER_PAGE * sizeof(void *) > PAGE_SIZE;
}

int evtchn_domain_init(struct domain *d)
{
	uint32_t limit = d->privileged ? PORT_LIMIT_PRIVILEGED : PORT_LIMIT;
	void *dir, *page;

	d->evtchn = heap_alloc(0);
	dir = heap_alloc(dir_order(limit));
	page = heap_alloc(0);
	if (!d->evtchn || !dir || !page)
		goto free;
	d->evtchn->max_ports = d->evtchn->dir_ports = limit;
	port_table_init(&d->evtchn->ports, dir, port_limit(d->evtchn));
	port_table_add_page(&d->evtchn->ports, page);
	return 0;

free:
	if (page)
		heap_free(page, 0);
	if (dir)
		heap_free(dir, dir_order(limit));
	if (d->evtchn)
		heap_free(d->evtchn, 0);
	d->evtchn = NULL;
	return -ENOMEM;
}

void evtchn_limit_ports(struct domain *d, uint32_t max)
{
	struct evtchn_domain *e = d->evtchn;

	spin_lock(&evtchn_lock);
	e->max_ports = min(e->max_ports, max);
	e->ports.limit = port_limit(e);
	spin_unlock(&evtchn_lock);
}

void evtchn_domain_destroy(struct domain *d)
{
	unsigned int all = ~0u;
	struct vcpu *v;

	if (!d->evtchn)
		return;
	ports_close_all(d, &all, true);
	/* Someone may still hold a port reserved, for a moment. */
	while (fifo_leave(d))
		cpu_relax();
	for_each_vcpu (d, v)
		vcpu_info_release(v);
}

void evtchn_domain_free(struct domain *d)
{
	struct port_table *t;

	if (!d->evtchn)
		return;
	t = &d->evtchn->ports;
	for (uint32_t i = 0; i < t->nr / PORTS_PER_PAGE; i++)
		heap_free(t->pages[i], 0);
	heap_free(t->pages, dir_order(d->evtchn->dir_ports));
	heap_free(d->evtchn, 0);
	d->evtchn = NULL;
}

int evtchn_alloc_unbound_for(struct domain *d, domid_t remote, uint32_t *port)
{
	int rc = port_reserve(d, port);

	if (rc)
		return rc;
	rc = port_bind_unbound(d, *port, remote);
	if (rc)
		port_unreserve(d, *port);
	return rc;
}

union evtchn_op {
	struct pv_evtchn_alloc_unbound alloc_unbound;
	struct pv_evtchn_bind_interdomain bind_interdomain;
	struct pv_evtchn_bind_virq bind_virq;
	struct pv_evtchn_bind_pirq bind_pirq;
	struct pv_evtchn_bind_ipi bind_ipi;
	struct pv_evtchn_close close;
	struct pv_evtchn_send send;
	struct pv_evtchn_status status;
	struct pv_evtchn_bind_vcpu bind_vcpu;
	struct pv_evtchn_unmask unmask;
	struct pv_evtchn_reset reset;
	struct pv_evtchn_init_control init_control;
	struct pv_evtchn_expand_array expand_array;
	struct pv_evtchn_set_priority set_priority;
};

/*
 * The domain that a call is about, with a reference: itself, or another if
 * the caller is privileged.
 */
static int find_subject(domid_t id, struct domain **d)
{
	if (id != DOMID_SELF && id != current->domain->id &&
	    !current->domain->privileged)
		return -EPERM;
	*d = domain_get(id);
	return *d ? 0 : -ESRCH;
}

static int bind(struct domain *d, uint32_t port, uint32_t cmd,
		const union evtchn_op *op)
{
	domid_t remote = op->alloc_unbound.remote_dom;

	switch (cmd) {
	case EVTCHNOP_alloc_unbound:
		if (remote == DOMID_SELF)
			remote = current->domain->id;
		return port_bind_unbound(d, port, remote);
	case EVTCHNOP_bind_interdomain:
		return port_bind_interdomain(d, port,
					     op->bind_interdomain.remote_dom,
					     op->bind_interdomain.remote_port);
	case EVTCHNOP_bind_virq:
		return port_bind_virq(d, port, op->bind_virq.virq,
				      op->bind_virq.vcpu);
	case EVTCHNOP_bind_ipi:
		return port_bind_ipi(d, port, op->bind_ipi.vcpu);
	default:
		return port_bind_pirq(d, port, op->bind_pirq.pirq,
				      op->bind_pirq.flags);
	}
}

/*
 * A call that makes a port of @d and writes its number to @result: first, for
 * a binding cannot be undone; an error puts back what was there.
 */
static int make_port(struct domain *d, uint32_t cmd, const union evtchn_op *op,
		     uint64_t result)
{
	uint32_t port, was;
	int rc = port_reserve(d, &port);

	if (rc)
		return rc;
	if (copy_from_guest(&was, result, sizeof(was)) ||
	    copy_to_guest(result, &port, sizeof(port)))
		rc = -EFAULT;
	if (!rc) {
		rc = bind(d, port, cmd, op);
		if (rc && copy_to_guest(result, &was, sizeof(was)))
			rc = -EFAULT;
	}
	if (rc)
		port_unreserve(d, port);
	return rc;
}

static int op_alloc_unbound(const union evtchn_op *op, uint64_t result)
{
	struct domain *d;
	int rc = find_subject(op->alloc_unbound.dom, &d);

	if (rc)
		return rc;
	rc = make_port(d, EVTCHNOP_alloc_unbound, op, result);
	domain_put(d);
	return rc;
}

static int op_bind_pirq(const union evtchn_op *op, uint64_t result)
{
	if (!current->domain->privileged)
		return -EPERM;
	if (op->bind_pirq.flags & ~BIND_PIRQ__WILL_SHARE)
		return -EINVAL;
	return make_port(current->domain, EVTCHNOP_bind_pirq, op, result);
}

static void describe(const struct port *p, struct pv_evtchn_status *out)
{
	static const uint8_t names[PORT_STATES] = {
		[PORT_UNBOUND] = EVTCHNSTAT_unbound,
		[PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_PIRQ] = EVTCHNSTAT_pirq,
		[PORT_VIRQ] = EVTCHNSTAT_virq,
		[PORT_IPI] = EVTCHNSTAT_ipi,
	};

	out->status = names[p->state];
	out->vcpu = p->vcpu;
	if (p->state == PORT_UNBOUND) {
		out->u.unbound.dom = p->remote_dom;
	} else if (p->state == PORT_INTERDOMAIN) {
		out->u.interdomain.dom = p->peer->id;
		out->u.interdomain.port = p->peer_port;
	} else if (p->state == PORT_PIRQ) {
		out->u.pirq = p->pirq;
	} else if (p->state == PORT_VIRQ) {
		out->u.virq = p->virq;
	}
}

static int op_status(struct pv_evtchn_status *op, uint64_t arg)
{
	struct domain *d;
	struct port *p;
	int rc = find_subject(op->dom, &d);

	if (rc)
		return rc;
	op->status = EVTCHNSTAT_closed;
	op->vcpu = 0;
	memset(&op->u, 0, sizeof(op->u));
	p = port_lock_open(d, op->port);
	if (p) {
		describe(p, op);
		port_unlock(p);
	}
	rc = p || port_at(&d->evtchn->ports, op->port)
		     ? copy_to_guest(arg, op, sizeof(*op))
		     : -EINVAL;
	domain_put(d);
	return rc;
}

static int op_unmask(struct domain *d, uint32_t port)
{
	struct port *p = port_lock_open(d, port);

	if (!p)
		return -EINVAL;
	port_unmask(d, p, port);
	port_unlock(p);
	return 0;
}

static int op_reset(domid_t id)
{
	unsigned int budget = RESET_BUDGET;
	struct domain *d;
	int rc = find_subject(id, &d);

	if (rc)
		return rc;
	ports_close_all(d, &budget, false);
	rc = budget && !fifo_leave(d) ? 0 : -ERESTART;
	domain_put(d);
	return rc;
}

static int op_init_control(struct pv_evtchn_init_control *op, uint64_t arg)
{
	uint8_t bits = EVTCHN_FIFO_LINK_BITS;
	int rc = copy_to_guest(
		arg + offsetof(struct pv_evtchn_init_control, link_bits), &bits,
		sizeof(bits));

	if (rc)
		return rc;
	return fifo_init_control(current->domain, op->control_gfn, op->offset,
				 op->vcpu);
}

#define OP_SIZE(name) [EVTCHNOP_##name] = sizeof(((union evtchn_op *)0)->name)

static const uint8_t op_size[] = {
	OP_SIZE(alloc_unbound), OP_SIZE(bind_interdomain),
	OP_SIZE(bind_virq),     OP_SIZE(bind_pirq),
	OP_SIZE(bind_ipi),      OP_SIZE(close),
	OP_SIZE(send),          OP_SIZE(status),
	OP_SIZE(bind_vcpu),     OP_SIZE(unmask),
	OP_SIZE(reset),         OP_SIZE(init_control),
	OP_SIZE(expand_array),  OP_SIZE(set_priority),
};

/* Where a call writes its result. */
#define OUT(field) offsetof(union evtchn_op, field)

long hc_event_channel_op(uint32_t cmd, uint64_t arg)
{
	struct domain *d = current->domain;
	union evtchn_op op;

	if (cmd >= ARRAY_SIZE(op_size))
		return -ENOSYS;
	if (copy_from_guest(&op, arg, op_size[cmd]))
		return -EFAULT;

	switch (cmd) {
	case EVTCHNOP_send:
		return port_send(d, op.send.port);
	case EVTCHNOP_unmask:
		return op_unmask(d, op.unmask.port);
	case EVTCHNOP_alloc_unbound:
		return op_alloc_unbound(&op, arg + OUT(alloc_unbound.port));
	case EVTCHNOP_bind_interdomain:
		return make_port(d, cmd, &op,
				 arg + OUT(bind_interdomain.local_port));
	case EVTCHNOP_bind_virq:
		return make_port(d, cmd, &op, arg + OUT(bind_virq.port));
	case EVTCHNOP_bind_ipi:
		return make_port(d, cmd, &op, arg + OUT(bind_ipi.port));
	case EVTCHNOP_bind_pirq:
		return op_bind_pirq(&op, arg + OUT(bind_pirq.port));
	case EVTCHNOP_bind_vcpu:
		return port_bind_vcpu(d, op.bind_vcpu.port, op.bind_vcpu.vcpu);
	case EVTCHNOP_close:
		return port_close(d, op.close.port, false);
	case EVTCHNOP_status:
		return op_status(&op.status, arg);
	case EVTCHNOP_reset:
		return op_reset(op.reset.dom);
	case EVTCHNOP_init_control:
		return op_init_control(&op.init_control, arg);
	case EVTCHNOP_expand_array:
		return fifo_expand_array(d, op.expand_array.array_gfn);
	case EVTCHNOP_set_priority:
		return fifo_set_priority(d, op.set_priority.port,
					 op.set_priority.priority);
	}
	return -ENOSYS;
}
