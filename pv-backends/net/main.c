/* SPDX-License-Identifier: MIT */
/*
 * parapet-netback: the driver of vif devices.
 *
 * What the toolstack wrote is read here, what the frontend wrote too (HOSTILE);
 * packets are the business of from_guest.c and to_guest.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/common/numbers.h"
#include "pv-backends/common/worker.h"
#include "pv-backends/net/net.h"
#include "pv-backends/pvnet/pvnet.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NONE     UINT64_MAX /* no such key */

/* ---- what the toolstack wants ----------------------------------------------------- */

static void set_rate(struct net_rate *r, const struct number *n, double now)
{
	limit_set(&r->average, (double)n[0].value * 1024,
		  (double)n[2].value * 1024, now);
	limit_set(&r->peak, (double)n[1].value * 1024, 0, now);
}

static int read_rates(struct net *n)
{
	struct number r[] = {
		{"bandwidth/inbound/average", 1ull << 40, 0, 0},
		{"bandwidth/inbound/peak", 1ull << 40, 0, 0},
		{"bandwidth/inbound/burst", 1ull << 40, 0, 0},
		{"bandwidth/outbound/average", 1ull << 40, 0, 0},
		{"bandwidth/outbound/peak", 1ull << 40, 0, 0},
		{"bandwidth/outbound/burst", 1ull << 40, 0, 0},
	};

	if (numbers_read(n->xb, n->xb->back, r, COUNT(r)))
		return -1;
	set_rate(&n->to_guest, &r[0], ev_now(n->xb->loop));
	set_rate(&n->from_guest, &r[3], ev_now(n->xb->loop));
	return 0;
}

static bool parse_mac(const char *text, unsigned char mac[6])
{
	char rest;

	return strlen(text) == 17 &&
	       sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
		      &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) == 6;
}

static const char *alias_of(domid_t domid, uint32_t devid)
{
	static char alias[LINK_ALIAS];

	snprintf(alias, sizeof(alias), "parapet-vif-%u-%u", domid, devid);
	return alias;
}

static int open_tap(struct net *n)
{
	struct xb *xb = n->xb;
	struct store_value mac, type, bridge, name;
	struct number k[] = {
		{"mtu", 65535, 0, 0},
		{"queues", UINT32_MAX, NET_MAX_QUEUES, 0},
	};
	struct tap_options opt = {
		.alias = alias_of(xb->domid, xb->devid),
		.name = name.text,
		.bridge = bridge.text,
	};
	char why[TAP_WHY];

	store_get(&xb->store, xb->back, "mac", &mac);
	store_get(&xb->store, xb->back, "type", &type);
	store_get(&xb->store, xb->back, "bridge", &bridge);
	store_get(&xb->store, xb->back, "vifname", &name);
	if (numbers_read(xb, xb->back, k, COUNT(k)))
		return -1;
	if (!bridge.there)
		return xb_error(xb, "bridge: missing");
	if (!name.there)
		snprintf(name.text, sizeof(name.text), "vif%u.%u", xb->domid,
			 xb->devid);
	if (!parse_mac(mac.text, opt.mac))
		return xb_error(xb, "mac \"%.40s\": not a MAC address",
				mac.text);
	opt.openvswitch = !strcmp(type.text, "openvswitch");
	opt.mtu = (uint32_t)k[0].value;
	opt.queues = k[1].value < NET_MAX_QUEUES ? (unsigned int)k[1].value
						 : NET_MAX_QUEUES;
	if (!opt.queues)
		return xb_error(xb, "queues: 0");
	if (tap_open(&n->tap, &opt, why))
		return xb_error(xb, "%s", why);
	return 0;
}

static void vif_close(struct xb *xb)
{
	struct net *n = xb->priv;

	if (n) {
		tap_close(&n->tap, xb->ended);
		free(n->tx_area);
	}
	free(n);
	xb->priv = NULL;
}

static int vif_open(struct xb *xb)
{
	struct net *n = calloc(1, sizeof(*n));
	void *area;

	if (!n || posix_memalign(&area, NET_PAGE, NET_TX_AREA)) {
		free(n);
		return xb_error(xb, "no memory");
	}
	n->xb = xb;
	n->tx_area = area;
	if (read_rates(n) || open_tap(n)) {
		free(area);
		free(n);
		return -1;
	}
	xb->priv = n;
	return 0;
}

/* ---- what the frontend is told ------------------------------------------------------ */

static void vif_publish(struct xb *xb)
{
	static const char *const yes[] = {
		"feature-sg",        "feature-gso-tcpv4",
		"feature-gso-tcpv6", "feature-ipv6-csum-offload",
		"feature-rx-copy",   "feature-split-event-channels",
	};
	static const char *const no[] = {
		"feature-rx-flip",
		"feature-multicast-control",
		"feature-dynamic-multicast-control",
		"feature-ctrl-ring",
	};

	const struct net *n = xb->priv;

	for (size_t i = 0; i < COUNT(yes); i++)
		store_put(&xb->store, xb->back, yes[i], "1");
	for (size_t i = 0; i < COUNT(no); i++)
		store_put(&xb->store, xb->back, no[i], "0");
	store_put(&xb->store, xb->back, "multi-queue-max-queues", "%u",
		  n->tap.queues);
	pvnet_publish(xb->priv);
}

