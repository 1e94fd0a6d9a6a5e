/* SPDX-License-Identifier: MIT */
/*
 * A frontend for tests, on the own ring: between its queues and a TAP, which
 * stands for the guest's network stack.  Once started it runs in a thread of
 * its own; what an honest frontend would not accept ends the test.
 */
#ifndef TESTS_BACKENDS_NET_OWNFRONT_H
#define TESTS_BACKENDS_NET_OWNFRONT_H

#include "pv-frontends/core/pvnet.h"
#include "tests/backends_net/guest.h"

struct ownfront_options {
	unsigned int queues;
	unsigned int pages; /* of each area */
	uint16_t takes; /* PV_NET_TAKES_* */
	bool no_thread; /* the test does all itself */
};

struct ownfront_queue {
	struct pvnet_front ring;
	struct pv_net_dir *dir;
	struct pv_net_ring *shared;
	unsigned char *tx_area, *rx_area;
	struct port port;
	unsigned int dir_ref;
	int tap;
};

struct ownfront {
	struct testbed *t;
	unsigned int devid;
	struct forwarder forwarder;
	struct ownfront_options opt;
	struct ownfront_queue queue[GUEST_QUEUES];
};

/* Rings, ports and the store's keys; state 4.  taps[] has a descriptor for each
 * queue, of IFF_VNET_HDR. */
void ownfront_start(struct ownfront *f, struct testbed *t, unsigned int devid,
		    const struct ownfront_options *opt, const int *taps);
/* The same memory, made anew, and no wait for the backend. */
void ownfront_prepare(struct ownfront *f, struct testbed *t, unsigned int devid,
		      const struct ownfront_options *opt);
void ownfront_put_keys(struct ownfront *f);
/* End the thread and the ports; the store is left as it is. */
void ownfront_stop(struct ownfront *f);

#endif
