/* SPDX-License-Identifier: MIT */
/*
 * The way of packets to a guest: TAP, slots, copy, answers.
 *
 * Packets are read from the TAP one behind the other into an area, each so that
 * its data begins with a page; what fits into the ring is copied by one call.
 * A packet that finds too few slots is held, and the TAP is left alone until
 * the frontend has added as many requests as it needs: meanwhile the kernel
 * queues what comes, and drops what is too much, as for any other interface.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pv-backends/net/net.h"

enum {
	ROUNDS = 4, /* batches before other queues have their turn */
	/* The most that a packet takes of the area. */
	ROOM = (NET_RX_PIECES + 2) * NET_PAGE,
};

#define POLL_SECONDS 0.02 /* for frontends that tell nothing */

enum outcome {
	OUT_EMPTY, /* the TAP has no packet         */
	OUT_FULL, /* the area has no room          */
	OUT_STARVED, /* the ring has too few requests */
	OUT_LIMITED, /* not now                       */
};

static void run_later(struct net_queue *q, double wait)
{
	struct ev_loop *loop = q->n->xb->loop;

	ev_timer_stop(loop, &q->rx_again);
	ev_timer_set(&q->rx_again, wait, 0);
	ev_timer_start(loop, &q->rx_again);
}

/* ---- where packets come from ----------------------------------------------------------- */

/* The next byte of the area that begins a page, behind a TAP's header. */
static unsigned char *next_place(const struct net_queue *q)
{
	size_t at = q->area_used + NET_TAP_HEADER + NET_PAGE - 1;

	return q->area + (at & ~(size_t)(NET_PAGE - 1));
}

static void hold(struct net_queue *q, unsigned char *data, uint32_t bytes)
{
	q->held.data = data;
	q->held.bytes = bytes;
	q->area_used = (size_t)(data - q->area) + bytes;
}

/* To be cut later on: it has to be out of the area's way. */
static void begin_segments(struct net_queue *q, const unsigned char *packet,
			   uint32_t bytes, uint32_t size)
{
	if (!q->large)
		q->large = malloc(NET_RX_BYTES);
	if (!q->large)
		return;
	memcpy(q->large, packet, bytes);
	segment_start(&q->segmenter, q->large, bytes, size);
}

/* Hold the next segment; false: there is none. */
static bool next_segment(struct net_queue *q)
{
	unsigned char *to = next_place(q);
	uint32_t bytes = segment_next(&q->segmenter, to);

	if (!bytes || (!q->n->offers.sg && bytes > NET_PAGE))
		return false;
	hold(q, to, bytes);
	q->held.flags = XEN_NETRXF_data_validated;
	q->held.gso_type = XEN_NETIF_GSO_TYPE_NONE;
	return true;
}

/* Hold the TAP's next packet; false: it has none. */
static bool read_tap(struct net_queue *q)
{
	struct virtio_net_hdr head;
	unsigned char *to = next_place(q);
	ssize_t n;

	for (;;) {
		n = read(q->n->tap.fd[q->nr], to - NET_TAP_HEADER,
			 NET_TAP_HEADER + NET_RX_BYTES);
		if (n < 0)
			return false;
		if (n < NET_TAP_HEADER + NET_ETHER ||
		    n > NET_TAP_HEADER + NET_RX_BYTES)
			continue;
		memcpy(&head, to - NET_TAP_HEADER, sizeof(head));
		hold(q, to, (uint32_t)n - NET_TAP_HEADER);
		switch (offload_rx(&q->held, &head, &q->n->offers)) {
		case NET_RX_READY:
			return true;
		case NET_RX_SEGMENT:
			begin_segments(q, to, q->held.bytes, head.gso_size);
			break;
		case NET_RX_DROP:
			break;
		}
		q->held.bytes = 0;
		q->area_used = (size_t)(to - q->area);
		if (next_segment(q))
			return true;
	}
}

static bool fetch(struct net_queue *q)
{
	return next_segment(q) || read_tap(q);
}

/* ---- where they go ---------------------------------------------------------------------- */

