/* SPDX-License-Identifier: MIT */
/*
 * Interfaces on the own network ring.
 *
 * A turn of the loop sends what the pipes have and receives what the TAPs have;
 * what is received for a queue becomes visible at once.
 *
 * The ring alone tells a successor how to go on: nothing is in the journal.
 */
#include <poll.h>
#include <stdlib.h>

#include "pv-backends/common/turn.h"
#include "pv-backends/pvnet/queue.h"

enum {
	LOOKS = 32, /* at the pipes, for one at the TAPs */
};

struct server {
	struct pvnet pv; /* the first: n->pv */
	struct turn turn;
};

static struct server *server_of(const struct net *n)
{
	return (struct server *)n->pv;
}

/* ---- turns --------------------------------------------------------------------- */

static bool may_send(const struct pvnet_queue *q)
{
	return !ev_is_active(&q->n->pv->tx_held) &&
	       pvnet_drain_busy(&q->ring.tx);
}

static bool may_receive(const struct pvnet_queue *q)
{
	return q->ready && !ev_is_active(&q->n->pv->rx_held) &&
	       (!q->starved || pvnet_fill_moved(&q->ring.rx));
}

/* The turn's end looks at all pipes. */
static void on_event(struct bus_port *p)
{
	const struct pvnet_queue *q =
		(const struct pvnet_queue *)((char *)p -
					     offsetof(struct pvnet_queue,
						      own.port));

	if (!pvnet_drain_busy(&q->ring.tx) &&
	    !(q->starved && pvnet_fill_moved(&q->ring.rx)))
		bus_idle_event(p);
}

static void on_tap(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct pvnet_queue *q = io->data;

	(void)what;
	q->ready = true;
	/* Whatever it is that delays it, there is no need to hear it again. */
	ev_io_stop(loop, io);
}

static void on_held(struct ev_loop *loop, struct ev_timer *t, int what)
{
	(void)loop;
	(void)t;
	(void)what;
}

static enum turn_end work_off(void *priv)
{
	struct net *n = priv;
	bool more = false;

	for (unsigned int i = 0; i < n->nr_queues && !n->broken; i++)
		if (may_send(&n->pv->queue[i]))
			more |= queue_send(&n->pv->queue[i]);
	for (unsigned int i = 0; i < n->nr_queues && !n->broken; i++)
		if (may_receive(&n->pv->queue[i]))
			more |= queue_receive(&n->pv->queue[i]);
	if (n->broken)
		return TURN_BROKEN;
	return more ? TURN_MORE : TURN_DONE;
}

static void look_at_taps(struct net *n)
{
	struct pollfd fd[NET_MAX_QUEUES];

	for (unsigned int i = 0; i < n->nr_queues; i++)
		fd[i] = (struct pollfd){.fd = n->tap.fd[i], .events = POLLIN};
	if (poll(fd, n->nr_queues, 0) <= 0)
		return;
	for (unsigned int i = 0; i < n->nr_queues; i++)
		n->pv->queue[i].ready |= fd[i].revents & POLLIN;
}

/* The TAPs are looked at now and then. */
static bool is_busy(void *priv, unsigned int looks)
{
	struct net *n = priv;

	if (looks % LOOKS == LOOKS - 1)
		look_at_taps(n);
	for (unsigned int i = 0; i < n->nr_queues; i++)
		if (may_send(&n->pv->queue[i]) || may_receive(&n->pv->queue[i]))
			return true;
	return false;
}

static bool must_sleep(void *priv)
{
	struct net *n = priv;
	bool more = false;

	if (ev_is_active(&n->pv->tx_held))
		return true;
	for (unsigned int i = 0; i < n->nr_queues; i++)
		more |= pvnet_drain_sleep(&n->pv->queue[i].ring.tx);
	return !more;
}

static const struct turn_ops turn_ops = {work_off, is_busy, must_sleep};

/* ---- connecting ------------------------------------------------------------------- */

void pvnet_publish(struct net *n)
{
	own_publish(n->xb, PV_NET_VERSION);
}

