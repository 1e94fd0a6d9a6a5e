/* SPDX-License-Identifier: MIT */
/*
 * A frontend for tests.
 *
 * Packets are cut into pieces at places that a random number tells, so that
 * headers, too, lie in several slots.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pv-backends/net/packet.h"
#include "tests/backends_net/netfront.h"

enum {
	PACKET_MAX = 65535,
	MOST_SLOTS = 20, /* that a packet needs here */
};

/* ---- to the backend ------------------------------------------------------------------ */

static struct pv_netif_tx_request *request(struct netfront_queue *q,
					   const struct netfront *f,
					   const unsigned char *data,
					   uint32_t bytes, uint32_t offset)
{
	struct pv_netif_tx_request *req = front_request(&q->tx);
	uint16_t id = q->free_id[--q->nr_free];
	unsigned int ref = q->tx_frames + id;

	q->busy[id] = true;
	memcpy((char *)frame(f->t, ref) + offset, data, bytes);
	*req = (struct pv_netif_tx_request){
		.gref = ref,
		.offset = (uint16_t)offset,
		.id = id,
		.size = (uint16_t)bytes,
	};
	return req;
}

void netfront_send(struct netfront_queue *q, const struct netfront *f,
		   const unsigned char *data, uint32_t bytes, uint16_t flags)
{
	request(q, f, data, bytes, 0)->flags = flags;
}

static void add_gso(struct netfront_queue *q, const struct virtio_net_hdr *head)
{
	struct pv_netif_extra_info *e = front_request(&q->tx);

	memset(e, 0, sizeof(struct pv_netif_tx_request));
	e->type = XEN_NETIF_EXTRA_TYPE_GSO;
	e->u.gso.size = head->gso_size;
	e->u.gso.type = head->gso_type == VIRTIO_NET_HDR_GSO_TCPV4
				? XEN_NETIF_GSO_TYPE_TCPV4
				: XEN_NETIF_GSO_TYPE_TCPV6;
}

/* Bytes of the first slot: whole packets, or anything from the header on. */
static uint32_t first_bytes(struct netfront *f, uint32_t bytes)
{
	uint32_t n = (uint32_t)(next_random(&f->seed) % 300) + 1;

	if (f->opt.no_sg || (bytes <= FRAME && next_random(&f->seed) % 4))
		return bytes;
	return n < bytes ? n : bytes;
}

static void send_packet(struct netfront *f, struct netfront_queue *q,
			const unsigned char *data, uint32_t bytes,
			const struct virtio_net_hdr *head)
{
	uint32_t n = first_bytes(f, bytes), left = bytes - n;
	uint32_t offset = (uint32_t)(next_random(&f->seed) % (FRAME - n + 1));
	struct pv_netif_tx_request *first = request(q, f, data, n, offset),
				   *last = first;

	first->size = (uint16_t)bytes;
	if (head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		first->flags =
			XEN_NETTXF_csum_blank | XEN_NETTXF_data_validated;
		f->forwarder.open_sent++;
	}
	if (head->gso_type) {
		first->flags |= XEN_NETTXF_extra_info;
		add_gso(q, head);
		f->forwarder.large_sent++;
	}
	while (left) {
		uint32_t piece = left < FRAME ? left : FRAME;

		last->flags |= XEN_NETTXF_more_data;
		last = request(q, f, data + bytes - left, piece,
			       left < FRAME ? 7 % (FRAME - left) : 0);
		left -= piece;
	}
	f->forwarder.sent++;
}

static void take_tx_responses(struct netfront_queue *q)
{
	const struct pv_netif_tx_response *rsp;

	while ((rsp = front_response(&q->tx))) {
		if (rsp->status == XEN_NETIF_RSP_NULL)
			continue;
		if (rsp->id >= SLOTS || !q->busy[rsp->id])
			die("an answer to request %u, which is not under way",
			    rsp->id);
		q->busy[rsp->id] = false;
		q->free_id[q->nr_free++] = rsp->id;
	}
}

static bool may_send(const struct netfront_queue *q)
{
	return q->nr_free >= MOST_SLOTS && front_free(&q->tx) >= MOST_SLOTS;
}

static void forward_out(struct netfront *f, struct netfront_queue *q)
{
	static __thread unsigned char
		buffer[sizeof(struct virtio_net_hdr) + 70000];
	struct virtio_net_hdr head;
	ssize_t n;

	while (may_send(q)) {
		n = read(q->tap, buffer, sizeof(buffer));
		if (n < (ssize_t)sizeof(head))
			break;
		memcpy(&head, buffer, sizeof(head));
		n -= (ssize_t)sizeof(head);
		if (n <= PACKET_MAX)
			send_packet(f, q, buffer + sizeof(head), (uint32_t)n,
				    &head);
	}
	front_push(&q->tx);
}

