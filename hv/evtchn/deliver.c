/* SPDX-License-Identifier: MIT */
/*
 * Raising a port: from "something happened" to "the vcpu looks".
 *
 * A raise sets three things, outermost last: the port's pending bit, the
 * selector (2-level) or ready (FIFO) bit that leads the guest to it, and the
 * vcpu's upcall flag.  The guest clears them in the opposite order before it
 * looks one level down, so whoever comes second sees the other.  Only the
 * step from 0 to 1 goes on to the next level: a burst costs one atomic
 * operation per event.
 *
 * LOCKING  A send takes one lock, its own port's.  While that is held the
 * port stays bound, so its peer domain and the peer's port exist; closing
 * takes the locks of both ends one after the other (bind.c).  Hence a port is
 * raised under its own lock or its peer's, and once it is closed nobody
 * touches the guest memory behind it.  Two raises of one port may race; every
 * step is atomic.
 *
 * HOSTILE  Pending, mask and selector words are the guest's to write.  All we
 * read there are bits that decide whether to go on.
 */
#include "hv/evtchn/internal.h"

bool evtchn_pending(struct vcpu *v)
{
	const struct pv_vcpu_info *info = v->info;

	return READ_ONCE(info->evtchn_upcall_pending) &&
	       !READ_ONCE(info->evtchn_upcall_mask);
}

void vcpu_mark_pending(struct vcpu *v)
{
	struct pv_vcpu_info *info = load_acquire(&v->info);

	if (atomic_exchange(&info->evtchn_upcall_pending, 1))
		return;
	/* ORDER: flag before state; pairs with SCHEDOP_block, which sets
	 * VCPU_BLOCKED before it looks at the flag.  The guest's mask does not
	 * matter: it may be clearing it just now. */
	if (READ_ONCE(v->state) & (VCPU_BLOCKED | VCPU_POLLING))
		vcpu_wake(v);
	else
		vcpu_kick(v);
}

/* ---- the 2-level format -------------------------------------------------- */
static void select_2l(struct vcpu *v, uint32_t port)
{
	struct pv_vcpu_info *info = load_acquire(&v->info);

	if (!atomic_test_and_set_bit(port / 64, &info->evtchn_pending_sel))
		vcpu_mark_pending(v);
}

static bool raise_2l(struct domain *d, struct port *p, uint32_t port)
{
	struct pv_shared_info *s = d->shared_info;

	/* ORDER: pending before mask; pairs with unmask_2l and the guest's own
	 * unmask. */
	if (atomic_test_and_set_bit(port, s->evtchn_pending))
		return false;
	if (!test_bit(port, s->evtchn_mask))
		select_2l(d->vcpu[READ_ONCE(p->vcpu)], port);
	return true;
}

static void unmask_2l(struct domain *d, struct port *p, uint32_t port)
{
	struct pv_shared_info *s = d->shared_info;

	if (atomic_test_and_clear_bit(port, s->evtchn_mask) &&
	    test_bit(port, s->evtchn_pending))
		select_2l(d->vcpu[READ_ONCE(p->vcpu)], port);
}

/* ---- either format ------------------------------------------------------- */
/* Wake the vcpus that poll @port; ORDER: after it became pending. */
static void wake_pollers(struct domain *d, uint32_t port)
{
	struct vcpu *v;

	for_each_vcpu (d, v) {
		if (unlikely(READ_ONCE(v->state) & VCPU_POLLING) &&
		    test_bit(port % 256, v->poll_mask))
			vcpu_wake(v);
	}
}

void port_raise(struct domain *d, uint32_t port)
{
	struct port *p = port_at(&d->evtchn->ports, port);
	struct fifo *f = load_acquire(&d->evtchn->fifo);
	unsigned int did, vcpu = 0;

	if (f) {
		did = fifo_raise(f, p, port, &vcpu);
		if (did & FIFO_NOTIFY)
			vcpu_mark_pending(d->vcpu[vcpu]);
	} else {
		did = raise_2l(d, p, port) ? FIFO_NEW : 0;
	}
	if (did & FIFO_NEW)
		wake_pollers(d, port);
}

