/* SPDX-License-Identifier: MIT */
/*
 * An interface for small kernels: one queue, whole packets, no offloads.
 *
 * The kernel brings the pages, grants them, writes the keys of ABI.md 19.1 and
 * has a way to send and await events; the rest is here.
 */
#ifndef PV_FRONTENDS_MINI_NET_H
#define PV_FRONTENDS_MINI_NET_H

#include <stddef.h>

#include "pv-frontends/core/pvnet.h"

struct mini_net {
	/* The kernel's.  wait() returns after an event, or any time before. */
	void (*send)(struct mini_net *m);
	void (*wait)(struct mini_net *m);
	/* Its own. */
	struct pvnet_front ring;
	unsigned char *tx_area;
	const unsigned char *rx_area; /* HOSTILE */
	bool broken;
};

enum mini_net_error {
	MINI_NET_BROKEN = -71, /* the backend lied: give the interface up */
	MINI_NET_SIZE = -90, /* no such packet, or there is no room for it */
};

/*
 * Before the keys are written: fill the directory and the rings.  pages are
 * PV_NET_RING_PAGES + nr_tx + nr_rx contiguous ones, refs their grants; both
 * zeroed.
 */
void mini_net_offer(struct mini_net *m, struct pv_net_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_tx, uint16_t nr_rx);
/* When the backend is connected: send a packet from its Ethernet header on,
 * waiting for room.  0, or an enum mini_net_error. */
int mini_net_send(struct mini_net *m, const void *packet, uint32_t bytes);
/* Copy the next packet.  Its bytes; 0: there is none, and an event comes with
 * one; or an enum mini_net_error: one that is larger than room is lost. */
int mini_net_poll(struct mini_net *m, void *to, uint32_t room);
/* The same, waiting for it. */
int mini_net_receive(struct mini_net *m, void *to, uint32_t room);

#endif
