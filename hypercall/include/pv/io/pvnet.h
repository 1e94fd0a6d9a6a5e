/* SPDX-License-Identifier: MIT */
/*
 * The network ring of Parapet's own frontends: two pipes of packets in memory
 * that is granted once.  ABI.md 19 gives the meaning.
 */
#ifndef PV_IO_PVNET_H
#define PV_IO_PVNET_H

#include <pv/abi.h>

#define PV_NET_VERSION    1
#define PV_NET_MAGIC      0x316e6b70 /* "pkn1" */
#define PV_NET_SLOTS      256
#define PV_NET_RING_PAGES 3
#define PV_NET_DIR_REFS   1008
#define PV_NET_AREA_MIN   32
#define PV_NET_AREA_MAX   502
#define PV_NET_ALIGN      64
#define PV_NET_PACKET_MIN 14
#define PV_NET_PACKET_MAX 65557

/* struct pv_net_dir.takes */
#define PV_NET_TAKES_CSUM 0x1
#define PV_NET_TAKES_TSO4 0x2
#define PV_NET_TAKES_TSO6 0x4

/* struct pv_net_packet.flags */
#define PV_NET_CSUM_OPEN 0x1
#define PV_NET_CSUM_GOOD 0x2

/* struct pv_net_packet.gso */
#define PV_NET_GSO_NONE  0
#define PV_NET_GSO_TCPV4 1
#define PV_NET_GSO_TCPV6 2

#ifndef __ASSEMBLER__

/* One page: where the others of a queue are. */
struct pv_net_dir {
	uint32_t magic; /* PV_NET_MAGIC                               */
	uint16_t version; /* PV_NET_VERSION                             */
	uint16_t nr_tx; /* pages of packets from the guest            */
	uint16_t nr_rx; /* pages of packets to the guest              */
	uint16_t takes; /* PV_NET_TAKES_*                             */
	uint8_t reserved[52]; /* zero                                 */
	uint32_t ref[PV_NET_DIR_REFS]; /* ring, tx, rx                */
};
PV_ABI_SIZE(struct pv_net_dir, 4096);
PV_ABI_FIELD(struct pv_net_dir, version, 4);
PV_ABI_FIELD(struct pv_net_dir, nr_tx, 6);
PV_ABI_FIELD(struct pv_net_dir, nr_rx, 8);
PV_ABI_FIELD(struct pv_net_dir, takes, 10);
PV_ABI_FIELD(struct pv_net_dir, ref, 64);

/* What one end says about the pipe that it fills and the one that it drains. */
struct pv_net_end {
	uint32_t prod; /* packets put in                              */
	uint32_t cons; /* packets taken out                           */
	uint32_t prod_event; /* tell me when the other's prod passes this */
	uint32_t cons_event; /* tell me when the other's cons passes this */
};
PV_ABI_SIZE(struct pv_net_end, 16);
PV_ABI_FIELD(struct pv_net_end, cons, 4);
PV_ABI_FIELD(struct pv_net_end, prod_event, 8);
PV_ABI_FIELD(struct pv_net_end, cons_event, 12);

/* A packet in a pipe: written by who fills it. */
struct pv_net_packet {
	uint32_t at; /* bytes from the area's begin: PV_NET_ALIGN      */
	uint32_t bytes;
	uint8_t flags; /* PV_NET_CSUM_*                                 */
	uint8_t gso; /* PV_NET_GSO_*                                   */
	uint16_t gso_size; /* of a segment's payload                    */
	uint16_t csum_start; /* where the sum begins                    */
	uint16_t csum_offset; /* from there to its field                */
};
PV_ABI_SIZE(struct pv_net_packet, 16);
PV_ABI_FIELD(struct pv_net_packet, bytes, 4);
PV_ABI_FIELD(struct pv_net_packet, flags, 8);
PV_ABI_FIELD(struct pv_net_packet, gso, 9);
PV_ABI_FIELD(struct pv_net_packet, gso_size, 10);
PV_ABI_FIELD(struct pv_net_packet, csum_start, 12);
PV_ABI_FIELD(struct pv_net_packet, csum_offset, 14);

/* The first pages of a queue. */
struct pv_net_ring {
	struct pv_net_end front;
	uint8_t pad0[48];
	struct pv_net_end back;
	uint8_t pad1[4016];
	struct pv_net_packet tx[PV_NET_SLOTS]; /* the frontend's      */
	struct pv_net_packet rx[PV_NET_SLOTS]; /* the backend's       */
};
PV_ABI_SIZE(struct pv_net_ring, 12288);
PV_ABI_FIELD(struct pv_net_ring, back, 64);
PV_ABI_FIELD(struct pv_net_ring, tx, 4096);
PV_ABI_FIELD(struct pv_net_ring, rx, 8192);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_PVNET_H */
