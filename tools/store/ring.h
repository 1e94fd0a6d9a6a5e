/* SPDX-License-Identifier: MIT */
/* A connection over a domain's ring page. */
#ifndef TOOLS_STORE_RING_H
#define TOOLS_STORE_RING_H

#include "tools/store/store.h"

struct ring {
	struct xs_ring_page *page; /* HOSTILE: shared with the guest */
	struct conn *c;
	uint32_t taken; /* what page->req_cons says        */
	bool dead; /* gave up: page->error says why   */
	bool kick; /* the guest must be told          */
};

/* A ring that was just introduced: streams begin where the page says. */
void ring_start(struct ring *r, struct conn *c, struct xs_ring_page *page);
/* A ring of a former life: c holds what the journal knew.  false: they do
 * not fit together, and the ring was restarted empty. */
bool ring_resume(struct ring *r, struct conn *c, struct xs_ring_page *page);

/* Fetch what the guest wrote into the connection's input. */
void ring_input(struct ring *r);
/*
 * After conn_run and before the journal is flushed: note bytes that must leave
 * the ring although they are not a whole request.
 */
void ring_settle(struct ring *r);
/*
 * After the journal was flushed: free the requests' space, and move output
 * into the ring.  Then tell the guest if r->kick is set, and clear it.
 */
void ring_publish(struct ring *r);
/*
 * After ring_publish: is there more to do already?  The guest sends no event
 * for what it wrote, or made room for, while we had not come so far.
 */
bool ring_more(const struct ring *r);

#endif
