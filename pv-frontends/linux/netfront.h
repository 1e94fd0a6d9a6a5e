/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of parapet-netfront. */
#ifndef PV_FRONTENDS_LINUX_NETFRONT_H
#define PV_FRONTENDS_LINUX_NETFRONT_H

#include <linux/netdevice.h>

#include "pv-frontends/core/pvnet.h"
#include "pv-frontends/linux/device.h"

enum {
	PVNET_QUEUES = 4,
};

struct pvnet_dev;

struct pvnet_queue {
	/* Open and closed with napi off and the interface gone. */
	struct ring_queue base;
	struct pvnet_dev *dev;
	unsigned int nr;
	struct napi_struct napi;
	/* tx: with the lock of the network's queue; rx: in napi. */
	struct pvnet_front ring;
	unsigned char *tx_area, *rx_area; /* rx: HOSTILE */
};

struct pvnet_dev {
	struct ring_dev base; /* life: DEAD without the lock, too */
	struct net_device *netdev;
	bool registered;
	struct pvnet_queue *queue;
	unsigned int nr_tx, nr_rx; /* pages: of each queue */
};

static inline struct pvnet_dev *pvnet_of(struct ring_dev *base)
{
	return container_of(base, struct pvnet_dev, base);
}

/* net_queue.c */
extern const struct net_device_ops pvnet_ops;
void pvnet_queue_init(struct pvnet_queue *q);
/* Of the kind: what begin() and on_event are. */
int pvnet_begin(struct ring_dev *base, unsigned int nr);
irqreturn_t pvnet_on_event(int irq, void *data);

#endif
