/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef HV_EVTCHN_INTERNAL_H
#define HV_EVTCHN_INTERNAL_H

#include <pv/errno.h>
#include <pv/event_channel.h>

#include "hv/evtchn/evtchn.h"
#include "hv/evtchn/fifo_queue.h"
#include "hv/evtchn/port_table.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"

_Static_assert(FIFO_MAX_VCPUS >= MAX_VCPUS, "a queue set for every vcpu");

struct evtchn_domain {
	struct port_table ports;
	uint32_t max_ports; /* the domain's limit                         */
	uint32_t dir_ports; /* what ports.pages has room for              */
	struct fifo *fifo; /* NULL: the 2-level format                    */
	uint32_t virq[MAX_VCPUS][NR_VIRQS]; /* port, 0: none; global ones
						in row 0                  */
};
_Static_assert(sizeof(struct evtchn_domain) <= PAGE_SIZE, "one page");

/* What the format in use can name, and the domain may have. */
static inline uint32_t port_limit(const struct evtchn_domain *e)
{
	return e->fifo ? e->max_ports
		       : min(e->max_ports, (uint32_t)EVTCHN_2L_NR_CHANNELS);
}

/* Guards bindings, of all domains; see evtchn/bind.c. */
extern spinlock_t evtchn_lock;

/* ---- deliver.c */
static inline bool virq_is_global(unsigned int virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG &&
	       virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}
/* Lock an open port for use; NULL: there is none. */
struct port *port_lock_open(struct domain *d, uint32_t port);
static inline void port_unlock(struct port *p) NO_ANALYSIS
{
	spin_unlock(&p->lock);
}
/* Raise @port of @d.  LOCKING: the lock of the port or of its peer. */
void port_raise(struct domain *d, uint32_t port);
void port_unmask(struct domain *d, struct port *p, uint32_t port);
bool port_pending(struct domain *d, uint32_t port);
/* LOCKING: the port's lock; nobody else can raise it. */
void port_clear_pending(struct domain *d, uint32_t port);
/* The port's vcpu has changed: whatever waits, the new one hears of. */
void port_renotify(struct domain *d, struct port *p, uint32_t port);
/* Set the upcall flag and wake @v. */
void vcpu_mark_pending(struct vcpu *v);
long port_send(struct domain *d, uint32_t port);

/* ---- bind.c: all but port_reserve take evtchn_lock */
int port_reserve(struct domain *d, uint32_t *port) MUST_CHECK;
void port_unreserve(struct domain *d, uint32_t port);
int port_bind_unbound(struct domain *d, uint32_t port,
		      domid_t remote) MUST_CHECK;
int port_bind_interdomain(struct domain *d, uint32_t port, domid_t remote,
			  uint32_t rport) MUST_CHECK;
int port_bind_virq(struct domain *d, uint32_t port, unsigned int virq,
		   unsigned int vcpu) MUST_CHECK;
int port_bind_ipi(struct domain *d, uint32_t port,
		  unsigned int vcpu) MUST_CHECK;
int port_bind_pirq(struct domain *d, uint32_t port, uint32_t pirq,
		   bool share) MUST_CHECK;
int port_bind_vcpu(struct domain *d, uint32_t port,
		   unsigned int vcpu) MUST_CHECK;
int port_close(struct domain *d, uint32_t port, bool tell_peer);
/* Close up to *budget open ports, and count them off. */
void ports_close_all(struct domain *d, unsigned int *budget, bool tell_peers);

/* ---- fifo.c */
int fifo_init_control(struct domain *d, uint64_t mfn, uint32_t offset,
		      unsigned int vcpu) MUST_CHECK;
int fifo_expand_array(struct domain *d, uint64_t mfn) MUST_CHECK;
int fifo_set_priority(struct domain *d, uint32_t port,
		      uint32_t priority) MUST_CHECK;
/* Back to 2-level.  -EBUSY: a port is open or about to be. */
int fifo_leave(struct domain *d);

/* ---- vcpu_info.c */
void vcpu_info_release(struct vcpu *v);

#endif /* HV_EVTCHN_INTERNAL_H */
