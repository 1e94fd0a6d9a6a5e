/* SPDX-License-Identifier: MIT */
/*
 * What the backends of Parapet's own rings have in common: the keys by which a
 * frontend asks for them, and a queue's memory and port.  Functions that return
 * int return 0, or -1 after xb_error().
 */
#ifndef PV_BACKENDS_COMMON_OWN_RING_H
#define PV_BACKENDS_COMMON_OWN_RING_H

#include "pv-backends/common/xenbus.h"

/* store_put() that this version is spoken here. */
void own_publish(struct xb *xb, unsigned int version);
/* HOSTILE: does the frontend ask for it?  -1: what it asks for is nonsense. */
int own_wanted(struct xb *xb, unsigned int version, bool *wanted);

/* Zeroed before use; own_release() takes it in any state. */
struct own_queue {
	struct bus_port port;
	uint32_t remote; /* the frontend's */
	void *map; /* all pages but the directory: HOSTILE */
	unsigned int nr_pages;
};

/* Read the keys of a queue, and copy its directory before it is looked at. */
int own_read(struct xb *xb, struct own_queue *q, unsigned int nr, void *dir,
	     size_t bytes);
/* Map the pages that the directory names; 0: it makes no sense. */
int own_map(struct xb *xb, struct own_queue *q, const uint32_t *refs,
	    unsigned int nr_pages);
/* Events go to that function, the first one soon. */
int own_bind(struct xb *xb, struct own_queue *q,
	     void (*event)(struct bus_port *p));
void own_release(struct xb *xb, struct own_queue *q);

#endif
