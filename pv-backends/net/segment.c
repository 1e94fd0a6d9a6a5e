/* SPDX-License-Identifier: MIT */
/*
 * Cutting a large TCP packet into segments, for a frontend that cannot.
 *
 * Mostly Linux does that before a packet reaches the TAP, as it was told what
 * the frontend takes.  What is left: packets with a VLAN tag, which frontends
 * do not look behind, and packets that were on their way when the frontend
 * changed.
 *
 * PURE
 */
#include <string.h>

#include "pv-backends/net/packet.h"

enum {
	TCP = 6,
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
};

bool segment_start(struct net_segmenter *s, const unsigned char *packet,
		   uint32_t bytes, uint32_t size)
{
	s->at = 0;
	if (!size || !headers_find(packet, bytes, &s->h) ||
	    s->h.protocol != TCP || s->h.payload >= s->h.end)
		return false;
	s->packet = packet;
	s->size = size;
	s->at = s->h.payload;
	s->nr = 0;
	return true;
}

static void adapt_ip(const struct net_segmenter *s, unsigned char *ip,
		     uint32_t end)
{
	if (s->h.version == 6) {
		store16(ip + 4, (uint16_t)(end - s->h.l3 - 40));
		return;
	}
	store16(ip + 2, (uint16_t)(end - s->h.l3));
	store16(ip + 4, (uint16_t)(load16(ip + 4) + s->nr));
	store16(ip + 10, 0);
	store16(ip + 10, (uint16_t)~checksum_add(0, ip, s->h.l4 - s->h.l3));
}

static void adapt_tcp(const struct net_segmenter *s, unsigned char *to,
		      uint32_t payload, bool last)
{
	unsigned char *tcp = to + s->h.l4;
	uint32_t bytes = s->h.payload - s->h.l4 + payload;
	uint32_t seq = ((uint32_t)load16(tcp + 4) << 16 | load16(tcp + 6)) +
		       (s->at - s->h.payload);

	store16(tcp + 4, (uint16_t)(seq >> 16));
	store16(tcp + 6, (uint16_t)seq);
	if (!last)
		tcp[13] &= (unsigned char)~(TCP_FIN | TCP_PSH);
	if (s->nr)
		tcp[13] &= (unsigned char)~TCP_CWR;
	store16(tcp + 16, 0);
	store16(tcp + 16,
		checksum_of(checksum_add(checksum_pseudo(to, &s->h, bytes), tcp,
					 bytes)));
}

uint32_t segment_next(struct net_segmenter *s, unsigned char *to)
{
	uint32_t left = s->h.end - s->at, payload, end;

	if (!s->at)
		return 0;
	payload = left < s->size ? left : s->size;
	end = s->h.payload + payload;
	memcpy(to, s->packet, s->h.payload);
	memcpy(to + s->h.payload, s->packet + s->at, payload);
	adapt_ip(s, to + s->h.l3, end);
	adapt_tcp(s, to, payload, payload == left);
	s->at = payload == left ? 0 : s->at + payload;
	s->nr++;
	return end;
}
