/* SPDX-License-Identifier: MIT */
/*
 * Where the headers of a packet are, and the Internet checksum (RFC 1071).
 *
 * HOSTILE  Packets come from guests, from this one or from others.  They lie in
 * memory that nobody else writes to, but every length in them is checked
 * against the bytes that are there.
 *
 * PURE
 */
#include "pv-backends/net/packet.h"

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_VLAN_OUTER = 0x88a8,
	MAX_TAGS = 2,
	NEXT_HOP = 0, /* headers of IPv6 that may come before TCP */
	NEXT_TCP = 6,
	NEXT_UDP = 17,
	NEXT_ROUTING = 43,
	NEXT_AUTH = 51,
	NEXT_OPTIONS = 60,
	MAX_NEXT = 8,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	IPV4_FRAGMENT = 0x3fff, /* offset, and "more follow" */
};

static bool find_ipv4(const unsigned char *p, uint32_t bytes,
		      struct net_headers *h)
{
	const unsigned char *ip = p + h->l3;
	uint32_t header;

	if (bytes - h->l3 < IPV4_HEADER || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15) * 4u;
	h->l4 = h->l3 + header;
	h->end = h->l3 + load16(ip + 2);
	h->protocol = ip[9];
	return header >= IPV4_HEADER && h->l4 <= h->end && h->end <= bytes &&
	       !(load16(ip + 6) & IPV4_FRAGMENT);
}

static bool find_ipv6(const unsigned char *p, uint32_t bytes,
		      struct net_headers *h)
{
	const unsigned char *ip = p + h->l3;
	uint8_t next;

	if (bytes - h->l3 < IPV6_HEADER || ip[0] >> 4 != 6)
		return false;
	h->l4 = h->l3 + IPV6_HEADER;
	h->end = h->l4 + load16(ip + 4);
	if (h->end > bytes)
		return false;
	next = ip[6];
	for (int i = 0; i < MAX_NEXT; i++) {
		const unsigned char *at = p + h->l4;

		h->protocol = next;
		if (next != NEXT_HOP && next != NEXT_ROUTING &&
		    next != NEXT_OPTIONS && next != NEXT_AUTH)
			return true;
		if (h->end - h->l4 < 8)
			return false;
		next = at[0];
		h->l4 += h->protocol == NEXT_AUTH ? (at[1] + 2u) * 4
						  : (at[1] + 1u) * 8;
		if (h->l4 > h->end)
			return false;
	}
	return false;
}

static bool find_transport(const unsigned char *p, struct net_headers *h)
{
	uint32_t room = h->end - h->l4, header;

	if (h->protocol == NEXT_TCP) {
		if (room < 20)
			return false;
		header = (p[h->l4 + 12] >> 4) * 4u;
		h->checksum = 16;
		h->payload = h->l4 + header;
		return header >= 20 && header <= room;
	}
	h->checksum = 6;
	h->payload = h->l4 + 8;
	return h->protocol == NEXT_UDP && room >= 8;
}

bool headers_find(const unsigned char *packet, uint32_t bytes,
		  struct net_headers *h)
{
	uint32_t at = NET_ETHER - 2;
	uint16_t type;

	if (bytes < NET_ETHER)
		return false;
	type = load16(packet + at);
	for (int i = 0; i < MAX_TAGS; i++) {
		if (type != TYPE_VLAN && type != TYPE_VLAN_OUTER)
			break;
		at += 4;
		if (at + 2 > bytes)
			return false;
		type = load16(packet + at);
	}
	h->tagged = at != NET_ETHER - 2;
	h->l3 = at + 2;
	h->version = type == TYPE_IPV4 ? 4 : 6;
	if (type == TYPE_IPV4)
		return find_ipv4(packet, bytes, h) && find_transport(packet, h);
	return type == TYPE_IPV6 && find_ipv6(packet, bytes, h) &&
	       find_transport(packet, h);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t checksum_add(uint16_t sum, const unsigned char *data, uint32_t bytes)
{
	uint64_t wide = sum;
	uint32_t i;

	for (i = 0; i + 1 < bytes; i += 2)
		wide += load16(data + i);
	if (i < bytes)
		wide += (uint64_t)data[i] << 8;
	return fold(wide);
}

uint16_t checksum_pseudo(const unsigned char *packet,
			 const struct net_headers *h, uint32_t transport)
{
	uint64_t wide = (uint64_t)h->protocol + transport;

	if (h->version == 4)
		wide += checksum_add(0, packet + h->l3 + 12, 2 * 4);
	else
		wide += checksum_add(0, packet + h->l3 + 8, 2 * 16);
	return fold(wide);
}

uint16_t checksum_of(uint16_t sum)
{
	sum = (uint16_t)~sum;
	return sum ? sum : 0xffff;
}
