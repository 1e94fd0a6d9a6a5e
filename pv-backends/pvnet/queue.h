/* SPDX-License-Identifier: MIT */
/* The parts of the own network ring's backend. */
#ifndef PV_BACKENDS_PVNET_QUEUE_H
#define PV_BACKENDS_PVNET_QUEUE_H

#include <linux/virtio_net.h>

#include "pv-backends/common/own_ring.h"
#include "pv-backends/net/net.h"
#include "pv-backends/pvnet/pvnet.h"
#include "pv-frontends/core/pvnet.h"

struct pvnet_queue {
	struct own_queue own;
	struct net *n;
	struct pvnet_back ring;
	struct ev_io tap; /* runs until the TAP has a packet            */
	unsigned char *tx_area, *rx_area;
	bool ready; /* the TAP may have a packet                        */
	bool starved; /* the frontend tells when there is room          */
};

struct pvnet {
	struct pvnet_queue queue[NET_MAX_QUEUES];
	/* They run while a limit forbids to send, or to receive. */
	struct ev_timer tx_held, rx_held;
};

/* queue.c: some packets, and events for them.  True: there are more. */
bool queue_send(struct pvnet_queue *q);
bool queue_receive(struct pvnet_queue *q);

/* header.c */
void header_of_packet(const struct pv_net_packet *p,
		      struct virtio_net_hdr *head);
/* p->bytes is set; false: the frontend cannot have it. */
bool header_to_packet(const struct virtio_net_hdr *head,
		      struct pv_net_packet *p);

#endif