/* A key below bandwidth. */
static void vif_changed(struct xb *xb, const char *key)
{
	(void)key;
	if (read_rates(xb->priv))
		log_line("%s", xb->error);
}

/* ---- rings ---------------------------------------------------------------------------- */

static void on_tx_event(struct bus_port *p)
{
	struct net_queue *q =
		(struct net_queue *)((char *)p -
				     offsetof(struct net_queue, tx_port));
	bool grown = ring_has_grown(&q->tx);

	from_guest_run(q);
	if (!q->split && !q->n->broken) {
		grown |= ring_has_grown(&q->rx);
		to_guest_run(q);
	}
	if (!grown)
		bus_idle_event(p);
}

static void on_rx_event(struct bus_port *p)
{
	struct net_queue *q =
		(struct net_queue *)((char *)p -
				     offsetof(struct net_queue, rx_port));

	if (!ring_has_grown(&q->rx))
		bus_idle_event(p);
	to_guest_run(q);
}

static int bind_ports(struct net_queue *q, const struct number *port)
{
	struct xb *xb = q->n->xb;
	uint64_t tx = port[0].value, rx = port[1].value, both = port[2].value;

	q->split = tx != NONE && rx != NONE;
	if (!q->split && both == NONE)
		return xb_error(xb, "event-channel: missing");
	q->tx_port.event = on_tx_event;
	q->rx_port.event = on_rx_event;
	if (bus_bind(xb->bus, &q->tx_port, xb->domid,
		     (uint32_t)(q->split ? tx : both)))
		return xb_error(xb, "%s", bus_error());
	if (q->split && bus_bind(xb->bus, &q->rx_port, xb->domid, (uint32_t)rx))
		return xb_error(xb, "%s", bus_error());
	return 0;
}

/* What a predecessor did not come to say is said now. */
static int recover(struct ring *r, unsigned char *page, uint32_t slot_size,
		   uint32_t rsp_size, struct ring_log *log)
{
	int rc = ring_recover(r, page, NET_PAGE, slot_size, rsp_size, log);

	if (!rc)
		ring_settle(r);
	return rc;
}

static int attach_rings(struct net_queue *q, bool resume)
{
	const uint32_t tx_slot = sizeof(union pv_netif_tx_slot),
		       tx_rsp = sizeof(struct pv_netif_tx_response),
		       rx_slot = sizeof(union pv_netif_rx_slot),
		       rx_rsp = sizeof(struct pv_netif_rx_response);
	unsigned char *rx_page = q->pages + NET_PAGE;
	struct saved_queue *s = q->saved;

	if (!resume) {
		ring_attach(&q->tx, q->pages, NET_PAGE, tx_slot, tx_rsp,
			    (struct ring_log *)s->tx_log);
		ring_attach(&q->rx, rx_page, NET_PAGE, rx_slot, rx_rsp,
			    (struct ring_log *)s->rx_log);
		s->tx_sent = q->tx.req_cons;
		return 0;
	}
	if (recover(&q->tx, q->pages, tx_slot, tx_rsp,
		    (struct ring_log *)s->tx_log) ||
	    recover(&q->rx, rx_page, rx_slot, rx_rsp,
		    (struct ring_log *)s->rx_log))
		return xb_error(q->n->xb,
				"the rings are not as they were left");
	return 0;
}

static int attach_queue(struct net *n, unsigned int nr, bool resume)
{
	struct xb *xb = n->xb;
	struct net_queue *q = &n->queue[nr];
	struct number k[] = {
		{"tx-ring-ref", UINT32_MAX, NONE, 0},
		{"rx-ring-ref", UINT32_MAX, NONE, 0},
		{"event-channel-tx", UINT32_MAX, NONE, 0},
		{"event-channel-rx", UINT32_MAX, NONE, 0},
		{"event-channel", UINT32_MAX, NONE, 0},
	};
	char dir[STORE_PATH + 32];
	uint32_t refs[2];

	q->n = n;
	q->nr = nr;
	q->saved = (struct saved_queue *)journal_data(&xb->journal) + nr;
	snprintf(dir, sizeof(dir), "%s", xb->front);
	if (n->nr_queues > 1)
		snprintf(dir, sizeof(dir), "%s/queue-%u", xb->front, nr);
	if (numbers_read(xb, dir, k, COUNT(k)))
		return -1;
	for (int i = 0; i < 2; i++) {
		if (k[i].value == NONE)
			return xb_error(xb, "%s: missing", k[i].key);
		refs[i] = (uint32_t)k[i].value;
	}
	q->pages = bus_map(xb->bus, xb->domid, refs, 2);
	if (!q->pages)
		return xb_error(xb, "%s", bus_error());
	if (attach_rings(q, resume))
		return -1;
	from_guest_start(q);
	if (to_guest_start(q) || bind_ports(q, &k[2]))
		return -1;
	/* Answers of a predecessor may be there unannounced. */
	if (resume) {
		bus_notify(&q->tx_port);
		bus_notify(&q->rx_port);
	}
	return 0;
}

