/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of packets through a queue.
 *
 *	skb -> copy -> tx ... event
 *	event ... napi -> rx -> copy -> skb
 *
 * The areas were granted when the device connected, so a packet costs one copy
 * and a few stores, and an event only if the other end sleeps.  A packet that
 * was copied is sent, as far as the network stack is concerned: nothing has to
 * be taken back, and the backend tells nothing but that there is room again,
 * to a queue that had stopped.
 *
 * HOSTILE: what is received may change until it was copied, so the headers are
 * looked at in the copy, by functions of the kernel that trust nothing.
 */
#include <linux/etherdevice.h>
#include <linux/interrupt.h>
#include <linux/virtio_net.h>
#include <xen/events.h>

#include "pv-frontends/linux/netfront.h"

enum {
	HEADERS = 128, /* bytes of a large packet that are not in pages */
	SMALL = 3072, /* bytes: that much is in one piece               */
};

static struct netdev_queue *txq_of(const struct pvnet_queue *q)
{
	return netdev_get_tx_queue(q->dev->netdev, q->nr);
}

/* From here on nothing touches the rings. */
static void lied(struct pvnet_queue *q)
{
	WRITE_ONCE(q->dev->base.life, RING_DEAD);
	schedule_work(&q->dev->base.lied);
}

static bool is_live(const struct pvnet_queue *q)
{
	return READ_ONCE(q->dev->base.life) == RING_LIVE;
}

/* ---- to the backend ----------------------------------------------------------- */

static void push(struct pvnet_queue *q)
{
	if (pvnet_fill_push(&q->ring.tx))
		notify_remote_via_irq(q->base.irq);
}

/* Room for any packet?  If not, an event comes when there is. */
static bool find_room(struct pvnet_queue *q)
{
	enum pvnet_look look;
	u32 at;

	do {
		look = pvnet_fill_room(&q->ring.tx, PV_NET_PACKET_MAX, &at);
		if (look == PVNET_NONE)
			push(q);
	} while (look == PVNET_NONE && pvnet_fill_wait(&q->ring.tx));
	if (look == PVNET_LIE)
		lied(q);
	return look == PVNET_ONE;
}

