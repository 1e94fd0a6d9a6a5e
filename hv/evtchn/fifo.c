/* SPDX-License-Identifier: MIT */
/*
 * The FIFO format's memory: control blocks and event-array pages, which the
 * guest lends us and can never take back while a port is open.  The queues
 * themselves are fifo_queue.c.
 *
 * Each frame is held by a typed writable reference: it can become neither a
 * page table nor another domain's while we write to it through the direct map.
 *
 * LOCKING  evtchn_lock for what is mapped.  References are taken before and
 * put after it, because the memory room is a floor below.
 */
#include "hv/evtchn/internal.h"

static mfn_t frame_of(const void *p)
{
	return direct_to_mfn((const void *)((uintptr_t)p & PAGE_MASK));
}

/*
 * From 2-level to FIFO.  Whoever raises a port now holds a lock that we take
 * after the switch, so afterwards all raises go to the new format; what had
 * been raised the old way is raised again.
 */
static void enter(struct domain *d, struct fifo *f) MUST_HOLD(evtchn_lock)
{
	struct port_table *t = &d->evtchn->ports;

	store_release(&d->evtchn->fifo, f);
	smp_mb();
	t->limit = port_limit(d->evtchn);
	for (uint32_t n = 0; n < t->nr; n++) {
		struct port *p = port_at(t, n);

		if (!port_is_open(p))
			continue;
		if (p->state == PORT_INTERDOMAIN) {
			struct port *r =
				port_at(&p->peer->evtchn->ports, p->peer_port);

			spin_lock(&r->lock);
			spin_unlock(&r->lock);
		}
		spin_lock(&p->lock);
		if (atomic_test_and_clear_bit(n,
					      d->shared_info->evtchn_pending))
			port_raise(d, n);
		spin_unlock(&p->lock);
	}
}

static int install_control(struct domain *d, struct fifo **spare, void *block,
			   unsigned int vcpu) MUST_HOLD(evtchn_lock)
{
	struct fifo *f = d->evtchn->fifo ? d->evtchn->fifo : *spare;

	if (d->dying || !f)
		return -ENOMEM;
	if (f->vcpu[vcpu].control)
		return -EINVAL;
	store_release(&f->vcpu[vcpu].control, block);
	if (f == *spare) {
		*spare = NULL;
		f->first = vcpu;
		spin_lock_init(&f->lock, RUNG_QUEUE);
		enter(d, f);
	}
	return 0;
}

int fifo_init_control(struct domain *d, uint64_t mfn, uint32_t offset,
		      unsigned int vcpu)
{
	struct fifo *spare = NULL;
	int rc;

	if (vcpu >= d->max_vcpus || !d->vcpu[vcpu])
		return -ENOENT;
	if (offset % 8 ||
	    offset > PAGE_SIZE - sizeof(struct pv_evtchn_fifo_control_block))
		return -EINVAL;
	rc = frame_get_typed(mfn_of(mfn), d, FT_WRITABLE);
	if (rc)
		return rc;
	if (!load_acquire(&d->evtchn->fifo))
		spare = heap_alloc(0);

	spin_lock(&evtchn_lock);
	rc = install_control(d, &spare,
			     (char *)direct_map(mfn_of(mfn)) + offset, vcpu);
	spin_unlock(&evtchn_lock);

	if (spare)
		heap_free(spare, 0);
	if (rc)
		frame_put_typed(mfn_of(mfn));
	return rc;
}
_Static_assert(sizeof(struct fifo) <= PAGE_SIZE, "one page");

/* The ports of the page @nr that became pending before it was there. */
static void raise_missed(struct domain *d, uint32_t nr) MUST_HOLD(evtchn_lock)
{
	uint32_t first = nr * FIFO_WORDS_PER_PAGE;

	for (uint32_t n = first; n < first + FIFO_WORDS_PER_PAGE; n++) {
		struct port *p = port_at(&d->evtchn->ports, n);

		if (!p)
			break;
		spin_lock(&p->lock);
		if (fifo_take_missed(p) && port_is_open(p))
			port_raise(d, n);
		spin_unlock(&p->lock);
	}
}

int fifo_expand_array(struct domain *d, uint64_t mfn)
{
	struct fifo *f;
	int rc = frame_get_typed(mfn_of(mfn), d, FT_WRITABLE);

	if (rc)
		return rc;
	spin_lock(&evtchn_lock);
	f = d->evtchn->fifo;
	if (!f) {
		rc = -EINVAL;
	} else if (f->nr_pages == FIFO_MAX_PAGES) {
		rc = -ENOSPC;
	} else {
		fifo_add_page(f, direct_map(mfn_of(mfn)));
		raise_missed(d, f->nr_pages - 1);
	}
	spin_unlock(&evtchn_lock);
	if (rc)
		frame_put_typed(mfn_of(mfn));
	return rc;
}

int fifo_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
	struct port *p;

	if (!load_acquire(&d->evtchn->fifo))
		return -ENOSYS;
	if (priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -EINVAL;
	p = port_lock_open(d, port);
	if (!p)
		return -EINVAL;
	/* From its next time in a queue on. */
	WRITE_ONCE(p->priority, priority);
	port_unlock(p);
	return 0;
}

int fifo_leave(struct domain *d)
{
	struct port_table *t = &d->evtchn->ports;
	struct fifo *f;
	int rc = 0;

	spin_lock(&evtchn_lock);
	f = d->evtchn->fifo;
	/* A reserved one is about to be open. */
	for (uint32_t n = 1; n < t->nr && !rc; n++)
		rc = port_at(t, n)->state == PORT_FREE ? 0 : -EBUSY;
	if (!rc) {
		store_release(&d->evtchn->fifo, NULL);
		t->limit = port_limit(d->evtchn);
	}
	spin_unlock(&evtchn_lock);
	if (rc || !f)
		return rc;

	for (uint32_t i = 0; i < f->nr_pages; i++)
		frame_put_typed(frame_of(f->page[i]));
	for (unsigned int i = 0; i < FIFO_MAX_VCPUS; i++)
		if (f->vcpu[i].control)
			frame_put_typed(frame_of(f->vcpu[i].control));
	heap_free(f, 0);
	return 0;
}
