/* SPDX-License-Identifier: MIT */
/*
 * Event channels: ports, their bindings, and how a vcpu hears of them.
 *
 * LOCKING  Nothing here may be called with RUNG_EVTCHN or higher held, but
 *	    evtchn_send_* and evtchn_pending: those climb from RUNG_PORT.
 */
#ifndef HV_EVTCHN_EVTCHN_H
#define HV_EVTCHN_EVTCHN_H

#include "hv/domain/domain.h"

/* Needs d->privileged and d->id. */
int evtchn_domain_init(struct domain *d) MUST_CHECK;
/* At most @max ports (less port 0) instead of the default, which is 4096 and
 * for the control domain 131072: more than the default is the default. */
void evtchn_limit_ports(struct domain *d, uint32_t max);
/*
 * Close every port, tell the peers, give back the guest's frames (FIFO pages,
 * registered vcpu_infos).  @d is dying and none of its vcpus runs.
 */
void evtchn_domain_destroy(struct domain *d);
/* The last reference on @d is gone: free what is left.  Also after a failed
 * evtchn_domain_init. */
void evtchn_domain_free(struct domain *d);

/* Raise a VIRQ: of one vcpu, or of the domain (control domain's global ones). */
void evtchn_send_virq(struct vcpu *v, unsigned int virq);
void evtchn_send_global_virq(struct domain *d, unsigned int virq);
/* A physical interrupt fired that is bound to @port. */
void evtchn_send_port(struct domain *d, uint32_t port);
/* Would @v be called if it ran now?  Pending, and its mask is clear. */
bool evtchn_pending(struct vcpu *v);
/*
 * For SCHEDOP_poll: is @port, of any binding, pending?  -EINVAL: it is not
 * open.  A vcpu that polls sets bit (port % 256) of v->poll_mask for each
 * port, then VCPU_POLLING in v->state, then (full barrier) asks here; a port
 * that becomes pending later calls vcpu_wake.
 */
int evtchn_port_pending(struct domain *d, uint32_t port);
/* Allocate a port for the toolstack (store, console) on a domain's behalf. */
int evtchn_alloc_unbound_for(struct domain *d, domid_t remote, uint32_t *port);

/*
 * VCPUOP_register_vcpu_info: @v's vcpu_info moves to @offset of its own
 * domain's frame @mfn, once and for ever.  @v is current or down.
 */
int vcpu_info_register(struct vcpu *v, uint64_t mfn, uint32_t offset);
/* Called when v->info has moved (boot maps it at WIN_VINFO); may be NULL. */
extern void (*vinfo_mapped)(struct vcpu *v);

/*
 * Physical interrupts, set by the room above at boot.  bind may refuse
 * (-EEXIST, -EINVAL...); it may raise the port before it returns.  rebind is a
 * hint that @v is told now.  All are called with RUNG_EVTCHN held.
 */
struct pirq_ops {
	int (*bind)(struct domain *d, uint32_t pirq, uint32_t port, bool share);
	void (*unbind)(struct domain *d, uint32_t pirq);
	void (*rebind)(struct domain *d, uint32_t pirq, struct vcpu *v);
};
extern const struct pirq_ops *pirq_ops;

long hc_event_channel_op(uint32_t cmd, uint64_t arg);

#endif /* HV_EVTCHN_EVTCHN_H */
