/* SPDX-License-Identifier: MIT */
/*
 * One queue of the backend in the test's own process, for tests that want to
 * see each step: its rings and the guest's frames are plain memory, its TAP is
 * a pair of sockets.
 */
#ifndef TESTS_BACKENDS_NET_DEVICE_H
#define TESTS_BACKENDS_NET_DEVICE_H

#include "pv-backends/net/net.h"

enum {
	DEVICE_FRAMES = 300, /* grants 0 to 299 are good */
};

struct device {
	struct net *n;
	struct net_queue *q;
	struct xb *xb;
	struct pv_ring_header *tx, *rx; /* as the frontend sees them */
	int net; /* the other end of the TAP */
};

extern struct device device;

void device_start(const struct net_offers *offers);
void device_stop(void);
/* The process ends and a successor goes on; nothing was saved but the journal
 * and the rings. */
void device_resume(void);
/* Turns of the loop, until nothing happens. */
void device_run(void);

union pv_netif_tx_slot *device_tx(uint32_t index);
union pv_netif_rx_slot *device_rx(uint32_t index);
unsigned char *device_frame(unsigned int ref);

/* The next packet that the TAP was given, with its header; 0: none. */
size_t device_sent(unsigned char *packet, size_t room);

#endif