/* ---- from the backend ----------------------------------------------------------------- */

static void post(struct netfront_queue *q, uint16_t id)
{
	struct pv_netif_rx_request *req = front_request(&q->rx);

	req->id = id;
	req->pad0 = 0;
	req->gref = q->rx_frames + id;
}

static void deliver(struct netfront *f, struct netfront_queue *q)
{
	struct virtio_net_hdr head = {0};
	struct net_headers h;

	if (q->first.flags & XEN_NETRXF_csum_blank) {
		if (!headers_find(q->packet + sizeof(head), q->bytes, &h) ||
		    h.tagged || f->opt.no_csum)
			die("an open checksum where none may be");
		head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		head.csum_start = (uint16_t)h.l4;
		head.csum_offset = h.checksum;
		head.hdr_len = (uint16_t)h.payload;
		f->forwarder.open_received++;
	}
	if (q->has_gso) {
		if (f->opt.no_gso)
			die("a large packet where none may be");
		head.gso_type = q->gso.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4
					? VIRTIO_NET_HDR_GSO_TCPV4
					: VIRTIO_NET_HDR_GSO_TCPV6;
		head.gso_size = q->gso.u.gso.size;
		f->forwarder.large_received++;
	}
	memcpy(q->packet, &head, sizeof(head));
	if (q->tap >= 0 &&
	    write(q->tap, q->packet, sizeof(head) + q->bytes) < 0)
		die("the guest's network does not take a packet: %s",
		    strerror(errno));
	f->forwarder.received++;
}

static void take_data(struct netfront *f, struct netfront_queue *q,
		      const struct pv_netif_rx_response *rsp)
{
	const size_t room = sizeof(q->packet);
	size_t at = sizeof(struct virtio_net_hdr) + q->bytes;
	uint16_t id = rsp->id;

	if (id >= SLOTS || rsp->status <= 0 ||
	    rsp->offset + rsp->status > FRAME ||
	    at + (size_t)rsp->status > room)
		die("a receive response of %d bytes at %u for request %u",
		    rsp->status, rsp->offset, id);
	memcpy(q->packet + at,
	       (char *)frame(f->t, q->rx_frames + id) + rsp->offset,
	       (size_t)rsp->status);
	q->bytes += (uint32_t)rsp->status;
}

/* Slots are taken one by one: each is of the request that had its number. */
static bool take_rx(struct netfront *f, struct netfront_queue *q)
{
	uint16_t id = q->rx.rsp_cons & (SLOTS - 1);
	const union pv_netif_rx_slot *slot = front_response(&q->rx);
	union pv_netif_rx_slot s;

	if (!slot)
		return false;
	s = *slot;
	post(q, id);
	if (q->in_packet && q->first.flags & XEN_NETRXF_extra_info &&
	    !q->has_gso) {
		if (s.extra.type != XEN_NETIF_EXTRA_TYPE_GSO || s.extra.flags)
			die("extra information of type %u", s.extra.type);
		q->gso = s.extra;
		q->has_gso = true;
		if (!(q->first.flags & XEN_NETRXF_more_data))
			goto whole;
		return true;
	}
	if (s.rsp.id != id)
		die("response %u has id %u", id, s.rsp.id);
	if (!q->in_packet) {
		q->first = s.rsp;
		q->bytes = 0;
		q->has_gso = false;
		q->in_packet = true;
	}
	take_data(f, q, &s.rsp);
	if (s.rsp.flags & XEN_NETRXF_more_data ||
	    (q->first.flags & XEN_NETRXF_extra_info && !q->has_gso))
		return true;
whole:
	deliver(f, q);
	q->in_packet = false;
	return true;
}

static void forward_in(struct netfront *f, struct netfront_queue *q)
{
	while (take_rx(f, q))
		;
	front_push(&q->rx);
}

