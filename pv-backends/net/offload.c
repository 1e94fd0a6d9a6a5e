/* SPDX-License-Identifier: MIT */
/*
 * netif's offload flags to and from a TAP's header.
 *
 * The sum of the pseudo header goes into an open checksum field again on the
 * way out: frontends differ in whether they put it there.  A segmented packet
 * has an open checksum, whether its flags say so or not.
 *
 * PURE
 */
#include <errno.h>
#include <string.h>

#include "pv-backends/net/packet.h"

enum {
	TCP = 6,
};

static bool gso_fits(uint8_t type, const struct net_headers *h)
{
	return h->protocol == TCP &&
	       h->version == (type == XEN_NETIF_GSO_TYPE_TCPV4 ? 4 : 6);
}

int offload_tx(const struct net_tx *t, unsigned char *packet,
	       struct virtio_net_hdr *head)
{
	struct net_headers h;

	memset(head, 0, sizeof(*head));
	if (!t->gso_type && !(t->flags & XEN_NETTXF_csum_blank))
		return 0;
	if (!headers_find(packet, t->bytes, &h))
		return -EINVAL;
	head->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	head->csum_start = (uint16_t)h.l4;
	head->csum_offset = h.checksum;
	head->hdr_len = (uint16_t)h.payload;
	store16(packet + h.l4 + h.checksum,
		checksum_pseudo(packet, &h, h.end - h.l4));
	if (!t->gso_type)
		return 0;
	if (!gso_fits(t->gso_type, &h))
		return -EINVAL;
	head->gso_type = t->gso_type == XEN_NETIF_GSO_TYPE_TCPV4
				 ? VIRTIO_NET_HDR_GSO_TCPV4
				 : VIRTIO_NET_HDR_GSO_TCPV6;
	head->gso_size = t->gso_size;
	return 0;
}

/* Would the frontend find the field that is open, and fill it in? */
static bool may_stay_open(const struct virtio_net_hdr *head,
			  const struct net_headers *h,
			  const struct net_offers *offers)
{
	return !h->tagged && head->csum_start == h->l4 &&
	       head->csum_offset == h->checksum &&
	       (h->version == 4 ? offers->csum4 : offers->csum6);
}

static bool fill_in(struct net_rx *r, const struct virtio_net_hdr *head)
{
	uint32_t start = head->csum_start;
	uint32_t field = start + head->csum_offset;

	if (field + 2 > r->bytes)
		return false;
	store16(r->data + field, checksum_of(checksum_add(0, r->data + start,
							  r->bytes - start)));
	return true;
}

/* One that a frontend takes as it is. */
static bool gso_taken(struct net_rx *r, uint8_t tap_type,
		      const struct net_offers *offers)
{
	bool v4 = tap_type == VIRTIO_NET_HDR_GSO_TCPV4;

	r->gso_type = v4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
	return offers->sg && (v4 ? offers->gso4 : offers->gso6);
}

enum net_rx_fate offload_rx(struct net_rx *r, const struct virtio_net_hdr *head,
			    const struct net_offers *offers)
{
	uint8_t type = head->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	struct net_headers h;
	bool open = false;

	r->flags = r->gso_size = r->gso_type = 0;
	if (type && type != VIRTIO_NET_HDR_GSO_TCPV4 &&
	    type != VIRTIO_NET_HDR_GSO_TCPV6)
		return NET_RX_DROP;
	if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		open = headers_find(r->data, r->bytes, &h) &&
		       may_stay_open(head, &h, offers);
	if (type) {
		if (!open || !gso_taken(r, type, offers) ||
		    !gso_fits(r->gso_type, &h)) {
			r->gso_type = 0;
			return NET_RX_SEGMENT;
		}
		r->gso_size = head->gso_size;
	}
	if (!offers->sg && r->bytes > NET_PAGE)
		return NET_RX_DROP;
	if (open)
		r->flags = XEN_NETRXF_csum_blank | XEN_NETRXF_data_validated;
	else if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return fill_in(r, head) ? NET_RX_READY : NET_RX_DROP;
	else if (head->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		r->flags = XEN_NETRXF_data_validated;
	return NET_RX_READY;
}
