/* SPDX-License-Identifier: MIT */
/* Event channels: ports, their bindings, and how a vcpu hears of them. */
#ifndef HV_EVTCHN_EVTCHN_H
#define HV_EVTCHN_EVTCHN_H

#include "hv/domain/domain.h"

int evtchn_domain_init(struct domain *d) MUST_CHECK;
void evtchn_domain_destroy(struct domain *d);

/* Raise a VIRQ: of one vcpu, or of the domain (control domain's global ones). */
void evtchn_send_virq(struct vcpu *v, unsigned int virq);
void evtchn_send_global_virq(struct domain *d, unsigned int virq);
/* A physical interrupt fired that is bound to @port. */
void evtchn_send_port(struct domain *d, uint32_t port);
/* Does an event that @v may take wait?  (also for SCHEDOP_block) */
bool evtchn_pending(struct vcpu *v);
bool evtchn_port_pending(struct domain *d, uint32_t port);
/* Allocate a port for the toolstack (store, console) on a domain's behalf. */
int evtchn_alloc_unbound_for(struct domain *d, domid_t remote, uint32_t *port);

long hc_event_channel_op(uint32_t cmd, uint64_t arg);

#endif /* HV_EVTCHN_EVTCHN_H */
