/* SPDX-License-Identifier: MIT */
/* Three domains of two vcpus (the first one privileged) and their calls. */
#ifndef TESTS_UNIT_EVTCHN_ROOM_H
#define TESTS_UNIT_EVTCHN_ROOM_H

#include "tests/unit_evtchn/host.h"

#include "hv/evtchn/internal.h"

struct room {
	struct domain *d[3];
};

/* Two ends of a connection. */
struct pair {
	uint32_t port[2];
};

int room_make(void **state);
int room_free(void **state);

/* @d's vcpu 0 makes an event_channel_op. */
long call(struct domain *d, uint32_t cmd, void *op);
long evtchn_send(struct domain *d, uint32_t port);
long evtchn_close(struct domain *d, uint32_t port);
/* EVTCHNOP_reset, restarted until it is done. */
long reset(struct domain *d);
uint32_t bind_ipi(struct domain *d, uint32_t vcpu);
uint32_t alloc_unbound(struct domain *d, domid_t remote);
struct pair connect_pair(struct domain *a, struct domain *b);
struct pv_evtchn_status status(struct domain *d, uint32_t port);
/* Frame 8 * id becomes vcpu 0's control block. */
void enter_fifo(struct domain *d);

bool pending_2l(struct domain *d, uint32_t port);
void clear_events(struct domain *d);
unsigned int open_ports(struct domain *d);

#endif /* TESTS_UNIT_EVTCHN_ROOM_H */
