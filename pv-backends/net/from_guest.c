/* SPDX-License-Identifier: MIT */
/*
 * The way of packets from a guest: ring, copy, TAP, answers.
 *
 * A turn collects a batch of packets from the ring, copies all of it with one
 * call, hands each packet to the TAP, and answers.  Grants are always copied,
 * never mapped: the guest cannot change a packet after it was looked at, and a
 * copy costs less than to map, to touch and to unmap a page (with its TLB).
 *
 *	            | header | first slot's data | the others'          |
 *	                                         ^ begins with a page
 *
 * so that most pieces, which are whole pages, do not cross pages of ours, which
 * would cost the hypervisor two copies.
 *
 * A frontend wants to be told of the first answer to what it sent, though all
 * that it does then is to free memory.  So few answers are told of a little
 * later, with those that come meanwhile, if it has not looked by then.
 *
 * Requests are answered in order.  The journal has how far packets were sent,
 * so a successor answers those, and does not send them again.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pv-backends/net/net.h"

enum {
	ROUNDS = 4, /* batches before other queues have their turn */
	/* The most that a packet takes of the area. */
	ROOM = NET_TAP_HEADER + 2 * NET_PAGE + 65536,
	FEW = 4, /* answers */
};

#define TELL_SECONDS 0.002

#define STORE(field, value)                                                    \
	do {                                                                   \
		__atomic_signal_fence(__ATOMIC_SEQ_CST);                       \
		__atomic_store_n(&(field), (value), __ATOMIC_RELAXED);         \
		__atomic_signal_fence(__ATOMIC_SEQ_CST);                       \
	} while (0)

static void run_later(struct net_queue *q, double wait)
{
	struct ev_loop *loop = q->n->xb->loop;

	ev_timer_stop(loop, &q->tx_again);
	ev_timer_set(&q->tx_again, wait, 0);
	ev_timer_start(loop, &q->tx_again);
}

/* ---- collecting -------------------------------------------------------------------- */

/* HOSTILE  One packet from the ring; false: the frontend lied. */
static bool take_packet(struct net_queue *q, struct net_tx *t, int *waiting)
{
	union pv_netif_tx_slot slot;
	const char *lie = "a packet ends before its last slot";
	int rc = NET_TX_MORE;

	tx_begin(t);
	while (rc == NET_TX_MORE && *waiting > 0) {
		ring_read(&q->tx, &slot);
		--*waiting;
		rc = tx_add(t, &slot, &lie);
	}
	if (rc == NET_TX_DONE)
		return true;
	net_lie(q->n, "%s", lie);
	return false;
}

static size_t round_up(size_t at)
{
	return (at + NET_PAGE - 1) & ~(size_t)(NET_PAGE - 1);
}

/* Where in the area its first byte goes. */
static size_t find_place(const struct net_tx *t, size_t used)
{
	size_t at = used + NET_TAP_HEADER;
	uint32_t first = t->piece[0].bytes;

	if (t->nr_pieces > 1)
		return round_up(at + first) - first;
	return at / NET_PAGE == (at + first - 1) / NET_PAGE ? at : round_up(at);
}

static bool was_sent(const struct net_queue *q, uint32_t after)
{
	return (int32_t)(q->saved->tx_sent - after) >= 0;
}

static void add_copies(struct net *n, const struct net_tx *t, unsigned char *to)
{
	for (unsigned int i = 0; i < t->nr_pieces; i++) {
		net_add_copy(n, to, &t->piece[i], false);
		to += t->piece[i].bytes;
	}
}

/* Fill the batch; returns how many packets it has. */
static unsigned int collect(struct net_queue *q)
{
	struct net *n = q->n;
	int waiting = ring_pending(&q->tx);
	unsigned int nr = 0;
	size_t used = 0;

	while (waiting > 0 && nr < NET_TX_BATCH && used + ROOM <= NET_TX_AREA &&
	       n->nr_ops + NET_TX_PIECES <= NET_TX_OPS) {
		struct net_tx *t = &n->batch[nr];

		if (!take_packet(q, t, &waiting))
			return 0;
		n->after[nr] = q->tx.req_cons;
		n->place[nr] = NULL;
		if (!t->refused && !was_sent(q, q->tx.req_cons)) {
			size_t at = find_place(t, used);

			n->place[nr] = n->tx_area + at;
			add_copies(n, t, n->place[nr]);
			used = (at + t->bytes + 15) & ~(size_t)15;
		}
		nr++;
	}
	if (waiting < 0)
		net_lie(n, "the transmit ring's request index is impossible");
	return waiting < 0 ? 0 : nr;
}