/* Put the held packet into the ring, which has the slots. */
static void deliver(struct net_queue *q)
{
	union pv_netif_rx_slot slot[NET_RX_SLOTS];
	struct net_piece piece[NET_RX_PIECES];
	unsigned int slots = rx_slots(&q->held), nr;
	unsigned char *from = q->held.data;

	for (unsigned int i = 0; i < slots; i++)
		ring_read(&q->rx, &slot[i]);
	nr = rx_fill(&q->held, slot, piece);
	for (unsigned int i = 0; i < nr; i++) {
		net_add_copy(q->n, from, &piece[i], true);
		from += piece[i].bytes;
	}
	for (unsigned int i = 0; i < slots; i++)
		ring_respond(&q->rx, &slot[i], 0);
	net_rate_take(&q->n->to_guest, q->held.bytes);
	q->held.bytes = 0;
}

/* How many requests wait; if fewer than needed, after asking for an event. */
static int slots_for(struct net_queue *q, unsigned int needed)
{
	int waiting = ring_pending(&q->rx);

	if (waiting >= 0 && (unsigned int)waiting < needed)
		waiting = ring_sleep_for(&q->rx, needed);
	if (waiting < 0)
		net_lie(q->n, "the receive ring's request index is impossible");
	return waiting;
}

static enum outcome fill(struct net_queue *q, double *wait)
{
	struct net *n = q->n;

	if (!q->held.bytes)
		q->area_used = 0;
	for (;;) {
		if (!q->held.bytes) {
			*wait = net_rate_wait(&n->to_guest,
					      ev_now(n->xb->loop));
			if (*wait > 0)
				return OUT_LIMITED;
			if (q->area_used + ROOM > NET_RX_AREA)
				return OUT_FULL;
			if (!fetch(q))
				return OUT_EMPTY;
		}
		if (slots_for(q, rx_slots(&q->held)) < (int)rx_slots(&q->held))
			return OUT_STARVED;
		deliver(q);
	}
}

static void publish(struct net_queue *q)
{
	if (!q->rx.log->nr)
		return;
	if (ring_publish(&q->rx))
		bus_notify(q->split ? &q->rx_port : &q->tx_port);
	ring_settle(&q->rx);
}

/* Is a packet of the TAP wanted now? */
static void want(struct net_queue *q, bool yes)
{
	struct ev_loop *loop = q->n->xb->loop;

	if (yes)
		ev_io_start(loop, &q->tap);
	else
		ev_io_stop(loop, &q->tap);
}

void to_guest_run(struct net_queue *q)
{
	struct net *n = q->n;
	enum outcome out = OUT_FULL;
	double wait = 0;

	for (int i = 0; i < ROUNDS && out == OUT_FULL && !n->broken; i++) {
		out = fill(q, &wait);
		if (n->broken || net_copy(n))
			return;
		publish(q);
	}
	want(q, out == OUT_EMPTY || out == OUT_FULL);
	if (out == OUT_FULL)
		run_later(q, 0);
	else if (out == OUT_LIMITED)
		run_later(q, wait);
	else if (out == OUT_STARVED && !n->rx_notify)
		run_later(q, POLL_SECONDS);
}

/* ---- beginning and end ------------------------------------------------------------------- */

static void on_tap(struct ev_loop *loop, struct ev_io *io, int what)
{
	(void)loop;
	(void)what;
	to_guest_run(io->data);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	to_guest_run(w->data);
}

int to_guest_start(struct net_queue *q)
{
	void *area;

	if (posix_memalign(&area, NET_PAGE, NET_RX_AREA))
		return xb_error(q->n->xb, "no memory");
	q->area = area;
	q->area_used = 0;
	q->held.bytes = 0;
	q->segmenter.at = 0;
	ev_init(&q->rx_again, on_again);
	q->rx_again.data = q;
	ev_io_init(&q->tap, on_tap, q->n->tap.fd[q->nr], EV_READ);
	q->tap.data = q;
	ev_io_start(q->n->xb->loop, &q->tap);
	return 0;
}

void to_guest_stop(struct net_queue *q)
{
	if (q->area) {
		ev_io_stop(q->n->xb->loop, &q->tap);
		ev_timer_stop(q->n->xb->loop, &q->rx_again);
	}
	free(q->area);
	free(q->large);
	q->area = q->large = NULL;
}
