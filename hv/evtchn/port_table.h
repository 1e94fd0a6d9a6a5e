/* SPDX-License-Identifier: MIT */
/* One domain's ports: states, legal transitions, finding a free one.  PURE. */
#ifndef HV_EVTCHN_PORT_TABLE_H
#define HV_EVTCHN_PORT_TABLE_H

#include <pv/event_channel.h>

#include "hv/lib/spinlock.h"

struct domain;

enum port_state {
	PORT_FREE,
	PORT_RESERVED, /* allocated, not bound yet; port 0 for ever      */
	PORT_UNBOUND, /* remote_dom may bind to it                       */
	PORT_INTERDOMAIN, /* peer, peer_port are the other end           */
	PORT_PIRQ,
	PORT_VIRQ,
	PORT_IPI,
	PORT_STATES
};

struct port {
	/* RUNG_PORT.  See evtchn/deliver.c for what it protects. */
	spinlock_t lock;
	uint8_t state; /* written under evtchn_lock and lock             */
	uint8_t missed; /* FIFO: raised before its event word existed    */
	uint16_t vcpu; /* which is told                                  */
	uint8_t priority; /* FIFO */
	uint8_t last_priority; /* FIFO: the queue it was put on last,    */
	uint16_t last_vcpu; /* which outlives the binding                */
	domid_t remote_dom;
	union {
		uint32_t peer_port;
		uint32_t pirq;
		uint32_t virq;
	};
	struct domain *peer;
};
#define PORTS_PER_PAGE (PAGE_SIZE / sizeof(struct port))
_Static_assert(sizeof(struct port) == 32, "a power of two");

/* LOCKING  evtchn_lock, but port_at, which is safe at any time. */
struct port_table {
	struct port **pages; /* room for the largest limit                */
	uint32_t nr; /* ports that have memory; only grows               */
	uint32_t limit; /* no port at or above; may change                */
	uint32_t hint; /* no port below is free                          */
};

void port_table_init(struct port_table *t, struct port **pages, uint32_t limit);
/* Grow by one zeroed page. */
void port_table_add_page(struct port_table *t, void *page);
/*
 * The lowest free port, now PORT_RESERVED and told to vcpu 0.  -EAGAIN: none
 * has memory, add a page; -ENOSPC: the table is full.
 */
int port_alloc(struct port_table *t, uint32_t *port) MUST_CHECK;
/* Reserved or bound -> free. */
void port_release(struct port_table *t, uint32_t port);
/* NULL: no such port. */
struct port *port_at(const struct port_table *t, uint32_t port);
bool port_may(enum port_state from, enum port_state to) PURE_FN;
/* BUG if the transition is not legal. */
void port_move(struct port *p, enum port_state to);
/* Bound to something, or offered: it has an owner who may use it. */
static inline bool port_is_open(const struct port *p)
{
	return p->state > PORT_RESERVED;
}

#endif /* HV_EVTCHN_PORT_TABLE_H */
