/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parapet-netfront: interfaces on Parapet's own network ring (ABI.md 19).
 *
 * The devices are the stock ones, of type vif; so this driver is one more for
 * that type.  It takes a device whose backend offers the ring and leaves every
 * other one to xen-netfront, provided that it is loaded first.
 *
 * When the backend ends a device its interface stays, without a carrier, until
 * the toolstack takes the device.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "pv-frontends/linux/netfront.h"
#include "pv-frontends/linux/offer.h"

enum {
	AREA_PAGES = 256, /* each way, on a machine with memory */
};

static unsigned int queues = PVNET_QUEUES;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queues of an interface, at most");

/* ---- states -------------------------------------------------------------------------- */

static void connected(struct ring_dev *base)
{
	struct pvnet_dev *dev = pvnet_of(base);
	int rc;

	if (base->life != RING_NEW)
		return;
	netif_carrier_on(dev->netdev);
	base->life = RING_LIVE;
	rc = register_netdev(dev->netdev);
	if (rc) {
		base->life = RING_DEAD;
		xenbus_dev_fatal(base->xbdev, rc, "adding the interface");
		return;
	}
	dev->registered = true;
	xenbus_switch_state(base->xbdev, XenbusStateConnected);
	dev_info(&base->xbdev->dev, "%s: queues=%u pages=%u+%u\n",
		 dev->netdev->name, base->nr_queues, dev->nr_tx, dev->nr_rx);
}

/* Everything is dropped from here on. */
static void kill(struct ring_dev *base)
{
	WRITE_ONCE(base->life, RING_DEAD);
	netif_carrier_off(pvnet_of(base)->netdev);
}

static struct ring_queue *queue_of(struct ring_dev *base, unsigned int nr)
{
	return &pvnet_of(base)->queue[nr].base;
}

static const struct ring_kind kind = {
	.name = "parapet-netfront",
	.version = PV_NET_VERSION,
	.on_event = pvnet_on_event,
	.queue = queue_of,
	.begin = pvnet_begin,
	.connected = connected,
	.kill = kill,
	.end = kill,
};

/* ---- devices come and go ----------------------------------------------------------------- */

static const struct ethtool_ops ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_ts_info = ethtool_op_get_ts_info,
};

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

static struct pvnet_dev *alloc_dev(unsigned int nr)
{
	struct net_device *netdev =
		alloc_etherdev_mqs(sizeof(struct pvnet_dev), nr, nr);
	struct pvnet_dev *dev;

	if (!netdev)
		return NULL;
	dev = netdev_priv(netdev);
	dev->netdev = netdev;
	dev->base.nr_queues = nr;
	dev->nr_tx = dev->nr_rx =
		ring_share_memory(nr * 2, PV_NET_AREA_MIN, AREA_PAGES);
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
	dev = alloc_dev(ring_count_queues(xbdev, queues, PVNET_QUEUES));
	if (!dev)
		return -ENOMEM;
	rc = set_up(dev->netdev, xbdev);
	if (rc) {
		xenbus_dev_error(xbdev, rc, "setting the interface up");
		free_dev(dev);
		return rc;
	}
	ring_dev_init(&dev->base, xbdev, &kind);
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
}

static void forget(struct xenbus_device *xbdev)
{
	struct pvnet_dev *dev = pvnet_of(dev_get_drvdata(&xbdev->dev));

	if (dev->registered)
		unregister_netdev(dev->netdev);
	ring_dev_close(&dev->base);
	free_dev(dev);
}

static const struct xenbus_device_id ids[] = {{"vif"}, {""}};

static struct xenbus_driver driver = {
	.name = "parapet-netfront",
	.ids = ids,
	.probe = probe,
	.remove = forget,
	.otherend_changed = ring_otherend_changed,
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
