/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parapet-netfront: interfaces on Parapet's own network ring (ABI.md 19).
 *
 * The devices are the stock ones, of type vif; so this driver is one more for
 * that type.  It takes a device whose backend offers the ring and leaves every
 * other one to xen-netfront, provided that it is loaded first.
 *
 * A backend that was started again goes on with the ring as it is, and is not
 * noticed here, even if it begins with InitWait: the memory that a queue was
 * opened with is the device's to its end.  When the backend ends a device its
 * interface stays, without a carrier, until the toolstack takes the device.
 *
 * LOCKING: dev->change is held by whatever changes dev->life to anything but
 * PVNET_DEAD: the callbacks of xenbus, and the work, which it does not
 * serialize with them.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "pv-frontends/linux/netfront.h"
#include "pv-frontends/linux/offer.h"

enum {
	AREA_PAGES = 256, /* each way, on a machine with memory */
	MEMORY_SHARE = 32, /* at most that part of all memory */
	CLOSE_MS = 5000, /* for a backend to let go of a device */
};

static unsigned int queues = PVNET_QUEUES;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queues of an interface, at most");

/* ---- memory and the store --------------------------------------------------------- */

static void close_queues(struct pvnet_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		pvnet_queue_close(&dev->queue[i]);
}

static int open_queues(struct pvnet_dev *dev)
{
	int rc;

	for (unsigned int i = 0; i < dev->nr_queues; i++) {
		rc = pvnet_queue_open(&dev->queue[i]);
		if (rc) {
			close_queues(dev);
			return rc;
		}
	}
	return 0;
}

static struct ring_place place(const struct xenbus_device *xbdev,
			       unsigned int nr)
{
	const struct pvnet_dev *dev = dev_get_drvdata(&xbdev->dev);
	const struct pvnet_queue *q = &dev->queue[nr];

	return (struct ring_place){q->memory.ref[0], q->evtchn};
}

/* Offer memory to the backend, which is in InitWait. */
static void offer(struct pvnet_dev *dev)
{
	int rc = open_queues(dev);

	if (!rc)
		rc = ring_publish(dev->xbdev, PV_NET_VERSION, dev->nr_queues,
				  place);
	if (rc) {
		close_queues(dev);
		xenbus_dev_fatal(dev->xbdev, rc, "offering memory");
		return;
	}
	xenbus_switch_state(dev->xbdev, XenbusStateInitialised);
}

/* ---- states -------------------------------------------------------------------------- */

static void add(struct pvnet_dev *dev)
{
	int rc;

	netif_carrier_on(dev->netdev);
	dev->life = PVNET_LIVE;
	rc = register_netdev(dev->netdev);
	if (rc) {
		dev->life = PVNET_DEAD;
		xenbus_dev_fatal(dev->xbdev, rc, "adding the interface");
		return;
	}
	dev->registered = true;
	xenbus_switch_state(dev->xbdev, XenbusStateConnected);
	dev_info(&dev->xbdev->dev, "%s: queues=%u pages=%u+%u\n",
		 dev->netdev->name, dev->nr_queues, dev->nr_tx, dev->nr_rx);
}

/* Everything is dropped from here on. */
static void kill(struct pvnet_dev *dev)
{
	WRITE_ONCE(dev->life, PVNET_DEAD);
	netif_carrier_off(dev->netdev);
}

static void on_lied(struct work_struct *work)
{
	struct pvnet_dev *dev = container_of(work, struct pvnet_dev, lied);

	mutex_lock(&dev->change);
	xenbus_dev_error(dev->xbdev, -EPROTO, "the ring makes no sense");
	kill(dev);
	xenbus_switch_state(dev->xbdev, XenbusStateClosing);
	mutex_unlock(&dev->change);
}

static void otherend_changed(struct xenbus_device *xbdev,
			     enum xenbus_state state)
{
	struct pvnet_dev *dev = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&dev->change);
	switch (state) {
	case XenbusStateInitWait:
		if (dev->life == PVNET_NEW && !dev->queue->memory.map)
			offer(dev);
		break;
	case XenbusStateConnected:
		if (dev->life == PVNET_NEW && dev->queue->memory.map)
			add(dev);
		break;
	case XenbusStateClosed:
		/* The end of another connection: we have offered none yet. */
		if (xbdev->state == XenbusStateClosed ||
		    xbdev->state == XenbusStateInitialising)
			break;
		fallthrough;
	case XenbusStateClosing:
		kill(dev);
		xenbus_frontend_closed(xbdev);
		break;
	default:
		break;
	}
	mutex_unlock(&dev->change);
}

/* ---- devices come and go ----------------------------------------------------------------- */

static const struct ethtool_ops ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_ts_info = ethtool_op_get_ts_info,
};

static unsigned int count_queues(const struct xenbus_device *xbdev)
{
	unsigned int most = xenbus_read_unsigned(xbdev->otherend,
						 "multi-queue-max-queues", 1);

	most = min3(most, queues, num_online_cpus());
	return clamp(most, 1u, (unsigned int)PVNET_QUEUES);
}