static void detach_queue(struct net_queue *q)
{
	if (!q->n)
		return;
	bus_unbind(&q->tx_port);
	bus_unbind(&q->rx_port);
	to_guest_stop(q);
	if (q->pages) {
		from_guest_stop(q);
		bus_unmap(q->n->xb->bus, q->pages, 2);
	}
	memset(q, 0, sizeof(*q));
}

static void on_turn(struct ev_loop *loop, struct ev_prepare *w, int what)
{
	struct net *n = w->data;

	(void)loop;
	(void)what;
	if (n->broken)
		xb_fatal(n->xb, "%s", n->xb->error);
}

static void vif_detach(struct xb *xb)
{
	struct net *n = xb->priv;

	tap_stop(&n->tap);
	if (n->pv) {
		pvnet_detach(n);
		return;
	}
	ev_prepare_stop(xb->loop, &n->turn);
	for (unsigned int i = 0; i < NET_MAX_QUEUES; i++)
		detach_queue(&n->queue[i]);
	n->nr_queues = 0;
}

/* HOSTILE: all of this is the frontend's. */
static int read_front(struct net *n)
{
	struct xb *xb = n->xb;
	struct number k[] = {
		{"request-rx-copy", 1, 0, 0},
		{"multi-queue-num-queues", n->tap.queues, 1, 0},
		{"feature-rx-notify", 1, 0, 0},
		{"feature-sg", 1, 0, 0},
		{"feature-gso-tcpv4", 1, 0, 0},
		{"feature-gso-tcpv6", 1, 0, 0},
		{"feature-no-csum-offload", 1, 0, 0},
		{"feature-ipv6-csum-offload", 1, 0, 0},
		{"ctrl-ring-ref", UINT32_MAX, NONE, 0},
	};

	if (numbers_read(xb, xb->front, k, COUNT(k)))
		return -1;
	if (!k[0].value)
		return xb_error(xb, "request-rx-copy: the frontend wants "
				    "pages exchanged, not copied");
	if (!k[1].value)
		return xb_error(xb, "multi-queue-num-queues: 0");
	if (k[8].value != NONE)
		log_guest("ctrl-ring-ref: not offered, and not served");
	n->nr_queues = (unsigned int)k[1].value;
	n->rx_notify = k[2].value;
	n->offers = (struct net_offers){
		.sg = k[3].value,
		.gso4 = k[4].value,
		.gso6 = k[5].value,
		.csum4 = !k[6].value,
		.csum6 = k[7].value,
	};
	return 0;
}

static int start(struct net *n, bool resume)
{
	struct xb *xb = n->xb;
	char why[TAP_WHY];

	for (unsigned int i = 0; i < n->nr_queues; i++)
		if (attach_queue(n, i, resume))
			return -1;
	if (tap_start(&n->tap, n->nr_queues, &n->offers, why))
		return xb_error(xb, "%s", why);
	return 0;
}

static int vif_attach(struct xb *xb, bool resume)
{
	struct net *n = xb->priv;
	bool own;

	n->broken = false;
	if (pvnet_wanted(n, &own))
		return -1;
	if (own)
		return pvnet_attach(n);
	n->nr_ops = 0;
	ev_prepare_init(&n->turn, on_turn);
	n->turn.data = n;
	n->patient = true;
	if (read_front(n))
		return -1;
	if (start(n, resume)) {
		vif_detach(xb);
		return -1;
	}
	ev_prepare_start(xb->loop, &n->turn);
	log_line("connected, queues=%u split=%d sg=%d gso=%d%d csum=%d%d",
		 n->nr_queues, n->queue[0].split, n->offers.sg, n->offers.gso4,
		 n->offers.gso6, n->offers.csum4, n->offers.csum6);
	return 0;
}

/* A process that was killed while its device went has left the TAP. */
static void vif_forgotten(domid_t domid, uint32_t devid)
{
	tap_sweep(alias_of(domid, devid));
}

static const char *const watched[] = {"bandwidth", NULL};

static const struct xb_driver driver = {
	.type = "vif",
	.program = "netback",
	.journal_bytes = NET_MAX_QUEUES * sizeof(struct saved_queue),
	.open = vif_open,
	.close = vif_close,
	.publish = vif_publish,
	.attach = vif_attach,
	.detach = vif_detach,
	.watched = watched,
	.changed = vif_changed,
	.forgotten = vif_forgotten,
};

int main(int argc, char **argv)
{
	return backend_main(&driver, argc, argv);
}
