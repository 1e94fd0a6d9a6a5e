/* SPDX-License-Identifier: MIT */
/* A frontend for tests, on the own ring. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pv-backends/pvnet/queue.h"
#include "tests/backends_net/ownfront.h"

/* ---- packets ----------------------------------------------------------------------- */

/* True: the TAP may have more. */
static bool forward_one(struct ownfront *f, struct ownfront_queue *q)
{
	struct pv_net_packet p;
	struct virtio_net_hdr head;
	struct iovec iov[2] = {{&head, sizeof(head)}};
	ssize_t n;

	if (pvnet_fill_room(&q->ring.tx, PV_NET_PACKET_MAX, &p.at) != PVNET_ONE)
		return false;
	iov[1] = (struct iovec){q->tx_area + p.at, PV_NET_PACKET_MAX};
	n = readv(q->tap, iov, 2);
	if (n < (ssize_t)sizeof(head) + PV_NET_PACKET_MIN)
		return false;
	p.bytes = (uint32_t)n - (uint32_t)sizeof(head);
	if (!header_to_packet(&head, &p))
		die("the guest's network sends what nobody can");
	f->forwarder.sent++;
	f->forwarder.open_sent += p.flags & PV_NET_CSUM_OPEN;
	f->forwarder.large_sent += p.gso != PV_NET_GSO_NONE;
	pvnet_fill_put(&q->ring.tx, &p);
	return true;
}

static void check_takes(const struct ownfront *f, const struct pv_net_packet *p)
{
	uint16_t needs = 0;

	if (p->flags & PV_NET_CSUM_OPEN)
		needs |= PV_NET_TAKES_CSUM;
	if (p->gso)
		needs |= p->gso == PV_NET_GSO_TCPV4 ? PV_NET_TAKES_TSO4
						    : PV_NET_TAKES_TSO6;
	if (needs & ~f->opt.takes)
		die("a packet that the frontend does not take: %x", needs);
}

static bool deliver_one(struct ownfront *f, struct ownfront_queue *q)
{
	struct pv_net_packet p;
	struct virtio_net_hdr head;
	struct iovec iov[2] = {{&head, sizeof(head)}};
	enum pvnet_look look = pvnet_drain_look(&q->ring.rx, &p);

	if (look == PVNET_LIE)
		die("the receive pipe makes no sense");
	if (look == PVNET_NONE)
		return false;
	check_takes(f, &p);
	header_of_packet(&p, &head);
	iov[1] = (struct iovec){q->rx_area + p.at, p.bytes};
	if (writev(q->tap, iov, 2) < 0)
		die("the guest's network does not take a packet: %s",
		    strerror(errno));
	f->forwarder.received++;
	f->forwarder.open_received += p.flags & PV_NET_CSUM_OPEN;
	f->forwarder.large_received += p.gso != PV_NET_GSO_NONE;
	pvnet_drain_done(&q->ring.rx);
	return true;
}

/* True: there is more, do not sleep. */
static bool forward(struct ownfront *f, struct ownfront_queue *q,
		    struct pollfd *tap)
{
	uint32_t at;
	bool event, more = false;

	while (deliver_one(f, q))
		;
	event = pvnet_drain_tell(&q->ring.rx);
	while (forward_one(f, q))
		;
	event |= pvnet_fill_push(&q->ring.tx);
	if (event)
		send_event(&q->port);
	*tap = (struct pollfd){.fd = q->tap, .events = POLLIN};
	if (pvnet_fill_room(&q->ring.tx, PV_NET_PACKET_MAX, &at) ==
	    PVNET_NONE) {
		tap->fd = -1;
		more = pvnet_fill_wait(&q->ring.tx);
	}
	return pvnet_drain_sleep(&q->ring.rx) || more;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct ownfront *f = arg;
	struct pollfd fd[1 + 2 * GUEST_QUEUES];

	for (;;) {
		bool more = false;
		nfds_t nr = 1;

		fd[0] = (struct pollfd){.fd = f->forwarder.stop[0],
					.events = POLLIN};
		for (unsigned int i = 0; i < f->opt.queues; i++) {
			struct ownfront_queue *q = &f->queue[i];

			more |= forward(f, q, &fd[nr++]);
			fd[nr++] = (struct pollfd){.fd = q->port.down,
						   .events = POLLIN};
		}
		if (poll(fd, nr, more ? 0 : -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fd[0].revents)
			return NULL;
		for (nfds_t i = 2; i < nr; i += 2)
			if (fd[i].revents)
				forwarder_drain(fd[i].fd);
	}
}

/* ---- connecting --------------------------------------------------------------------------- */

static void make_queue(struct ownfront *f, unsigned int nr)
{
	struct ownfront_queue *q = &f->queue[nr];
	unsigned int pages = f->opt.pages;
	unsigned int first =
		take_frames(f->t, 1 + PV_NET_RING_PAGES + 2 * pages);

	q->dir_ref = first;
	q->dir = frame(f->t, first);
	*q->dir = (struct pv_net_dir){
		.magic = PV_NET_MAGIC,
		.version = PV_NET_VERSION,
		.nr_tx = (uint16_t)pages,
		.nr_rx = (uint16_t)pages,
		.takes = f->opt.takes,
	};
	for (unsigned int i = 0; i < PV_NET_RING_PAGES + 2 * pages; i++)
		q->dir->ref[i] = first + 1 + i;
	q->shared = frame(f->t, first + 1);
	q->tx_area = frame(f->t, first + 1 + PV_NET_RING_PAGES);
	q->rx_area = frame(f->t, first + 1 + PV_NET_RING_PAGES + pages);
	q->tap = -1;
	q->port = make_port(f->t);
	pvnet_front_init(&q->ring, q->shared, pages, pages);
}

void ownfront_prepare(struct ownfront *f, struct testbed *t, unsigned int devid,
		      const struct ownfront_options *opt)
{
	memset(f, 0, sizeof(*f));
	f->t = t;
	f->devid = devid;
	f->opt = *opt;
	for (unsigned int i = 0; i < opt->queues; i++)
		make_queue(f, i);
}

void ownfront_put_keys(struct ownfront *f)
{
	for (unsigned int i = 0; i < f->opt.queues; i++)
		put_own_queue(f->t, "vif", f->devid, i, f->queue[i].dir_ref,
			      f->queue[i].port.nr);
	put_own_keys(f->t, "vif", f->devid, f->opt.queues, PV_NET_VERSION);
}

void ownfront_start(struct ownfront *f, struct testbed *t, unsigned int devid,
		    const struct ownfront_options *opt, const int *taps)
{
	ownfront_prepare(f, t, devid, opt);
	for (unsigned int i = 0; taps && i < opt->queues; i++)
		f->queue[i].tap = taps[i];
	wait_for(t, back("vif", devid, "state"), "2");
	if (!is(t, back("vif", devid, "feature-parapet-ring"), "1"))
		die("the backend does not offer the ring");
	ownfront_put_keys(f);
	put(t, front("vif", devid, "state"), "3");
	wait_for(t, back("vif", devid, "state"), "4");
	put(t, front("vif", devid, "state"), "4");
	if (!opt->no_thread)
		forwarder_start(&f->forwarder, run, f);
}

void ownfront_stop(struct ownfront *f)
{
	forwarder_stop(&f->forwarder);
	for (unsigned int i = 0; i < f->opt.queues; i++) {
		close(f->queue[i].port.up);
		close(f->queue[i].port.down);
	}
}