static int read_mac(const struct xenbus_device *xbdev, u8 *mac)
{
	char *text = xenbus_read(XBT_NIL, xbdev->nodename, "mac", NULL);
	bool good;

	if (IS_ERR(text))
		return PTR_ERR(text);
	good = mac_pton(text, mac);
	kfree(text);
	return good ? 0 : -EINVAL;
}

static int set_up(struct net_device *netdev, struct xenbus_device *xbdev)
{
	u8 mac[ETH_ALEN];
	int rc = read_mac(xbdev, mac);

	if (rc)
		return rc;
	eth_hw_addr_set(netdev, mac);
	netdev->netdev_ops = &pvnet_ops;
	netdev->ethtool_ops = &ethtool_ops;
	netdev->hw_features =
		NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6;
	netdev->features = netdev->hw_features | NETIF_F_FRAGLIST |
			   NETIF_F_HIGHDMA | NETIF_F_RXCSUM;
	netdev->vlan_features = netdev->features;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = ETH_MAX_MTU;
	netdev->mtu = clamp(
		xenbus_read_unsigned(xbdev->nodename, "mtu", ETH_DATA_LEN),
		netdev->min_mtu, netdev->max_mtu);
	SET_NETDEV_DEV(netdev, &xbdev->dev);
	netdev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	return netdev->tstats ? 0 : -ENOMEM;
}

static struct pvnet_dev *alloc_dev(struct xenbus_device *xbdev, unsigned int nr)
{
	struct net_device *netdev =
		alloc_etherdev_mqs(sizeof(struct pvnet_dev), nr, nr);
	struct pvnet_dev *dev;

	if (!netdev)
		return NULL;
	dev = netdev_priv(netdev);
	dev->netdev = netdev;
	dev->xbdev = xbdev;
	dev->nr_queues = nr;
	dev->nr_tx = dev->nr_rx =
		clamp_t(unsigned long, totalram_pages() / MEMORY_SHARE / nr / 2,
			PV_NET_AREA_MIN, AREA_PAGES);
	mutex_init(&dev->change);
	INIT_WORK(&dev->lied, on_lied);
	dev->queue = kcalloc(nr, sizeof(*dev->queue), GFP_KERNEL);
	if (!dev->queue) {
		free_netdev(netdev);
		return NULL;
	}
	for (unsigned int i = 0; i < nr; i++) {
		dev->queue[i].dev = dev;
		dev->queue[i].nr = i;
		pvnet_queue_init(&dev->queue[i]);
	}
	return dev;
}

static void free_dev(struct pvnet_dev *dev)
{
	struct pvnet_queue *queue = dev->queue;

	free_percpu(dev->netdev->tstats);
	free_netdev(dev->netdev);
	kfree(queue);
}

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct pvnet_dev *dev;
	int rc;

	if (!is_ring_offered(xbdev))
		return -ENODEV;
	dev = alloc_dev(xbdev, count_queues(xbdev));
	if (!dev)
		return -ENOMEM;
	rc = set_up(dev->netdev, xbdev);
	if (rc) {
		xenbus_dev_error(xbdev, rc, "setting the interface up");
		free_dev(dev);
		return rc;
	}
	dev_set_drvdata(&xbdev->dev, dev);
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
}

/* Whoever takes the device next must not see the end of our connection. */
static void end_connection(struct xenbus_device *xbdev)
{
	unsigned long until = jiffies + msecs_to_jiffies(CLOSE_MS);
	enum xenbus_state state;

	xenbus_switch_state(xbdev, XenbusStateClosed);
	do {
		state = xenbus_read_driver_state(xbdev->otherend);
		if (state == XenbusStateClosed || state == XenbusStateUnknown)
			return;
		msleep(10);
	} while (time_before(jiffies, until));
}

static void forget(struct xenbus_device *xbdev)
{
	struct pvnet_dev *dev = dev_get_drvdata(&xbdev->dev);

	if (dev->registered)
		unregister_netdev(dev->netdev);
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		pvnet_queue_silence(&dev->queue[i]);
	cancel_work_sync(&dev->lied);
	/* Whoever takes the device next may not speak this. */
	xenbus_rm(XBT_NIL, xbdev->nodename, "protocol-pv");
	end_connection(xbdev);
	close_queues(dev);
	dev_set_drvdata(&xbdev->dev, NULL);
	free_dev(dev);
}

static const struct xenbus_device_id ids[] = {{"vif"}, {""}};

static struct xenbus_driver driver = {
	.name = "parapet-netfront",
	.ids = ids,
	.probe = probe,
	.remove = forget,
	.otherend_changed = otherend_changed,
};

static int __init start(void)
{
	if (!xen_domain() || !xen_has_pv_nic_devices())
		return -ENODEV;
	return xenbus_register_frontend(&driver);
}
module_init(start);

static void __exit finish(void)
{
	xenbus_unregister_driver(&driver);
}
module_exit(finish);

MODULE_DESCRIPTION("Interfaces on Parapet's own network ring");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:vif");
