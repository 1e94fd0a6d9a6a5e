/* SPDX-License-Identifier: MIT */
/*
 * A frontend for tests: between the rings of a vif and a TAP, which stands for
 * the guest's network stack.  The kernel behind it makes and takes packets with
 * open checksums and segmentation, as a guest's would.
 *
 * Once started it runs in a thread of its own.  What an honest frontend would
 * not accept ends the test.
 */
#ifndef TESTS_BACKENDS_NET_NETFRONT_H
#define TESTS_BACKENDS_NET_NETFRONT_H

#include <stdint.h>

#include <pv/io/netif.h>

#include "tests/backends_net/guest.h"

enum {
	SLOTS = 256,
};

struct netfront_options {
	unsigned int queues;
	bool one_port; /* no split event channels */
	bool no_sg, no_csum, no_gso;
	bool no_thread; /* the test does all itself */
};

struct netfront_queue {
	struct front_ring tx, rx;
	struct port tx_port, rx_port;
	unsigned int tx_ref, rx_ref; /* rings */
	unsigned int tx_frames, rx_frames; /* one for each slot */
	uint16_t free_id[SLOTS];
	unsigned int nr_free;
	bool busy[SLOTS];
	int tap;
	unsigned char packet[80000]; /* being put together */
	uint32_t bytes;
	struct pv_netif_rx_response first;
	struct pv_netif_extra_info gso;
	bool in_packet, has_gso;
};

struct netfront {
	struct testbed *t;
	unsigned int devid;
	struct forwarder forwarder;
	struct netfront_options opt;
	struct netfront_queue queue[GUEST_QUEUES];
	uint64_t seed;
};

/* Rings, ports and the store's keys; state 4.  taps[] has a descriptor for each
 * queue, of IFF_VNET_HDR. */
void netfront_start(struct netfront *f, struct testbed *t, unsigned int devid,
		    const struct netfront_options *opt, const int *taps);
/* End the thread and the ports; the store is left as it is. */
void netfront_stop(struct netfront *f);

/* One request for n bytes, in a frame of that slot's; nothing is pushed. */
void netfront_send(struct netfront_queue *q, const struct netfront *f,
		   const unsigned char *data, uint32_t bytes, uint16_t flags);

#endif
