/* SPDX-License-Identifier: MIT */
/*
 * What a packet of the own ring says, and what a TAP's header says: almost the
 * same.  Checksums and segments are left to the kernel behind the TAP, which
 * looks at the headers of a packet in its own copy; nothing here looks at any.
 *
 * PURE
 */
#include <string.h>

#include "pv-backends/pvnet/queue.h"

enum {
	HEADERS = 128, /* bytes that the kernel is to have in one piece */
};

void header_of_packet(const struct pv_net_packet *p,
		      struct virtio_net_hdr *head)
{
	static const uint8_t type[] = {
		[PV_NET_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[PV_NET_GSO_TCPV4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[PV_NET_GSO_TCPV6] = VIRTIO_NET_HDR_GSO_TCPV6,
	};

	memset(head, 0, sizeof(*head));
	head->hdr_len = p->bytes < HEADERS ? (uint16_t)p->bytes : HEADERS;
	if (!(p->flags & PV_NET_CSUM_OPEN))
		return;
	head->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	head->csum_start = p->csum_start;
	head->csum_offset = p->csum_offset;
	head->gso_type = type[p->gso];
	head->gso_size = p->gso ? p->gso_size : 0;
}

bool header_to_packet(const struct virtio_net_hdr *head,
		      struct pv_net_packet *p)
{
	uint8_t type = head->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	p->flags = p->gso = 0;
	p->gso_size = p->csum_start = p->csum_offset = 0;
	if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		p->flags = PV_NET_CSUM_OPEN;
		p->csum_start = head->csum_start;
		p->csum_offset = head->csum_offset;
		if ((uint32_t)p->csum_start + p->csum_offset + 2 > p->bytes)
			return false;
	} else if (head->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		p->flags = PV_NET_CSUM_GOOD;
	}
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	p->gso_size = head->gso_size;
	p->gso = type == VIRTIO_NET_HDR_GSO_TCPV4   ? PV_NET_GSO_TCPV4
		 : type == VIRTIO_NET_HDR_GSO_TCPV6 ? PV_NET_GSO_TCPV6
						    : PV_NET_GSO_NONE;
	return p->gso && p->gso_size && p->flags & PV_NET_CSUM_OPEN;
}