/* What the stack leaves to us, left to the backend. */
static int describe(const struct sk_buff *skb, struct pv_net_packet *p)
{
	struct virtio_net_hdr head;
	int rc = virtio_net_hdr_from_skb(skb, &head, true, false, 0);

	if (rc)
		return rc;
	p->bytes = skb->len;
	if (!(head.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return head.gso_type ? -EINVAL : 0;
	p->flags = PV_NET_CSUM_OPEN;
	p->csum_start = le16_to_cpu((__force __le16)head.csum_start);
	p->csum_offset = le16_to_cpu((__force __le16)head.csum_offset);
	if (!head.gso_type)
		return 0;
	p->gso = head.gso_type == VIRTIO_NET_HDR_GSO_TCPV4 ? PV_NET_GSO_TCPV4
							   : PV_NET_GSO_TCPV6;
	p->gso_size = le16_to_cpu((__force __le16)head.gso_size);
	return 0;
}

/* False: it is lost. */
static bool put(struct pvnet_queue *q, const struct sk_buff *skb)
{
	struct pv_net_packet p = {.bytes = 0};

	if (!is_live(q) || skb->len < PV_NET_PACKET_MIN ||
	    skb->len > PV_NET_PACKET_MAX || describe(skb, &p) ||
	    pvnet_fill_room(&q->ring.tx, p.bytes, &p.at) != PVNET_ONE ||
	    skb_copy_bits(skb, 0, q->tx_area + p.at, p.bytes))
		return false;
	pvnet_fill_put(&q->ring.tx, &p);
	return true;
}

/* There is room for any packet whenever the queue is not stopped. */
static netdev_tx_t start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct pvnet_dev *dev = netdev_priv(netdev);
	struct pvnet_queue *q = &dev->queue[skb_get_queue_mapping(skb)];
	struct netdev_queue *txq = txq_of(q);
	u32 at;

	skb_tx_timestamp(skb);
	if (put(q, skb)) {
		dev_sw_netstats_tx_add(netdev, 1, skb->len);
		dev_consume_skb_any(skb);
	} else {
		dev_core_stats_tx_dropped_inc(netdev);
		dev_kfree_skb_any(skb);
	}
	if (!is_live(q))
		return NETDEV_TX_OK;
	if (pvnet_fill_room(&q->ring.tx, PV_NET_PACKET_MAX, &at) != PVNET_ONE) {
		/* ORDER: stopped before the event is asked for, pairs with
		 * wake(). */
		netif_tx_stop_queue(txq);
		if (find_room(q))
			netif_tx_start_queue(txq);
	}
	if (!netdev_xmit_more() || netif_xmit_stopped(txq))
		push(q);
	return NETDEV_TX_OK;
}

static void wake(struct pvnet_queue *q)
{
	struct netdev_queue *txq = txq_of(q);

	if (!netif_tx_queue_stopped(txq))
		return;
	__netif_tx_lock(txq, smp_processor_id());
	if (netif_tx_queue_stopped(txq) && find_room(q))
		netif_tx_wake_queue(txq);
	__netif_tx_unlock(txq);
}

/* ---- from the backend ------------------------------------------------------------ */

static struct sk_buff *alloc_large(u32 bytes)
{
	const unsigned int pad = NET_SKB_PAD + NET_IP_ALIGN;
	struct sk_buff *skb;
	int rc;

	skb = alloc_skb_with_frags(pad + HEADERS, bytes - HEADERS,
				   PAGE_ALLOC_COSTLY_ORDER, &rc,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, pad);
	skb_put(skb, HEADERS);
	skb->data_len = bytes - HEADERS;
	skb->len += bytes - HEADERS;
	return skb;
}

/* HOSTILE: the only read of the bytes. */
static struct sk_buff *copy_packet(struct pvnet_queue *q,
				   const struct pv_net_packet *p)
{
	const unsigned char *from = q->rx_area + p->at;
	struct sk_buff *skb;

	if (p->bytes <= SMALL) {
		skb = napi_alloc_skb(&q->napi, p->bytes);
		if (skb)
			skb_put_data(skb, from, p->bytes);
		return skb;
	}
	skb = alloc_large(p->bytes);
	if (!skb || !skb_store_bits(skb, 0, from, p->bytes))
		return skb;
	kfree_skb(skb);
	return NULL;
}

/* What the backend leaves to the stack. */
static int explain(struct sk_buff *skb, const struct pv_net_packet *p)
{
	static const u8 type[] = {
		[PV_NET_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[PV_NET_GSO_TCPV4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[PV_NET_GSO_TCPV6] = VIRTIO_NET_HDR_GSO_TCPV6,
	};
	struct virtio_net_hdr head = {
		.flags = p->flags & PV_NET_CSUM_OPEN
				 ? VIRTIO_NET_HDR_F_NEEDS_CSUM
				 : 0,
		.gso_type = type[p->gso],
		.gso_size = __cpu_to_virtio16(true, p->gso_size),
		.csum_start = __cpu_to_virtio16(true, p->csum_start),
		.csum_offset = __cpu_to_virtio16(true, p->csum_offset),
	};

	if (p->flags & PV_NET_CSUM_GOOD)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	return virtio_net_hdr_to_skb(skb, &head, true);
}

static void receive(struct pvnet_queue *q, const struct pv_net_packet *p)
{
	struct net_device *netdev = q->dev->netdev;
	struct sk_buff *skb = copy_packet(q, p);

	if (!skb) {
		dev_core_stats_rx_dropped_inc(netdev);
		return;
	}
	if (explain(skb, p)) {
		DEV_STATS_INC(netdev, rx_errors);
		kfree_skb(skb);
		return;
	}
	dev_sw_netstats_rx_add(netdev, skb->len);
	skb->protocol = eth_type_trans(skb, netdev);
	skb_record_rx_queue(skb, q->nr);
	napi_gro_receive(&q->napi, skb);
}

static int receive_some(struct pvnet_queue *q, int budget)
{
	enum pvnet_look look = PVNET_ONE;
	struct pv_net_packet p;
	int n;

	for (n = 0; n < budget; n++) {
		look = pvnet_drain_look(&q->ring.rx, &p);
		if (look != PVNET_ONE)
			break;
		receive(q, &p);
		pvnet_drain_done(&q->ring.rx);
	}
	if (look == PVNET_LIE)
		lied(q);
	else if (pvnet_drain_tell(&q->ring.rx))
		notify_remote_via_irq(q->base.irq);
	return n;
}

static int poll(struct napi_struct *napi, int budget)
{
	struct pvnet_queue *q = container_of(napi, struct pvnet_queue, napi);
	int n = 0;

	if (is_live(q)) {
		n = receive_some(q, budget);
		wake(q);
	}
	/* The event is asked for while the ring is ours: once napi is complete,
	 * another CPU may poll. */
	if (n < budget && is_live(q) && pvnet_drain_sleep(&q->ring.rx))
		return budget;
	if (n < budget)
		napi_complete_done(napi, n);
	return n;
}

irqreturn_t pvnet_on_event(int irq, void *data)
{
	struct pvnet_queue *q = container_of(data, struct pvnet_queue, base);
	bool wanted = pvnet_drain_busy(&q->ring.rx) ||
		      netif_tx_queue_stopped(txq_of(q));

	napi_schedule(&q->napi);
	ring_event_done(&q->base, irq, wanted);
	return IRQ_HANDLED;
}

/* ---- the interface ----------------------------------------------------------------- */

static int open(struct net_device *netdev)
{
	struct pvnet_dev *dev = netdev_priv(netdev);

	netif_tx_start_all_queues(netdev);
	for (unsigned int i = 0; i < dev->base.nr_queues; i++) {
		napi_enable(&dev->queue[i].napi);
		/* What came meanwhile was not asked for. */
		local_bh_disable();
		napi_schedule(&dev->queue[i].napi);
		local_bh_enable();
	}
	return 0;
}

static int stop(struct net_device *netdev)
{
	struct pvnet_dev *dev = netdev_priv(netdev);

	netif_tx_disable(netdev);
	for (unsigned int i = 0; i < dev->base.nr_queues; i++)
		napi_disable(&dev->queue[i].napi);
	return 0;
}

const struct net_device_ops pvnet_ops = {
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = start_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

/* ---- memory --------------------------------------------------------------------------- */

void pvnet_queue_init(struct pvnet_queue *q)
{
	netif_napi_add(q->dev->netdev, &q->napi, poll);
}

int pvnet_begin(struct ring_dev *base, unsigned int nr)
{
	struct pvnet_dev *dev = pvnet_of(base);
	struct pvnet_queue *q = &dev->queue[nr];
	struct granted *memory = &q->base.memory;
	struct pv_net_dir *dir;
	int rc = granted_open(memory, base->xbdev->otherend_id,
			      1 + PV_NET_RING_PAGES + dev->nr_tx + dev->nr_rx,
			      offsetof(struct pv_net_dir, ref));

	if (rc)
		return rc;
	dir = memory->dir;
	dir->magic = PV_NET_MAGIC;
	dir->version = PV_NET_VERSION;
	dir->nr_tx = dev->nr_tx;
	dir->nr_rx = dev->nr_rx;
	dir->takes = PV_NET_TAKES_CSUM | PV_NET_TAKES_TSO4 | PV_NET_TAKES_TSO6;
	q->tx_area =
		(unsigned char *)memory->map + PV_NET_RING_PAGES * PAGE_SIZE;
	q->rx_area = q->tx_area + dev->nr_tx * PAGE_SIZE;
	pvnet_front_init(&q->ring, memory->map, dev->nr_tx, dev->nr_rx);
	return 0;
}
