/* SPDX-License-Identifier: MIT */
/*
 * The event-channel port table: states and legal transitions, nothing else.
 *
 *	free --> reserved --> unbound <--> interdomain
 *	  ^         |  |                        |
 *	  |         |  +--> pirq, virq, ipi     |
 *	  +---------+-----------+---------------+
 *
 * Ports live in pages of PORTS_PER_PAGE that are added on demand and stay
 * until the domain is gone, so a pointer to a port is good for as long as the
 * domain is, and port_at needs no lock.
 *
 * PURE  Built twice: into the hypervisor and into tests/unit_evtchn.
 */
#include <pv/errno.h>

#include "hv/evtchn/port_table.h"
#include "hv/lib/bug.h"

#define TO(s) (1u << PORT_##s)

static const uint8_t legal[PORT_STATES] = {
	[PORT_FREE] = TO(RESERVED),
	[PORT_RESERVED] = TO(FREE) | TO(UNBOUND) | TO(INTERDOMAIN) | TO(PIRQ) |
			  TO(VIRQ) | TO(IPI),
	[PORT_UNBOUND] = TO(FREE) | TO(INTERDOMAIN),
	[PORT_INTERDOMAIN] = TO(FREE) | TO(UNBOUND),
	[PORT_PIRQ] = TO(FREE),
	[PORT_VIRQ] = TO(FREE),
	[PORT_IPI] = TO(FREE),
};

bool port_may(enum port_state from, enum port_state to)
{
	return legal[from] >> to & 1;
}

void port_move(struct port *p, enum port_state to)
{
	BUG_ON(!port_may(p->state, to));
	p->state = to;
}

struct port *port_at(const struct port_table *t, uint32_t port)
{
	/* ORDER: pairs with the release in port_table_add_page. */
	if (port >= load_acquire(&t->nr))
		return NULL;
	return &t->pages[port / PORTS_PER_PAGE][port % PORTS_PER_PAGE];
}

void port_table_init(struct port_table *t, struct port **pages, uint32_t limit)
{
	t->pages = pages;
	t->nr = 0;
	t->limit = limit;
	t->hint = 0;
}

void port_table_add_page(struct port_table *t, void *page)
{
	struct port *p = page;

	BUG_ON(t->nr >= t->limit);
	for (unsigned int i = 0; i < PORTS_PER_PAGE; i++) {
		spin_lock_init(&p[i].lock, RUNG_PORT);
		p[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	}
	/* Port 0 is never handed out, so a guest that forgets to fill in a
	 * port gets -EINVAL instead of someone's channel. */
	if (t->nr == 0)
		p[0].state = PORT_RESERVED;
	t->pages[t->nr / PORTS_PER_PAGE] = p;
	store_release(&t->nr, (uint32_t)(t->nr + PORTS_PER_PAGE));
}

int port_alloc(struct port_table *t, uint32_t *port)
{
	for (; t->hint < min(t->nr, t->limit); t->hint++) {
		struct port *p = port_at(t, t->hint);

		if (p->state != PORT_FREE)
			continue;
		port_move(p, PORT_RESERVED);
		*port = t->hint++;
		return 0;
	}
	return t->nr < t->limit ? -EAGAIN : -ENOSPC;
}

void port_release(struct port_table *t, uint32_t port)
{
	struct port *p = port_at(t, port);

	port_move(p, PORT_FREE);
	p->vcpu = 0;
	p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	p->missed = 0;
	p->remote_dom = 0;
	p->peer_port = 0;
	p->peer = NULL;
	t->hint = min(t->hint, port);
}