void port_unmask(struct domain *d, struct port *p, uint32_t port)
{
	struct fifo *f = load_acquire(&d->evtchn->fifo);
	unsigned int vcpu = 0;

	if (!f)
		unmask_2l(d, p, port);
	else if (fifo_unmask(f, p, port, &vcpu) & FIFO_NOTIFY)
		vcpu_mark_pending(d->vcpu[vcpu]);
}

bool port_pending(struct domain *d, uint32_t port)
{
	struct fifo *f = load_acquire(&d->evtchn->fifo);
	uint32_t *word;

	if (!f)
		return test_bit(port, d->shared_info->evtchn_pending);
	word = fifo_word(f, port);
	return word && READ_ONCE(*word) & FIFO_PENDING;
}

void port_clear_pending(struct domain *d, uint32_t port)
{
	struct fifo *f = load_acquire(&d->evtchn->fifo);
	uint32_t *word;

	if (!f) {
		atomic_test_and_clear_bit(port, d->shared_info->evtchn_pending);
		return;
	}
	word = fifo_word(f, port);
	if (word)
		atomic_fetch_and(word, ~FIFO_PENDING);
}

void port_renotify(struct domain *d, struct port *p, uint32_t port)
{
	/* A queued FIFO event is taken from the old vcpu's queue. */
	if (load_acquire(&d->evtchn->fifo))
		return;
	/* ORDER: p->vcpu before pending; pairs with raise_2l. */
	smp_mb();
	if (test_bit(port, d->shared_info->evtchn_pending) &&
	    !test_bit(port, d->shared_info->evtchn_mask))
		select_2l(d->vcpu[p->vcpu], port);
}

struct port *port_lock_open(struct domain *d, uint32_t port) NO_ANALYSIS
{
	struct port *p = port_at(&d->evtchn->ports, port);

	if (!p)
		return NULL;
	spin_lock(&p->lock);
	if (port_is_open(p))
		return p;
	port_unlock(p);
	return NULL;
}

int evtchn_port_pending(struct domain *d, uint32_t port)
{
	struct port *p = port_lock_open(d, port);
	bool pending;

	if (!p)
		return -EINVAL;
	pending = port_pending(d, port);
	port_unlock(p);
	return pending;
}

/* ---- who raises ----------------------------------------------------------- */
long port_send(struct domain *d, uint32_t port)
{
	struct port *p = port_lock_open(d, port);
	long rc = 0;

	if (!p)
		return -EINVAL;
	switch (p->state) {
	case PORT_INTERDOMAIN:
		port_raise(p->peer, p->peer_port);
		break;
	case PORT_IPI:
		port_raise(d, port);
		break;
	case PORT_UNBOUND: /* whoever binds to it is told then */
		break;
	default:
		rc = -EINVAL;
	}
	port_unlock(p);
	return rc;
}

static void send_virq(struct domain *d, unsigned int row, unsigned int virq)
{
	uint32_t port = READ_ONCE(d->evtchn->virq[row][virq]);
	struct port *p = port ? port_lock_open(d, port) : NULL;

	if (!p)
		return;
	/* It may have been closed and used anew since we read the table. */
	if (p->state == PORT_VIRQ && p->virq == virq &&
	    (virq_is_global(virq) || p->vcpu == row))
		port_raise(d, port);
	port_unlock(p);
}

void evtchn_send_virq(struct vcpu *v, unsigned int virq)
{
	BUG_ON(virq >= NR_VIRQS || virq_is_global(virq));
	send_virq(v->domain, v->id, virq);
}

void evtchn_send_global_virq(struct domain *d, unsigned int virq)
{
	BUG_ON(virq >= NR_VIRQS || !virq_is_global(virq));
	send_virq(d, 0, virq);
}

void evtchn_send_port(struct domain *d, uint32_t port)
{
	struct port *p = port_lock_open(d, port);

	if (!p)
		return;
	if (p->state == PORT_PIRQ)
		port_raise(d, port);
	port_unlock(p);
}
