/* SPDX-License-Identifier: MIT */
/*
 * Bindings: giving a port its meaning and taking it away.
 *
 * LOCKING  One lock, evtchn_lock, for the bindings of all domains.  A binding
 * often has two ends in two domains, changes a few times in a guest's life,
 * and the work under the lock is a few stores; one lock makes every change of
 * both ends one step, with no order between domains to get wrong.  What
 * senders read (state, peer) changes under the port's own lock as well, one
 * port at a time.  A send between the two halves of a close finds an unbound
 * port or raises one that is about to be free: neither is harmful.
 *
 * A port is reserved first and bound later, so that the caller can hand its
 * number to the guest (which may fault) before the binding is there.
 *
 * An interdomain port points to its peer domain without a reference: a domain
 * closes all its ports before it goes away, which unbinds its peers', and no
 * port is bound to a domain that is dying.
 */
#include "hv/evtchn/internal.h"

spinlock_t evtchn_lock = SPINLOCK_INIT(RUNG_EVTCHN);
const struct pirq_ops *pirq_ops;

int port_reserve(struct domain *d, uint32_t *port)
{
	struct port_table *t = &d->evtchn->ports;
	int rc;

	spin_lock(&evtchn_lock);
	rc = port_alloc(t, port);
	if (rc == -EAGAIN) {
		void *page = heap_alloc(0);

		if (page) {
			port_table_add_page(t, page);
			rc = port_alloc(t, port);
		} else {
			rc = -ENOMEM;
		}
	}
	spin_unlock(&evtchn_lock);
	return rc;
}

void port_unreserve(struct domain *d, uint32_t port)
{
	spin_lock(&evtchn_lock);
	port_release(&d->evtchn->ports, port);
	spin_unlock(&evtchn_lock);
}

/* Give a reserved port its meaning: senders see all of it or nothing. */
static void publish(struct port *p, enum port_state state, struct port to)
	MUST_HOLD(evtchn_lock)
{
	spin_lock(&p->lock);
	p->vcpu = to.vcpu;
	p->remote_dom = to.remote_dom;
	p->peer = to.peer;
	p->peer_port = to.peer_port; /* or pirq, or virq */
	port_move(p, state);
	spin_unlock(&p->lock);
}

static bool vcpu_exists(const struct domain *d, unsigned int vcpu)
{
	return vcpu < d->max_vcpus && d->vcpu[vcpu];
}

int port_bind_unbound(struct domain *d, uint32_t port, domid_t remote)
{
	int rc = 0;

	spin_lock(&evtchn_lock);
	if (d->dying)
		rc = -ESRCH;
	else
		publish(port_at(&d->evtchn->ports, port), PORT_UNBOUND,
			(struct port){.remote_dom = remote});
	spin_unlock(&evtchn_lock);
	return rc;
}

/* Both ends, in one step for everybody but senders. */
static int connect(struct domain *d, uint32_t port, struct domain *rd,
		   uint32_t rport) MUST_HOLD(evtchn_lock)
{
	struct port *p = port_at(&d->evtchn->ports, port);
	struct port *r = port_at(&rd->evtchn->ports, rport);

	if (d->dying || rd->dying)
		return -ESRCH;
	if (!r || r->state != PORT_UNBOUND || r->remote_dom != d->id)
		return -EINVAL;
	publish(p, PORT_INTERDOMAIN,
		(struct port){.peer = rd, .peer_port = rport});
	publish(r, PORT_INTERDOMAIN,
		(struct port){.vcpu = r->vcpu, .peer = d, .peer_port = port});
	/* The other end may have sent while nobody listened. */
	spin_lock(&p->lock);
	port_raise(d, port);
	spin_unlock(&p->lock);
	return 0;
}

int port_bind_interdomain(struct domain *d, uint32_t port, domid_t remote,
			  uint32_t rport)
{
	struct domain *rd = domain_get(remote);
	int rc;

	if (!rd)
		return -ESRCH;
	spin_lock(&evtchn_lock);
	rc = connect(d, port, rd, rport);
	spin_unlock(&evtchn_lock);
	domain_put(rd);
	return rc;
}

static uint32_t *virq_slot(struct domain *d, unsigned int virq,
			   unsigned int vcpu)
{
	return &d->evtchn->virq[virq_is_global(virq) ? 0 : vcpu][virq];
}