/* ---- sending ------------------------------------------------------------------------- */

/* Returns the status of the answer. */
static int send_packet(struct net_queue *q, const struct net_tx *t,
		       unsigned char *packet)
{
	struct virtio_net_hdr head;
	unsigned char *from = packet - NET_TAP_HEADER;

	if (offload_tx(t, packet, &head))
		return XEN_NETIF_RSP_ERROR;
	memcpy(from, &head, NET_TAP_HEADER);
	net_rate_take(&q->n->from_guest, t->bytes);
	if (write(q->n->tap.fd[q->nr], from, NET_TAP_HEADER + t->bytes) >= 0)
		return XEN_NETIF_RSP_OKAY;
	/* A network may lose packets. */
	return XEN_NETIF_RSP_DROPPED;
}

static void answer(struct net_queue *q, const struct net_tx *t, int status)
{
	for (unsigned int i = 0; i < t->nr_slots; i++) {
		struct pv_netif_tx_response rsp = tx_response(t, i, status);

		ring_respond(&q->tx, &rsp, 0);
	}
}

static void finish(struct net_queue *q, unsigned int i)
{
	struct net *n = q->n;
	const struct net_tx *t = &n->batch[i];
	int status = XEN_NETIF_RSP_OKAY;

	if (t->refused)
		status = XEN_NETIF_RSP_ERROR;
	else if (n->place[i])
		status = send_packet(q, t, n->place[i]);
	if (!was_sent(q, n->after[i]))
		STORE(q->saved->tx_sent, n->after[i]);
	answer(q, t, status);
}

static void publish(struct net_queue *q)
{
	struct ev_loop *loop = q->n->xb->loop;
	bool owed = ring_publish(&q->tx) || ev_is_active(&q->tx_tell);

	ring_settle(&q->tx);
	if (!owed)
		return;
	if (!q->n->patient || ring_unseen(&q->tx) > FEW) {
		ev_timer_stop(loop, &q->tx_tell);
		bus_notify(&q->tx_port);
	} else if (!ev_is_active(&q->tx_tell)) {
		ev_timer_set(&q->tx_tell, TELL_SECONDS, 0);
		ev_timer_start(loop, &q->tx_tell);
	}
}

static void on_tell(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct net_queue *q = w->data;

	(void)loop;
	(void)what;
	if (ring_unseen(&q->tx))
		bus_notify(&q->tx_port);
}

/* One batch; false: there is nothing to do, or not now. */
static bool run_batch(struct net_queue *q)
{
	struct net *n = q->n;
	double wait = net_rate_wait(&n->from_guest, ev_now(n->xb->loop));
	unsigned int nr;

	if (wait > 0) {
		run_later(q, wait);
		return false;
	}
	nr = collect(q);
	if (!nr)
		return !n->broken && ring_sleep(&q->tx) != 0;
	if (net_copy(n))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		finish(q, i);
	publish(q);
	return true;
}

void from_guest_run(struct net_queue *q)
{
	for (int i = 0; i < ROUNDS; i++)
		if (q->n->broken || !run_batch(q))
			return;
	run_later(q, 0);
}

/* ---- beginning and end ---------------------------------------------------------------- */

static void on_again(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	from_guest_run(w->data);
}

void from_guest_start(struct net_queue *q)
{
	/* What a predecessor sent can only be what is in the ring. */
	if (q->saved->tx_sent - q->tx.req_cons > NET_RING_SLOTS)
		q->saved->tx_sent = q->tx.req_cons;
	ev_init(&q->tx_again, on_again);
	q->tx_again.data = q;
	ev_init(&q->tx_tell, on_tell);
	q->tx_tell.data = q;
}

void from_guest_stop(struct net_queue *q)
{
	ev_timer_stop(q->n->xb->loop, &q->tx_again);
	ev_timer_stop(q->n->xb->loop, &q->tx_tell);
}
