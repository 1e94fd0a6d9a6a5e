/* SPDX-License-Identifier: MIT */
/*
 * Keys, memory and ports of the own rings (ABI.md 18.1, 19.1).
 *
 * The backend says which version it speaks; a frontend that wants it says so in
 * turn, and which page of each queue names the others.  All of that is granted
 * for as long as the device lives.
 */
#include <stdio.h>

#include <pv/io/xenbus.h>

#include "pv-backends/common/own_ring.h"

void own_publish(struct xb *xb, unsigned int version)
{
	struct store_value asked;
	uint64_t state;

	store_put(&xb->store, xb->back, "feature-parapet-ring", "%u", version);
	/* A frontend that begins may not speak what the one before it did. */
	if (store_read(&xb->store, xb->front, "protocol-pv", &asked) &&
	    !xb_number(xb, xb->front, "state", XenbusStateReconfigured,
		       XenbusStateUnknown, &state) &&
	    (state < XenbusStateInitialised || state > XenbusStateConnected))
		store_remove(&xb->store, xb->front, "protocol-pv");
}

int own_wanted(struct xb *xb, unsigned int version, bool *wanted)
{
	uint64_t asked;

	if (xb_number(xb, xb->front, "protocol-pv", version, 0, &asked))
		return -1;
	*wanted = asked != 0;
	return 0;
}

static int copy_dir(struct xb *xb, uint32_t ref, void *dir, size_t bytes)
{
	struct pv_gnt_copy c = {
		.local = dir,
		.ref = ref,
		.domid = xb->domid,
		.bytes = (uint32_t)bytes,
	};

	if (bus_copy(xb->bus, &c, 1))
		return xb_error(xb, "%s", bus_error());
	if (c.status)
		return xb_error(xb, "grant %u: %s", ref,
				pv_gnt_status_text(c.status));
	return 0;
}

int own_read(struct xb *xb, struct own_queue *q, unsigned int nr, void *dir,
	     size_t bytes)
{
	char node[STORE_PATH + 32];
	uint64_t ref, port;

	snprintf(node, sizeof(node), "%s/queue-%u", xb->front, nr);
	if (xb_number(xb, node, "ring-ref", UINT32_MAX, UINT64_MAX, &ref) ||
	    xb_number(xb, node, "event-channel", UINT32_MAX, UINT64_MAX, &port))
		return -1;
	if (ref == UINT64_MAX || port == UINT64_MAX)
		return xb_error(xb, "queue-%u: keys are missing", nr);
	q->remote = (uint32_t)port;
	return copy_dir(xb, (uint32_t)ref, dir, bytes);
}

int own_map(struct xb *xb, struct own_queue *q, const uint32_t *refs,
	    unsigned int nr_pages)
{
	if (!nr_pages)
		return xb_error(xb, "the directory of a queue makes no sense");
	q->nr_pages = nr_pages;
	q->map = bus_map(xb->bus, xb->domid, refs, nr_pages);
	return q->map ? 0 : xb_error(xb, "%s", bus_error());
}

int own_bind(struct xb *xb, struct own_queue *q,
	     void (*event)(struct bus_port *p))
{
	q->port.event = event;
	if (bus_bind(xb->bus, &q->port, xb->domid, q->remote))
		return xb_error(xb, "%s", bus_error());
	return 0;
}

void own_release(struct xb *xb, struct own_queue *q)
{
	bus_unbind(&q->port);
	if (q->map)
		bus_unmap(xb->bus, q->map, q->nr_pages);
	q->map = NULL;
}