int port_bind_virq(struct domain *d, uint32_t port, unsigned int virq,
		   unsigned int vcpu)
{
	uint32_t *slot;
	int rc = 0;

	if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu != 0))
		return -EINVAL;
	if (!vcpu_exists(d, vcpu))
		return -ENOENT;
	slot = virq_slot(d, virq, vcpu);

	spin_lock(&evtchn_lock);
	if (*slot) {
		rc = -EEXIST;
	} else {
		publish(port_at(&d->evtchn->ports, port), PORT_VIRQ,
			(struct port){.vcpu = vcpu, .virq = virq});
		WRITE_ONCE(*slot, port);
	}
	spin_unlock(&evtchn_lock);
	return rc;
}

int port_bind_ipi(struct domain *d, uint32_t port, unsigned int vcpu)
{
	if (!vcpu_exists(d, vcpu))
		return -ENOENT;
	spin_lock(&evtchn_lock);
	publish(port_at(&d->evtchn->ports, port), PORT_IPI,
		(struct port){.vcpu = vcpu});
	spin_unlock(&evtchn_lock);
	return 0;
}

/* LOCKING: evtchn_lock; nobody raises the port any more. */
static void make_free(struct domain *d, uint32_t port) MUST_HOLD(evtchn_lock)
{
	struct port *p = port_at(&d->evtchn->ports, port);

	spin_lock(&p->lock);
	port_release(&d->evtchn->ports, port);
	port_clear_pending(d, port);
	spin_unlock(&p->lock);
}

int port_bind_pirq(struct domain *d, uint32_t port, uint32_t pirq, bool share)
{
	struct port *p = port_at(&d->evtchn->ports, port);
	int rc;

	if (!pirq_ops)
		return -EINVAL;
	spin_lock(&evtchn_lock);
	/* Bound before it can fire, or the first interrupt would be lost. */
	publish(p, PORT_PIRQ, (struct port){.pirq = pirq});
	rc = pirq_ops->bind(d, pirq, port, share);
	if (rc) {
		make_free(d, port);
		spin_lock(&p->lock);
		port_move(p, PORT_RESERVED); /* as the caller had it */
		spin_unlock(&p->lock);
	}
	spin_unlock(&evtchn_lock);
	return rc;
}

int port_bind_vcpu(struct domain *d, uint32_t port, unsigned int vcpu)
{
	struct port *p = port_at(&d->evtchn->ports, port);
	int rc = 0;

	if (!vcpu_exists(d, vcpu))
		return -ENOENT;
	spin_lock(&evtchn_lock);
	if (!p || !port_is_open(p) || p->state == PORT_IPI ||
	    (p->state == PORT_VIRQ && !virq_is_global(p->virq))) {
		rc = -EINVAL;
	} else {
		spin_lock(&p->lock);
		WRITE_ONCE(p->vcpu, vcpu);
		port_renotify(d, p, port);
		spin_unlock(&p->lock);
		if (p->state == PORT_PIRQ && pirq_ops->rebind)
			pirq_ops->rebind(d, p->pirq, d->vcpu[vcpu]);
	}
	spin_unlock(&evtchn_lock);
	return rc;
}

/* The peer's end of @p becomes unbound, and its owner may be told. */
static void detach_peer(struct domain *d, struct port *p, bool tell)
	MUST_HOLD(evtchn_lock)
{
	struct domain *rd = p->peer;
	uint32_t rport = p->peer_port;
	struct port *r = port_at(&rd->evtchn->ports, rport);

	publish(r, PORT_UNBOUND,
		(struct port){.vcpu = r->vcpu, .remote_dom = d->id});
	if (!tell)
		return;
	spin_lock(&r->lock);
	port_raise(rd, rport);
	spin_unlock(&r->lock);
}

int port_close(struct domain *d, uint32_t port, bool tell_peer)
{
	struct port *p = port_at(&d->evtchn->ports, port);
	int rc = 0;

	spin_lock(&evtchn_lock);
	if (!p || !port_is_open(p)) {
		rc = -EINVAL;
	} else {
		if (p->state == PORT_PIRQ)
			pirq_ops->unbind(d, p->pirq);
		else if (p->state == PORT_VIRQ)
			WRITE_ONCE(d->evtchn->virq[virq_is_global(p->virq)
							   ? 0
							   : p->vcpu][p->virq],
				   0);
		else if (p->state == PORT_INTERDOMAIN)
			detach_peer(d, p, tell_peer);
		make_free(d, port);
	}
	spin_unlock(&evtchn_lock);
	return rc;
}

void ports_close_all(struct domain *d, unsigned int *budget, bool tell_peers)
{
	struct port_table *t = &d->evtchn->ports;

	for (uint32_t n = 0; n < t->nr && *budget; n++) {
		if (port_is_open(port_at(t, n)) &&
		    !port_close(d, n, tell_peers))
			(*budget)--;
	}
}