int pvnet_wanted(struct net *n, bool *wanted)
{
	return own_wanted(n->xb, PV_NET_VERSION, wanted);
}

static void set_offers(struct net *n, unsigned int takes)
{
	bool csum = takes & PV_NET_TAKES_CSUM;

	n->offers = (struct net_offers){
		.sg = true,
		.csum4 = csum,
		.csum6 = csum,
		.gso4 = csum && takes & PV_NET_TAKES_TSO4,
		.gso6 = csum && takes & PV_NET_TAKES_TSO6,
	};
}

static int map_queue(struct pvnet_queue *q, unsigned int nr)
{
	struct net *n = q->n;
	struct pv_net_dir dir;

	if (own_read(n->xb, &q->own, nr, &dir, sizeof(dir)) ||
	    own_map(n->xb, &q->own, dir.ref, pvnet_back_dir(&dir)))
		return -1;
	q->tx_area = (unsigned char *)q->own.map + sizeof(struct pv_net_ring);
	q->rx_area = q->tx_area + dir.nr_tx * (size_t)PV_PAGE_SIZE;
	if (!pvnet_back_attach(&q->ring, q->own.map, dir.nr_tx, dir.nr_rx))
		return xb_error(n->xb, "the receive pipe makes no sense");
	if (q == n->pv->queue)
		set_offers(n, dir.takes);
	return 0;
}

static int attach_queue(struct net *n, unsigned int nr)
{
	struct pvnet_queue *q = &n->pv->queue[nr];

	q->n = n;
	ev_io_init(&q->tap, on_tap, n->tap.fd[nr], EV_READ);
	q->tap.data = q;
	if (map_queue(q, nr))
		return -1;
	return own_bind(n->xb, &q->own, on_event);
}

void pvnet_detach(struct net *n)
{
	struct server *s = server_of(n);
	struct pvnet *pv = n->pv;
	struct ev_loop *loop = n->xb->loop;

	ev_timer_stop(loop, &pv->tx_held);
	ev_timer_stop(loop, &pv->rx_held);
	turn_stop(&s->turn);
	for (unsigned int i = 0; i < n->nr_queues && pv->queue[i].n; i++) {
		struct pvnet_queue *q = &pv->queue[i];

		ev_io_stop(loop, &q->tap);
		own_release(n->xb, &q->own);
	}
	free(s);
	n->pv = NULL;
	n->nr_queues = 0;
}

static int attach_all(struct net *n)
{
	struct xb *xb = n->xb;
	char why[TAP_WHY];

	for (unsigned int i = 0; i < n->nr_queues; i++)
		if (attach_queue(n, i))
			return -1;
	if (tap_start(&n->tap, n->nr_queues, &n->offers, why))
		return xb_error(xb, "%s", why);
	return 0;
}

int pvnet_attach(struct net *n)
{
	struct xb *xb = n->xb;
	struct server *s;
	uint64_t queues;

	if (xb_number(xb, xb->front, "multi-queue-num-queues", n->tap.queues, 1,
		      &queues))
		return -1;
	if (!queues)
		return xb_error(xb, "multi-queue-num-queues: 0");
	s = calloc(1, sizeof(*s));
	if (!s)
		return xb_error(xb, "no memory");
	n->pv = &s->pv;
	n->nr_queues = (unsigned int)queues;
	ev_init(&s->pv.tx_held, on_held);
	ev_init(&s->pv.rx_held, on_held);
	turn_start(&s->turn, xb, &turn_ops, n);
	if (attach_all(n)) {
		pvnet_detach(n);
		return -1;
	}
	for (unsigned int i = 0; i < n->nr_queues; i++) {
		ev_io_start(xb->loop, &n->pv->queue[i].tap);
		/* What a predecessor did may be there unannounced. */
		bus_notify(&n->pv->queue[i].own.port);
	}
	log_line("connected, ring=own queues=%u pages=%u gso=%d%d csum=%d",
		 n->nr_queues, n->pv->queue[0].own.nr_pages, n->offers.gso4,
		 n->offers.gso6, n->offers.csum4);
	return 0;
}
