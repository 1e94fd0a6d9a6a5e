/* SPDX-License-Identifier: MIT */
/* Packets for tests, made and checked by other code than the backend's. */
#ifndef TESTS_BACKENDS_NET_PACKETS_H
#define TESTS_BACKENDS_NET_PACKETS_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	PACKET_ROOM = 16384,
};

enum packet_kind {
	PACKET_TCP4,
	PACKET_UDP4,
	PACKET_TCP6,
	PACKET_UDP6,
	PACKET_TCP4_OPTIONS, /* of IP and TCP */
	PACKET_UDP6_OPTIONS, /* two headers in between */
	PACKET_TCP4_TAG,
	PACKET_TCP6_TAGS,
	PACKET_FRAGMENT4,
	PACKET_FRAGMENT6,
	PACKET_ICMP4,
	PACKET_ARP,
	PACKET_KINDS,
};

struct packet_shape {
	uint8_t version, protocol, tags, options;
	bool fragment;
	bool plain; /* the backend finds its checksum */
};

extern const struct packet_shape packet_kinds[PACKET_KINDS];

/* A right packet with so many bytes of payload; returns its size. */
uint32_t packet_make(unsigned char *p, enum packet_kind kind, uint32_t payload);
void packet_spoil_checksum(unsigned char *p, uint32_t bytes);
/* Of the IP header, if it has one, and of TCP or UDP. */
bool packet_checksum_right(const unsigned char *p, uint32_t bytes);
/* What no TAP may be given, with a packet of so many bytes, at most of `most`. */
bool packet_wrong(const struct virtio_net_hdr *head, long bytes, long most);

#endif
