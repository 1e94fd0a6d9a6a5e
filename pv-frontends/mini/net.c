/* SPDX-License-Identifier: MIT */
/*
 * An interface for small kernels.
 *
 * A packet is copied into the area, or out of it, and shown at once.  The
 * kernel says that it takes neither open checksums nor segments, so the backend
 * gives it packets as they are on a wire.
 */
#include "pv-frontends/mini/net.h"

static void copy(unsigned char *to, const unsigned char *from, size_t bytes)
{
	while (bytes--)
		*to++ = *from++;
}

void mini_net_offer(struct mini_net *m, struct pv_net_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_tx, uint16_t nr_rx)
{
	unsigned int nr = PV_NET_RING_PAGES + (unsigned int)nr_tx + nr_rx;

	dir->magic = PV_NET_MAGIC;
	dir->version = PV_NET_VERSION;
	dir->nr_tx = nr_tx;
	dir->nr_rx = nr_rx;
	dir->takes = 0;
	for (unsigned int i = 0; i < nr; i++)
		dir->ref[i] = refs[i];
	pvnet_front_init(&m->ring, pages, nr_tx, nr_rx);
	m->tx_area = (unsigned char *)pages +
		     PV_NET_RING_PAGES * (size_t)PV_PAGE_SIZE;
	m->rx_area = m->tx_area + nr_tx * (size_t)PV_PAGE_SIZE;
	m->broken = false;
}

static int give_up(struct mini_net *m)
{
	m->broken = true;
	return MINI_NET_BROKEN;
}

int mini_net_send(struct mini_net *m, const void *packet, uint32_t bytes)
{
	struct pv_net_packet p = {.bytes = bytes};
	enum pvnet_look look;

	if (m->broken)
		return MINI_NET_BROKEN;
	if (bytes < PV_NET_PACKET_MIN || bytes > PV_NET_PACKET_MAX)
		return MINI_NET_SIZE;
	while (!(look = pvnet_fill_room(&m->ring.tx, bytes, &p.at)))
		if (!pvnet_fill_wait(&m->ring.tx))
			m->wait(m);
	if (look == PVNET_LIE)
		return give_up(m);
	copy(m->tx_area + p.at, packet, bytes);
	pvnet_fill_put(&m->ring.tx, &p);
	if (pvnet_fill_push(&m->ring.tx))
		m->send(m);
	return 0;
}

int mini_net_poll(struct mini_net *m, void *to, uint32_t room)
{
	struct pv_net_packet p;
	enum pvnet_look look;
	int rc;

	if (m->broken)
		return MINI_NET_BROKEN;
	while (!(look = pvnet_drain_look(&m->ring.rx, &p)))
		if (!pvnet_drain_sleep(&m->ring.rx))
			return 0;
	/* What it did not say that it takes it does not get. */
	if (look == PVNET_LIE || p.flags & PV_NET_CSUM_OPEN)
		return give_up(m);
	rc = p.bytes <= room ? (int)p.bytes : MINI_NET_SIZE;
	if (rc > 0)
		copy(to, m->rx_area + p.at, p.bytes);
	pvnet_drain_done(&m->ring.rx);
	if (pvnet_drain_tell(&m->ring.rx))
		m->send(m);
	return rc;
}

int mini_net_receive(struct mini_net *m, void *to, uint32_t room)
{
	int rc;

	while (!(rc = mini_net_poll(m, to, room)))
		m->wait(m);
	return rc;
}
