/* SPDX-License-Identifier: MIT */
/*
 * Packets between the pipes of a queue and its TAP.
 *
 *	tx -> writev(header of ours, bytes in the area) -> kernel
 *	kernel -> readv(header of ours, room in the area) -> rx
 *
 * The bytes are copied once, by the kernel, and not looked at here, so it does
 * not matter that the frontend can change them meanwhile (HOSTILE).  How large
 * a packet of the TAP is shows when it was read: room for the largest one is
 * found first, and what was not needed is left to the next.
 *
 * A packet that the TAP refuses is lost.
 */
#include <sys/uio.h>

#include "pv-backends/pvnet/queue.h"

enum {
	AT_ONCE = 64, /* packets, before others have a turn */
};

/* May a packet pass?  If not, the timer runs until it may. */
static bool may_pass(struct net *n, struct net_rate *rate,
		     struct ev_timer *held)
{
	struct ev_loop *loop = n->xb->loop;
	double wait = net_rate_wait(rate, ev_now(loop));

	if (wait <= 0)
		return true;
	ev_timer_stop(loop, held);
	ev_timer_set(held, wait, 0);
	ev_timer_start(loop, held);
	return false;
}

/* ---- from the guest ----------------------------------------------------------- */

static void send_packet(struct pvnet_queue *q, const struct pv_net_packet *p)
{
	struct net *n = q->n;
	struct virtio_net_hdr head;
	const struct iovec iov[] = {
		{&head, sizeof(head)},
		{q->tx_area + p->at, p->bytes},
	};

	header_of_packet(p, &head);
	net_rate_take(&n->from_guest, p->bytes);
	if (writev(n->tap.fd[q - n->pv->queue], iov, 2) < 0)
		return;
	/* An answer may have come on the way: it is local, mostly. */
	q->ready = true;
}

bool queue_send(struct pvnet_queue *q)
{
	struct net *n = q->n;
	enum pvnet_look look = PVNET_ONE;
	struct pv_net_packet p;
	int i;

	for (i = 0; i < AT_ONCE; i++) {
		look = pvnet_drain_look(&q->ring.tx, &p);
		if (look != PVNET_ONE ||
		    !may_pass(n, &n->from_guest, &n->pv->tx_held))
			break;
		send_packet(q, &p);
		pvnet_drain_done(&q->ring.tx);
	}
	if (look == PVNET_LIE)
		net_lie(n, "the transmit pipe makes no sense");
	else if (pvnet_drain_tell(&q->ring.tx))
		bus_notify(&q->own.port);
	return i == AT_ONCE;
}

/* ---- to the guest --------------------------------------------------------------- */

static void show(struct pvnet_queue *q)
{
	if (pvnet_fill_push(&q->ring.rx))
		bus_notify(&q->own.port);
}

/* Room for any packet; false: not now. */
static bool find_room(struct pvnet_queue *q, uint32_t *at)
{
	enum pvnet_look look;

	do {
		look = pvnet_fill_room(&q->ring.rx, PV_NET_PACKET_MAX, at);
		if (look == PVNET_NONE)
			show(q);
	} while (look == PVNET_NONE && pvnet_fill_wait(&q->ring.rx));
	if (look == PVNET_LIE)
		net_lie(q->n, "the receive pipe makes no sense");
	q->starved = look != PVNET_ONE;
	return look == PVNET_ONE;
}

/* False: the TAP has none. */
static bool receive_packet(struct pvnet_queue *q, uint32_t at)
{
	struct net *n = q->n;
	struct virtio_net_hdr head;
	const struct iovec iov[] = {
		{&head, sizeof(head)},
		{q->rx_area + at, PV_NET_PACKET_MAX},
	};
	struct pv_net_packet p = {.at = at};
	ssize_t got = readv(n->tap.fd[q - n->pv->queue], iov, 2);

	if (got < 0)
		return false;
	if (got < (ssize_t)sizeof(head) + PV_NET_PACKET_MIN ||
	    got > (ssize_t)sizeof(head) + PV_NET_PACKET_MAX)
		return true;
	p.bytes = (uint32_t)got - (uint32_t)sizeof(head);
	net_rate_take(&n->to_guest, p.bytes);
	if (header_to_packet(&head, &p))
		pvnet_fill_put(&q->ring.rx, &p);
	return true;
}

bool queue_receive(struct pvnet_queue *q)
{
	struct net *n = q->n;
	uint32_t at;
	int i;

	for (i = 0; i < AT_ONCE && q->ready; i++) {
		if (!may_pass(n, &n->to_guest, &n->pv->rx_held) ||
		    !find_room(q, &at))
			break;
		q->ready = receive_packet(q, at);
	}
	if (n->broken)
		return false;
	show(q);
	if (!q->ready)
		ev_io_start(n->xb->loop, &q->tap);
	return i == AT_ONCE;
}