/* ---- the thread ------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct netfront *f = arg;
	struct pollfd fd[1 + 3 * GUEST_QUEUES];

	for (;;) {
		nfds_t nr = 1;

		fd[0] = (struct pollfd){.fd = f->forwarder.stop[0],
					.events = POLLIN};
		for (unsigned int i = 0; i < f->opt.queues; i++) {
			struct netfront_queue *q = &f->queue[i];

			forward_in(f, q);
			take_tx_responses(q);
			forward_out(f, q);
			fd[nr++] =
				(struct pollfd){.fd = may_send(q) ? q->tap : -1,
						.events = POLLIN};
			fd[nr++] = (struct pollfd){.fd = q->tx_port.down,
						   .events = POLLIN};
			fd[nr++] = (struct pollfd){.fd = q->rx_port.down,
						   .events = POLLIN};
		}
		if (poll(fd, nr, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fd[0].revents)
			return NULL;
		for (nfds_t i = 1; i < nr; i++)
			if (fd[i].revents && i % 3 != 1)
				forwarder_drain(fd[i].fd);
	}
}

/* ---- connecting --------------------------------------------------------------------------- */

static void make_queue(struct netfront *f, unsigned int nr, int tap)
{
	struct netfront_queue *q = &f->queue[nr];

	q->tap = tap;
	q->tx_ref = take_frames(f->t, 1);
	q->rx_ref = take_frames(f->t, 1);
	q->tx_frames = take_frames(f->t, SLOTS);
	q->rx_frames = take_frames(f->t, SLOTS);
	q->tx_port = make_port(f->t);
	q->rx_port = f->opt.one_port ? q->tx_port : make_port(f->t);
	front_attach(&q->tx, frame(f->t, q->tx_ref), FRAME,
		     sizeof(union pv_netif_tx_slot), q->tx_port);
	front_attach(&q->rx, frame(f->t, q->rx_ref), FRAME,
		     sizeof(union pv_netif_rx_slot), q->rx_port);
	for (uint16_t i = 0; i < SLOTS; i++) {
		q->free_id[i] = i;
		post(q, i);
	}
	q->nr_free = SLOTS;
	front_push(&q->rx);
}

static void put_key(struct netfront *f, int queue, const char *key,
		    unsigned int value)
{
	char name[64];

	if (queue >= 0 && f->opt.queues > 1)
		snprintf(name, sizeof(name), "queue-%d/%s", queue, key);
	else
		snprintf(name, sizeof(name), "%s", key);
	put(f->t, front("vif", f->devid, name), "%u", value);
}

static void put_keys(struct netfront *f)
{
	const struct netfront_options *o = &f->opt;

	for (unsigned int i = 0; i < o->queues; i++) {
		struct netfront_queue *q = &f->queue[i];

		put_key(f, (int)i, "tx-ring-ref", q->tx_ref);
		put_key(f, (int)i, "rx-ring-ref", q->rx_ref);
		if (o->one_port) {
			put_key(f, (int)i, "event-channel", q->tx_port.nr);
			continue;
		}
		put_key(f, (int)i, "event-channel-tx", q->tx_port.nr);
		put_key(f, (int)i, "event-channel-rx", q->rx_port.nr);
	}
	put_key(f, -1, "multi-queue-num-queues", o->queues);
	put_key(f, -1, "request-rx-copy", 1);
	put_key(f, -1, "feature-rx-notify", 1);
	put_key(f, -1, "feature-sg", !o->no_sg);
	put_key(f, -1, "feature-gso-tcpv4", !o->no_gso);
	put_key(f, -1, "feature-gso-tcpv6", !o->no_gso);
	put_key(f, -1, "feature-no-csum-offload", o->no_csum);
	put_key(f, -1, "feature-ipv6-csum-offload", !o->no_csum);
}

void netfront_start(struct netfront *f, struct testbed *t, unsigned int devid,
		    const struct netfront_options *opt, const int *taps)
{
	memset(f, 0, sizeof(*f));
	f->t = t;
	f->devid = devid;
	f->opt = *opt;
	f->seed = 42;
	for (unsigned int i = 0; i < opt->queues; i++)
		make_queue(f, i, taps ? taps[i] : -1);
	wait_for(t, back("vif", devid, "state"), "2");
	put_keys(f);
	put(t, front("vif", devid, "state"), "4");
	wait_for(t, back("vif", devid, "state"), "4");
	if (!opt->no_thread)
		forwarder_start(&f->forwarder, run, f);
}

static void close_port(const struct port *p)
{
	close(p->up);
	close(p->down);
}

void netfront_stop(struct netfront *f)
{
	forwarder_stop(&f->forwarder);
	for (unsigned int i = 0; i < f->opt.queues; i++) {
		close_port(&f->queue[i].tx_port);
		if (!f->opt.one_port)
			close_port(&f->queue[i].rx_port);
	}
}
