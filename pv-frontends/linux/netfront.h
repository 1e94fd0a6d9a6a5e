/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of parapet-netfront. */
#ifndef PV_FRONTENDS_LINUX_NETFRONT_H
#define PV_FRONTENDS_LINUX_NETFRONT_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "pv-frontends/core/pvnet.h"
#include "pv-frontends/linux/granted.h"

enum {
	PVNET_QUEUES = 4,
};

struct pvnet_dev;

struct pvnet_queue {
	struct pvnet_dev *dev;
	unsigned int nr;
	struct napi_struct napi;
	/* tx: with the lock of the network's queue; rx: in napi. */
	struct pvnet_front ring;
	/* Set up and torn down with napi off and the interface gone. */
	struct granted memory;
	unsigned char *tx_area, *rx_area; /* rx: HOSTILE */
	evtchn_port_t evtchn;
	int irq;
};

enum pvnet_life {
	PVNET_NEW, /* no interface yet                              */
	PVNET_LIVE, /* packets go to the ring                       */
	PVNET_DEAD, /* they are dropped                             */
};

struct pvnet_dev {
	struct xenbus_device *xbdev;
	struct net_device *netdev;
	struct mutex change; /* of what follows */
	enum pvnet_life life;
	bool registered;
	struct pvnet_queue *queue;
	unsigned int nr_queues, nr_tx, nr_rx; /* pages: of each queue */
	struct work_struct lied; /* the backend broke the protocol */
};

/* net_queue.c */
extern const struct net_device_ops pvnet_ops;
void pvnet_queue_init(struct pvnet_queue *q);
/* Memory, grants and port of a queue that has none; or a negative errno. */
int pvnet_queue_open(struct pvnet_queue *q);
void pvnet_queue_close(struct pvnet_queue *q);
/* No interrupt from here on. */
void pvnet_queue_silence(struct pvnet_queue *q);

#endif
