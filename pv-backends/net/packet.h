/* SPDX-License-Identifier: MIT */
/*
 * Packets between rings and a TAP device: everything that decides.
 *
 *	slots of a transmit ring -> struct net_tx -> bytes and a TAP's header
 *	a TAP's header and bytes -> struct net_rx -> slots of a receive ring
 *
 * A TAP's header (struct virtio_net_hdr) and netif's flags say the same things
 * in different ways: "the checksum is still to be filled in", and "cut this
 * into TCP segments of that size".  netif does not say where the checksum is,
 * so both sides look for it, and only where a frontend would find it too may
 * it be left open.
 *
 * PURE
 */
#ifndef PV_BACKENDS_NET_PACKET_H
#define PV_BACKENDS_NET_PACKET_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/io/netif.h>

enum {
	NET_PAGE = 4096,
	NET_ETHER = 14, /* bytes of an Ethernet header */
	NET_TX_PIECES = 20, /* slots with data, of one packet */
	NET_TX_EXTRAS = 4, /* slots with extra information */
	NET_TX_SLOTS = NET_TX_PIECES + NET_TX_EXTRAS,
	NET_RX_BYTES = 65535 + NET_ETHER + 2 * 4, /* with two VLAN tags */
	NET_RX_PIECES = (NET_RX_BYTES + NET_PAGE - 1) / NET_PAGE,
	NET_RX_SLOTS = NET_RX_PIECES + 1,
	NET_TAP_HEADER = sizeof(struct virtio_net_hdr),
};

struct net_piece {
	uint32_t ref;
	uint16_t offset, bytes;
};

/* ---- from the guest (tx.c) ---------------------------------------------------- */

struct net_tx {
	unsigned int nr_slots;
	uint16_t id[NET_TX_SLOTS]; /* of each slot                       */
	uint32_t extra; /* bit n: slot n is extra information            */
	unsigned int nr_pieces;
	struct net_piece piece[NET_TX_PIECES]; /* none is empty           */
	uint32_t bytes;
	uint16_t flags; /* XEN_NETTXF_*, of the first slot                */
	uint16_t gso_size;
	uint8_t gso_type; /* XEN_NETIF_GSO_TYPE_*                         */
	bool refused; /* to be answered with an error                     */
	uint8_t next; /* tx.c: what the next slot is                      */
};

enum net_tx_step {
	NET_TX_MORE, /* the packet has another slot */
	NET_TX_DONE,
};

void tx_begin(struct net_tx *t);
/*
 * HOSTILE  Take the next slot, which nobody else can change any more.  Returns
 * an enum net_tx_step, or -EPROTO with *lie set to what the frontend did.
 */
int tx_add(struct net_tx *t, const union pv_netif_tx_slot *slot,
	   const char **lie);
/* The response to slot n. */
struct pv_netif_tx_response tx_response(const struct net_tx *t, unsigned int n,
					int status);

/* ---- to the guest (rx.c) ------------------------------------------------------- */

struct net_rx {
	unsigned char *data; /* begins with a page */
	uint32_t bytes; /* 0: no packet */
	uint16_t flags; /* XEN_NETRXF_* of checksums */
	uint16_t gso_size;
	uint8_t gso_type;
};

/* How many requests it takes. */
unsigned int rx_slots(const struct net_rx *r);
/*
 * slot[] has rx_slots() requests, and then the responses.  piece[] gets where
 * each page of data goes, in order; returns how many.
 */
unsigned int rx_fill(const struct net_rx *r, union pv_netif_rx_slot *slot,
		     struct net_piece *piece);

/* ---- headers (headers.c) --------------------------------------------------------- */

struct net_headers {
	uint32_t l3, l4; /* where they begin                           */
	uint32_t payload; /* where the transport header ends           */
	uint32_t end; /* of the packet, as the IP header has it         */
	uint16_t checksum; /* where it is in the transport header       */
	uint8_t version; /* 4 or 6                                      */
	uint8_t protocol; /* 6: TCP, 17: UDP                            */
	bool tagged; /* there is a VLAN tag                             */
};

/* HOSTILE  True: all of it is there, and it is TCP or UDP, and no fragment. */
bool headers_find(const unsigned char *packet, uint32_t bytes,
		  struct net_headers *h);

/* Sums of 16-bit big-endian words, folded; of an odd byte with a zero. */
uint16_t checksum_add(uint16_t sum, const unsigned char *data, uint32_t bytes);
/* Of the pseudo header; transport: bytes from h->l4 on. */
uint16_t checksum_pseudo(const unsigned char *packet,
			 const struct net_headers *h, uint32_t transport);
/* What a checksum field gets for a sum: never 0, which UDP takes for none. */
uint16_t checksum_of(uint16_t sum);

static inline uint16_t load16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void store16(unsigned char *p, uint16_t value)
{
	p[0] = (unsigned char)(value >> 8);
	p[1] = (unsigned char)value;
}

/* ---- offloads (offload.c, segment.c) ------------------------------------------------ */

/* What a frontend takes. */
struct net_offers {
	bool sg; /* packets of more than a page           */
	bool csum4, csum6; /* checksums that are open     */
	bool gso4, gso6;
};

/*
 * HOSTILE  Make the TAP's header for a packet that was copied; the checksum
 * field is prepared.  -EINVAL: the headers are not what the flags need.
 */
int offload_tx(const struct net_tx *t, unsigned char *packet,
	       struct virtio_net_hdr *head);

enum net_rx_fate {
	NET_RX_READY,
	NET_RX_SEGMENT, /* too large for this frontend: segment.c */
	NET_RX_DROP,
};

/* Fill in r's flags for a packet as it came from the TAP; a checksum that the
 * frontend would not fill in is filled in here. */
enum net_rx_fate offload_rx(struct net_rx *r, const struct virtio_net_hdr *head,
			    const struct net_offers *offers);

struct net_segmenter {
	const unsigned char *packet; /* stays where it is until the end */
	struct net_headers h;
	uint32_t size; /* of the payload of a segment                    */
	uint32_t at; /* of the next one in the packet; 0: there is none   */
	uint32_t nr; /* of the next one                                   */
};

/* False: it is not a TCP packet with a payload. */
bool segment_start(struct net_segmenter *s, const unsigned char *packet,
		   uint32_t bytes, uint32_t size);
/* The next one, with its checksums; returns its bytes, 0: there is none.  `to`
 * has room for the packet. */
uint32_t segment_next(struct net_segmenter *s, unsigned char *to);

#endif
