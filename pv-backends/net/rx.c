/* SPDX-License-Identifier: MIT */
/*
 * Packets to slots of a receive ring.
 *
 *	first page | segmentation, if any | other pages
 *
 * Each page of the packet fills one of the frontend's; the page of the slot
 * that has the segmentation stays unused, and the frontend takes it back.
 *
 * PURE
 */
#include "pv-backends/net/packet.h"

static unsigned int pages(const struct net_rx *r)
{
	return (r->bytes + NET_PAGE - 1) / NET_PAGE;
}

unsigned int rx_slots(const struct net_rx *r)
{
	return pages(r) + (r->gso_type != XEN_NETIF_GSO_TYPE_NONE);
}

static struct pv_netif_extra_info gso_info(const struct net_rx *r)
{
	return (struct pv_netif_extra_info){
		.type = XEN_NETIF_EXTRA_TYPE_GSO,
		.u.gso = {.size = r->gso_size, .type = r->gso_type},
	};
}

unsigned int rx_fill(const struct net_rx *r, union pv_netif_rx_slot *slot,
		     struct net_piece *piece)
{
	bool gso = r->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	unsigned int nr = pages(r);

	for (unsigned int i = 0; i < nr; i++) {
		union pv_netif_rx_slot *s = &slot[i && gso ? i + 1 : i];
		uint32_t left = r->bytes - i * NET_PAGE;
		uint16_t bytes = (uint16_t)(left < NET_PAGE ? left : NET_PAGE);
		uint16_t id = s->req.id;

		piece[i] =
			(struct net_piece){.ref = s->req.gref, .bytes = bytes};
		s->rsp = (struct pv_netif_rx_response){
			.id = id,
			.flags = i + 1 < nr ? XEN_NETRXF_more_data : 0,
			.status = (int16_t)bytes,
		};
	}
	slot[0].rsp.flags |= r->flags;
	if (gso) {
		slot[0].rsp.flags |= XEN_NETRXF_extra_info;
		slot[1].extra = gso_info(r);
	}
	return nr;
}
