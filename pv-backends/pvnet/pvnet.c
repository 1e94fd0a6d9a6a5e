/* SPDX-License-Identifier: MIT */
/*
 * Interfaces on the own network ring.
 *
 * A turn of the loop sends what the pipes have and receives what the TAPs have;
 * what is received for a queue becomes visible at once.  As with disks, the
 * process looks for some time whether more comes before it sleeps, if that was
 * worth it lately (pvblk/linger.c).
 *
 * The ring alone tells a successor how to go on: nothing is in the journal.  A
 * frontend that breaks the protocol loses its device at the end of the turn.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <pv/io/xenbus.h>

#include "pv-backends/pvblk/linger.h"
#include "pv-backends/pvnet/queue.h"

enum {
	LOOKS = 32, /* at the pipes, for one at the TAPs */
};

struct server {
	struct pvnet pv; /* the first: n->pv */
	struct ev_prepare turn; /* the end of a turn of the loop        */
	struct ev_idle more; /* do not sleep: there is more to do       */
	struct ev_check woken;
	struct linger linger;
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
						      port));

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

static void on_more(struct ev_loop *loop, struct ev_idle *w, int what)
{
	(void)loop;
	(void)w;
	(void)what;
}

/* True: there is more than may be done now. */
static bool work_off(struct net *n)
{
	bool more = false;

	for (unsigned int i = 0; i < n->nr_queues && !n->broken; i++)
		if (may_send(&n->pv->queue[i]))
			more |= queue_send(&n->pv->queue[i]);
	for (unsigned int i = 0; i < n->nr_queues && !n->broken; i++)
		if (may_receive(&n->pv->queue[i]))
			more |= queue_receive(&n->pv->queue[i]);
	return more && !n->broken;
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

/* Is there something to do?  Looks at memory, and now and then at the TAPs. */
static bool is_busy(struct net *n, unsigned int look)
{
	if (look % LOOKS == LOOKS - 1)
		look_at_taps(n);
	for (unsigned int i = 0; i < n->nr_queues; i++)
		if (may_send(&n->pv->queue[i]) || may_receive(&n->pv->queue[i]))
			return true;
	return false;
}

/* Ask the frontend for events; false: there is no need to. */
static bool must_sleep(struct net *n)
{
	bool more = false;

	if (ev_is_active(&n->pv->tx_held))
		return true;
	for (unsigned int i = 0; i < n->nr_queues; i++)
		more |= pvnet_drain_sleep(&n->pv->queue[i].ring.tx);
	return !more;
}

/* The end of a turn. */
static void on_turn(struct ev_loop *loop, struct ev_prepare *t, int what)
{
	struct net *n = t->data;
	struct server *s = server_of(n);
	bool more = work_off(n);

	(void)what;
	linger_begin(&s->linger);
	for (unsigned int look = 0;
	     !more && !n->broken && linger_goes_on(&s->linger); look++) {
		if (!is_busy(n, look))
			continue;
		linger_caught(&s->linger);
		more = work_off(n);
	}
	if (n->broken) {
		xb_fatal(n->xb, "%s", n->xb->error);
		return;
	}
	if (more || !must_sleep(n))
		ev_idle_start(loop, &s->more);
	else
		ev_idle_stop(loop, &s->more);
	linger_sleeps(&s->linger);
}

static void on_woken(struct ev_loop *loop, struct ev_check *c, int what)
{
	struct server *s = c->data;

	(void)loop;
	(void)what;
	linger_woken(&s->linger);
}

/* ---- connecting ------------------------------------------------------------------- */

void pvnet_publish(struct net *n)
{
	struct xb *xb = n->xb;
	struct store_value asked;
	uint64_t state;

	store_put(&xb->store, xb->back, "feature-parapet-ring", "%u",
		  PV_NET_VERSION);
	/* A frontend that begins may not speak what the one before it did. */
	if (store_read(&xb->store, xb->front, "protocol-pv", &asked) &&
	    !xb_number(xb, xb->front, "state", XenbusStateReconfigured,
		       XenbusStateUnknown, &state) &&
	    (state < XenbusStateInitialised || state > XenbusStateConnected))
		store_remove(&xb->store, xb->front, "protocol-pv");
}

int pvnet_wanted(struct net *n, bool *wanted)
{
	uint64_t version;

	if (xb_number(n->xb, n->xb->front, "protocol-pv", PV_NET_VERSION, 0,
		      &version))
		return -1;
	*wanted = version != 0;
	return 0;
}

/* HOSTILE: the directory is copied before it is looked at. */
static int copy_dir(struct xb *xb, uint32_t ref, struct pv_net_dir *dir)
{
	struct pv_gnt_copy c = {
		.local = dir,
		.ref = ref,
		.domid = xb->domid,
		.bytes = sizeof(*dir),
	};

	if (bus_copy(xb->bus, &c, 1))
		return xb_error(xb, "%s", bus_error());
	if (c.status)
		return xb_error(xb, "grant %u: %s", ref,
				pv_gnt_status_text(c.status));
	return 0;
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

static int map_queue(struct pvnet_queue *q, uint32_t ref)
{
	struct net *n = q->n;
	struct xb *xb = n->xb;
	struct pv_net_dir dir;

	if (copy_dir(xb, ref, &dir))
		return -1;
	q->nr_pages = pvnet_back_dir(&dir);
	if (!q->nr_pages)
		return xb_error(xb, "the directory of a queue makes no sense");
	q->map = bus_map(xb->bus, xb->domid, dir.ref, q->nr_pages);
	if (!q->map)
		return xb_error(xb, "%s", bus_error());
	q->tx_area = (unsigned char *)q->map + sizeof(struct pv_net_ring);
	q->rx_area = q->tx_area + dir.nr_tx * (size_t)PV_PAGE_SIZE;
	if (!pvnet_back_attach(&q->ring, q->map, dir.nr_tx, dir.nr_rx))
		return xb_error(xb, "the receive pipe makes no sense");
	if (q == n->pv->queue)
		set_offers(n, dir.takes);
	return 0;
}

static int attach_queue(struct net *n, unsigned int nr)
{
	struct pvnet_queue *q = &n->pv->queue[nr];
	struct xb *xb = n->xb;
	char dir[STORE_PATH + 32];
	uint64_t ref, port;

	q->n = n;
	ev_io_init(&q->tap, on_tap, n->tap.fd[nr], EV_READ);
	q->tap.data = q;
	snprintf(dir, sizeof(dir), "%s/queue-%u", xb->front, nr);
	if (xb_number(xb, dir, "ring-ref", UINT32_MAX, UINT64_MAX, &ref) ||
	    xb_number(xb, dir, "event-channel", UINT32_MAX, UINT64_MAX, &port))
		return -1;
	if (ref == UINT64_MAX || port == UINT64_MAX)
		return xb_error(xb, "queue-%u: keys are missing", nr);
	if (map_queue(q, (uint32_t)ref))
		return -1;
	q->port.event = on_event;
	if (bus_bind(xb->bus, &q->port, xb->domid, (uint32_t)port))
		return xb_error(xb, "%s", bus_error());
	return 0;
}

static void start_loop(struct net *n)
{
	struct server *s = server_of(n);

	ev_init(&s->pv.tx_held, on_held);
	ev_init(&s->pv.rx_held, on_held);
	ev_idle_init(&s->more, on_more);
	ev_prepare_init(&s->turn, on_turn);
	s->turn.data = n;
	ev_prepare_start(n->xb->loop, &s->turn);
	ev_check_init(&s->woken, on_woken);
	s->woken.data = s;
	ev_check_start(n->xb->loop, &s->woken);
}

void pvnet_detach(struct net *n)
{
	struct server *s = server_of(n);
	struct pvnet *pv = n->pv;
	struct ev_loop *loop = n->xb->loop;

	ev_timer_stop(loop, &pv->tx_held);
	ev_timer_stop(loop, &pv->rx_held);
	ev_idle_stop(loop, &s->more);
	ev_prepare_stop(loop, &s->turn);
	ev_check_stop(loop, &s->woken);
	for (unsigned int i = 0; i < n->nr_queues && pv->queue[i].n; i++) {
		struct pvnet_queue *q = &pv->queue[i];

		ev_io_stop(loop, &q->tap);
		bus_unbind(&q->port);
		if (q->map)
			bus_unmap(n->xb->bus, q->map, q->nr_pages);
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

	if (xb_number(xb, xb->front, "multi-queue-num-queues", NET_MAX_QUEUES,
		      1, &queues))
		return -1;
	if (!queues)
		return xb_error(xb, "multi-queue-num-queues: 0");
	s = calloc(1, sizeof(*s));
	if (!s)
		return xb_error(xb, "no memory");
	n->pv = &s->pv;
	n->nr_queues = (unsigned int)queues;
	start_loop(n);
	if (attach_all(n)) {
		pvnet_detach(n);
		return -1;
	}
	for (unsigned int i = 0; i < n->nr_queues; i++) {
		ev_io_start(xb->loop, &n->pv->queue[i].tap);
		/* What a predecessor did may be there unannounced. */
		bus_notify(&n->pv->queue[i].port);
	}
	log_line("connected, ring=own queues=%u pages=%u gso=%d%d csum=%d",
		 n->nr_queues, n->pv->queue[0].nr_pages, n->offers.gso4,
		 n->offers.gso6, n->offers.csum4);
	return 0;
}
