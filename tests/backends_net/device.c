/* SPDX-License-Identifier: MIT */
/* One queue of the backend: in place of pv-backends/common and of a guest. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/backends/fake_bus.h"
#include "tests/backends_net/device.h"

struct device device;

/* ---- the device ----------------------------------------------------------------------- */

static void *pages(size_t nr)
{
	void *p = mmap(NULL, nr * NET_PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

union pv_netif_tx_slot *device_tx(uint32_t index)
{
	return (union pv_netif_tx_slot *)((char *)device.tx +
					  PV_RING_HEADER_SIZE) +
	       index % NET_RING_SLOTS;
}

union pv_netif_rx_slot *device_rx(uint32_t index)
{
	return (union pv_netif_rx_slot *)((char *)device.rx +
					  PV_RING_HEADER_SIZE) +
	       index % NET_RING_SLOTS;
}

unsigned char *device_frame(unsigned int ref)
{
	return fake_guest.frames + (size_t)ref * NET_PAGE;
}

static void make_net(const struct net_offers *offers, int tap)
{
	struct net *n = calloc(1, sizeof(*n));

	device.n = n;
	device.q = &n->queue[0];
	n->xb = device.xb;
	n->offers = *offers;
	n->rx_notify = true;
	n->nr_queues = 1;
	n->tap.fd[0] = tap;
	if (posix_memalign((void **)&n->tx_area, NET_PAGE, NET_TX_AREA))
		abort();
	device.q->n = n;
	device.q->pages = (unsigned char *)device.tx;
}

static void start_queue(void)
{
	from_guest_start(device.q);
	if (to_guest_start(device.q))
		abort();
}

void device_start(const struct net_offers *offers)
{
	struct net_queue *q;
	int pair[2];

	memset(&device, 0, sizeof(device));
	device.tx = pages(2);
	device.rx = (struct pv_ring_header *)((char *)device.tx + NET_PAGE);
	fake_guest = (struct fake_guest){.frames = pages(DEVICE_FRAMES),
					 .nr_frames = DEVICE_FRAMES};
	device.tx->rsp_event = device.rx->rsp_event = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		abort();
	device.net = pair[1];
	device.xb = calloc(1, sizeof(*device.xb));
	device.xb->loop = ev_loop_new(EVFLAG_NOENV);
	make_net(offers, pair[0]);
	q = device.q;
	q->saved = calloc(1, sizeof(*q->saved));
	ring_attach(&q->tx, device.tx, NET_PAGE, sizeof(union pv_netif_tx_slot),
		    sizeof(struct pv_netif_tx_response),
		    (struct ring_log *)q->saved->tx_log);
	ring_attach(&q->rx, device.rx, NET_PAGE, sizeof(union pv_netif_rx_slot),
		    sizeof(struct pv_netif_rx_response),
		    (struct ring_log *)q->saved->rx_log);
	start_queue();
}

static void drop_net(void)
{
	from_guest_stop(device.q);
	to_guest_stop(device.q);
	free(device.n->tx_area);
	free(device.n);
}

void device_resume(void)
{
	struct saved_queue *saved = device.q->saved;
	struct net_offers offers = device.n->offers;
	int tap = device.n->tap.fd[0];
	struct net_queue *q;

	drop_net();
	make_net(&offers, tap);
	q = device.q;
	q->saved = saved;
	if (ring_recover(&q->tx, device.tx, NET_PAGE,
			 sizeof(union pv_netif_tx_slot),
			 sizeof(struct pv_netif_tx_response),
			 (struct ring_log *)saved->tx_log) ||
	    ring_recover(&q->rx, device.rx, NET_PAGE,
			 sizeof(union pv_netif_rx_slot),
			 sizeof(struct pv_netif_rx_response),
			 (struct ring_log *)saved->rx_log))
		abort();
	ring_settle(&q->tx);
	ring_settle(&q->rx);
	start_queue();
}

void device_stop(void)
{
	free(device.q->saved);
	close(device.n->tap.fd[0]);
	close(device.net);
	drop_net();
	ev_loop_destroy(device.xb->loop);
	free(device.xb);
	munmap(device.tx, 2 * NET_PAGE);
	munmap(fake_guest.frames, (size_t)DEVICE_FRAMES * NET_PAGE);
}

void device_run(void)
{
	unsigned int before;

	do {
		before = device.tx->rsp_prod + device.rx->rsp_prod;
		if (!device.n->broken)
			from_guest_run(device.q);
		if (!device.n->broken)
			to_guest_run(device.q);
		if (!device.n->broken)
			ev_run(device.xb->loop, EVRUN_NOWAIT);
	} while (!device.n->broken &&
		 device.tx->rsp_prod + device.rx->rsp_prod != before);
}

size_t device_sent(unsigned char *packet, size_t room)
{
	ssize_t n = recv(device.net, packet, room, MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}
