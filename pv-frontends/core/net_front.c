/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of a network queue: it begins with both pipes empty.
 *
 * PURE
 */
#include "pv-frontends/core/pvnet.h"

static void clear(struct pv_net_packet *packet)
{
	unsigned int i;

	for (i = 0; i < PV_NET_SLOTS; i++)
		packet[i] = (struct pv_net_packet){0};
}

void pvnet_front_init(struct pvnet_front *f, struct pv_net_ring *ring,
		      unsigned int nr_tx, unsigned int nr_rx)
{
	/* Both ends sleep, and wait for a packet. */
	ring->front = ring->back = (struct pv_net_end){.prod_event = 1};
	clear(ring->tx);
	clear(ring->rx);
	*f = (struct pvnet_front){
		.tx =
			{
				.own = &ring->front,
				.other = &ring->back,
				.packet = ring->tx,
				.area = nr_tx * PV_PAGE_SIZE,
			},
		.rx =
			{
				.own = &ring->front,
				.other = &ring->back,
				.packet = ring->rx,
				.area = nr_rx * PV_PAGE_SIZE,
			},
	};
}
