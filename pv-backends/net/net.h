/* SPDX-License-Identifier: MIT */
/* The parts of the network backend. */
#ifndef PV_BACKENDS_NET_NET_H
#define PV_BACKENDS_NET_NET_H

#include "pv-backends/common/limit.h"
#include "pv-backends/common/ring.h"
#include "pv-backends/common/xenbus.h"
#include "pv-backends/net/packet.h"
#include "pv-backends/net/tap.h"

enum {
	NET_MAX_QUEUES = TAP_MAX_QUEUES,
	NET_RING_SLOTS = 256,
	NET_TX_BATCH = 64, /* packets copied by one call              */
	NET_TX_AREA = 512 * 1024, /* bytes of them                    */
	NET_TX_OPS = 256,
	NET_RX_AREA = 512 * 1024,
	NET_RX_OPS = NET_RX_AREA / NET_PAGE,
};

/* ---- what outlives the process -------------------------------------------------- */

enum {
	NET_LOG_BYTES = sizeof(struct ring_log) +
			NET_RING_SLOTS * sizeof(struct ring_entry),
};

struct saved_queue {
	uint32_t tx_sent; /* requests before this one were sent */
	uint32_t pad[3];
	/* struct ring_log of each ring, with its entries */
	unsigned char tx_log[NET_LOG_BYTES], rx_log[NET_LOG_BYTES];
};

/* ---- queues and device ------------------------------------------------------------- */

struct net;

struct net_queue {
	struct net *n;
	unsigned int nr;
	struct saved_queue *saved;
	unsigned char *pages; /* the transmit ring's, the receive ring's */
	struct bus_port tx_port, rx_port; /* without rx_port: one for both */
	bool split;

	struct ring tx;
	struct ev_timer tx_again; /* more to do, or a limit lets it */
	struct ev_timer tx_tell; /* answers that were not told of */

	struct ring rx;
	struct ev_io tap; /* active: packets are wanted */
	struct ev_timer rx_again;
	unsigned char *area; /* packets on their way to the guest */
	size_t area_used;
	struct net_rx held; /* one that has no slots yet */
	struct net_segmenter segmenter;
	unsigned char *large; /* what it cuts */
};

/* Mean rate, and the most that a burst may have. */
struct net_rate {
	struct limit average, peak;
};

struct net {
	struct xb *xb;
	struct pvnet *pv; /* what follows of rings is not used then */
	struct tap tap;
	struct net_offers offers;
	bool rx_notify; /* the frontend tells of new receive requests */
	struct net_rate to_guest, from_guest;
	struct net_queue queue[NET_MAX_QUEUES];
	unsigned int nr_queues;
	struct ev_prepare turn; /* the end of a turn of the loop */
	bool patient; /* few answers may be told of later */
	bool broken; /* the frontend lied: xb->error */

	/* One batch on its way from the guest. */
	struct net_tx batch[NET_TX_BATCH];
	unsigned char *place[NET_TX_BATCH];
	uint32_t after[NET_TX_BATCH]; /* the ring index after it */
	unsigned char *tx_area;
	struct pv_gnt_copy
		ops[NET_TX_OPS > NET_RX_OPS ? NET_TX_OPS : NET_RX_OPS];
	unsigned int nr_ops;
};

/* The frontend lied, or we cannot go on: its device ends with this turn. */
void net_lie(struct net *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Between local memory and a grant; net_copy() does all that were added. */
void net_add_copy(struct net *n, unsigned char *local,
		  const struct net_piece *piece, bool to_grant);
/* 0, or -1 after net_lie(). */
int net_copy(struct net *n);

/* Seconds until a packet may pass; 0: it may. */
double net_rate_wait(struct net_rate *r, double now);
void net_rate_take(struct net_rate *r, uint32_t bytes);

/* from_guest.c, to_guest.c: set up a queue's direction, work, end. */
void from_guest_start(struct net_queue *q);
void from_guest_run(struct net_queue *q);
void from_guest_stop(struct net_queue *q);
int to_guest_start(struct net_queue *q);
void to_guest_run(struct net_queue *q);
void to_guest_stop(struct net_queue *q);

#endif
