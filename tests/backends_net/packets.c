/* SPDX-License-Identifier: MIT */
/*
 * Packets for tests.
 *
 * The checksum here is the slow one of the definition: the pseudo header is
 * laid out in memory, before the transport header, and summed with it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/backends_net/packets.h"

enum {
	TCP = 6,
	UDP = 17,
};

const struct packet_shape packet_kinds[PACKET_KINDS] = {
	[PACKET_TCP4] = {4, TCP, 0, 0, false, true},
	[PACKET_UDP4] = {4, UDP, 0, 0, false, true},
	[PACKET_TCP6] = {6, TCP, 0, 0, false, true},
	[PACKET_UDP6] = {6, UDP, 0, 0, false, true},
	[PACKET_TCP4_OPTIONS] = {4, TCP, 0, 1, false, true},
	[PACKET_UDP6_OPTIONS] = {6, UDP, 0, 1, false, true},
	[PACKET_TCP4_TAG] = {4, TCP, 1, 0, false, true},
	[PACKET_TCP6_TAGS] = {6, TCP, 2, 0, false, true},
	[PACKET_FRAGMENT4] = {4, UDP, 0, 0, true, false},
	[PACKET_FRAGMENT6] = {6, UDP, 0, 0, true, false},
	[PACKET_ICMP4] = {4, 1, 0, 0, false, false},
	[PACKET_ARP] = {0, 0, 0, 0, false, false},
};

static void put16(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static uint32_t get16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* 0 if the sum in it is right. */
static uint32_t sum(const unsigned char *p, uint32_t bytes)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < bytes; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* Where IP and the transport header are; false: there is no transport. */
struct where {
	uint32_t ip, transport;
	uint8_t version, protocol;
};

static struct where find(const unsigned char *p)
{
	struct where w = {.ip = 14};
	const unsigned char *ip;

	while (get16(p + w.ip - 2) == 0x8100 || get16(p + w.ip - 2) == 0x88a8)
		w.ip += 4;
	ip = p + w.ip;
	w.version = ip[0] >> 4;
	if (w.version == 4) {
		w.transport = w.ip + (ip[0] & 15) * 4u;
		w.protocol = ip[9];
		return w;
	}
	w.protocol = ip[6];
	w.transport = w.ip + 40;
	while (w.protocol == 0 || w.protocol == 60) {
		w.protocol = p[w.transport];
		w.transport += (p[w.transport + 1] + 1u) * 8;
	}
	return w;
}

static uint32_t transport_sum(const unsigned char *p, uint32_t bytes)
{
	static unsigned char all[PACKET_ROOM + 40];
	struct where w = find(p);
	uint32_t len = bytes - w.transport, at = w.version == 4 ? 8 : 32;

	memcpy(all, p + w.ip + (w.version == 4 ? 12 : 8), at);
	put16(all + at, 0);
	put16(all + at + 2, len);
	put16(all + at + 4, 0);
	put16(all + at + 6, w.protocol);
	memcpy(all + at + 8, p + w.transport, len);
	return sum(all, at + 8 + len);
}

static uint32_t field(const struct where *w)
{
	return w->transport + (w->protocol == TCP ? 16 : 6);
}

void packet_spoil_checksum(unsigned char *p, uint32_t bytes)
{
	struct where w = find(p);

	(void)bytes;
	put16(p + field(&w), get16(p + field(&w)) ^ 0x5a5a);
}

bool packet_checksum_right(const unsigned char *p, uint32_t bytes)
{
	struct where w = find(p);

	if (w.version == 4 && sum(p + w.ip, w.transport - w.ip))
		return false;
	return !transport_sum(p, bytes);
}

static uint32_t make_ip4(unsigned char *ip, const struct packet_shape *s,
			 uint32_t after)
{
	uint32_t header = s->options ? 28 : 20;

	ip[0] = (unsigned char)(0x40 | header / 4);
	put16(ip + 2, header + after);
	put16(ip + 4, 0xfffe);
	put16(ip + 6, s->fragment ? 0x2000 : 0x4000);
	ip[8] = 64;
	ip[9] = s->protocol;
	memcpy(ip + 12, "\x0a\x01\x02\x03\xc0\xa8\xff\xfe", 8);
	memset(ip + 20, 1, header - 20);
	put16(ip + 10, sum(ip, header));
	return header;
}

static uint32_t make_ip6(unsigned char *ip, const struct packet_shape *s,
			 uint32_t after)
{
	uint32_t header = 40;

	ip[0] = 0x60;
	ip[6] = s->protocol;
	ip[7] = 64;
	for (int i = 8; i < 40; i++)
		ip[i] = (unsigned char)(i * 7);
	if (s->fragment) {
		ip[6] = 44;
		ip[header] = s->protocol;
		header += 8;
	} else if (s->options) {
		ip[6] = 0;
		ip[header] = 60;
		ip[header + 8] = s->protocol;
		ip[header + 9] = 1;
		header += 24;
	}
	put16(ip + 4, header - 40 + after);
	return header;
}

static uint32_t make_transport(unsigned char *t, const struct packet_shape *s,
			       uint32_t payload)
{
	uint32_t header = s->protocol == UDP ? 8 : s->options ? 32 : 20;

	put16(t, 1234);
	put16(t + 2, 80);
	if (s->protocol == UDP) {
		put16(t + 4, header + payload);
		return header;
	}
	memcpy(t + 4, "\xff\xff\xff\x00\x12\x34\x56\x78", 8);
	t[12] = (unsigned char)(header / 4 << 4);
	t[13] = 0x18;
	put16(t + 14, 1000);
	memset(t + 20, 1, header - 20);
	return header;
}

uint32_t packet_make(unsigned char *p, enum packet_kind kind, uint32_t payload)
{
	const struct packet_shape *s = &packet_kinds[kind];
	unsigned char transport[64] = {0};
	uint32_t n = make_transport(transport, s, payload), at = 12;
	struct where w;

	memset(p, 0, 256);
	memcpy(p, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	for (int i = 0; i < s->tags; i++, at += 4) {
		put16(p + at, i + 1 < s->tags ? 0x88a8 : 0x8100);
		put16(p + at + 2, 5);
	}
	put16(p + at, s->version == 4   ? 0x0800
		      : s->version == 6 ? 0x86dd
					: 0x0806);
	at += 2;
	if (s->version == 4)
		at += make_ip4(p + at, s, n + payload);
	else if (s->version == 6)
		at += make_ip6(p + at, s, n + payload);
	memcpy(p + at, transport, n);
	at += n;
	for (uint32_t i = 0; i < payload; i++)
		p[at + i] = (unsigned char)(i * 31 + 7);
	at += payload;
	if (!s->plain)
		return at;
	w = find(p);
	put16(p + field(&w), transport_sum(p, at));
	return at;
}

bool packet_wrong(const struct virtio_net_hdr *head, long bytes, long most)
{
	if (bytes < 14 || bytes > most || head->hdr_len > bytes)
		return true;
	if (head->flags && head->csum_start + head->csum_offset + 2 > bytes)
		return true;
	return head->gso_type && !(head->gso_size && head->flags);
}
