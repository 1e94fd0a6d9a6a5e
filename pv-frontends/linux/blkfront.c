/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parapet-blkfront: disks on Parapet's own block ring (ABI.md 18).
 *
 * The devices are the stock ones, of type vbd, and the disks have the stock
 * names; so this driver is one more for that type.  It takes a device whose
 * backend offers the ring and leaves every other one to xen-blkfront, provided
 * that it is loaded first.
 *
 * While the backend ends a device its answers are still taken, for some time;
 * the rest fails.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "pv-frontends/linux/blkfront.h"
#include "pv-frontends/linux/offer.h"

enum {
	XVD_MAJOR = 202,
	XVD_SHIFT = 4, /* minors of a disk in the old numbering */
	XVD_EXTENDED_SHIFT = 8,
	DATA_PAGES = 512, /* of a queue, on a machine with memory */
	DATA_PAGES_MIN = 64,
	LAST_ANSWERS_MS = 10000, /* when a device ends */
};

#define XVD_EXTENDED (1u << 28)

static unsigned int queues = PVBLK_QUEUES;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queues of a disk, at most");

/* ---- names --------------------------------------------------------------------- */

/* xvda ... xvdz, xvdaa ...; -ENODEV: it is a partition, or of another kind. */
static int name_disk(struct pvblk_dev *dev, const char *node)
{
	unsigned int id, disk, n = 0;
	char letters[8];

	if (xenbus_scanf(XBT_NIL, node, "virtual-device", "%u", &id) != 1)
		return -ENODEV;
	if (id & XVD_EXTENDED) {
		id &= ~XVD_EXTENDED;
		if (id & ((1 << XVD_EXTENDED_SHIFT) - 1))
			return -ENODEV;
		disk = id >> XVD_EXTENDED_SHIFT;
	} else {
		if (id >> 8 != XVD_MAJOR || id & ((1 << XVD_SHIFT) - 1))
			return -ENODEV;
		disk = (id & 0xff) >> XVD_SHIFT;
	}
	for (disk++; disk; disk = (disk - 1) / 26)
		letters[n++] = 'a' + (disk - 1) % 26;
	strcpy(dev->name, "xvd");
	for (id = 3; n; id++)
		dev->name[id] = letters[--n];
	return 0;
}

/* ---- the disk ---------------------------------------------------------------------- */

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
};

static void set_limits(struct pvblk_dev *dev)
{
	const struct pv_blk_config *c = &dev->config;
	struct request_queue *rq = dev->disk->queue;
	bool flush = c->flags & PV_BLK_F_FLUSH;
	/* A few requests fit, whatever their size. */
	unsigned int sectors = min(c->max_sectors, dev->nr_data * 8 / 4);

	blk_queue_logical_block_size(rq, c->logical);
	blk_queue_physical_block_size(rq, c->physical);
	blk_queue_max_hw_sectors(rq, sectors & ~(c->logical / 512 - 1));
	blk_queue_max_segments(rq, USHRT_MAX);
	blk_queue_max_segment_size(rq, UINT_MAX);
	blk_queue_write_cache(rq, flush, flush);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, rq);
	if (c->flags & PV_BLK_F_DISCARD) {
		rq->limits.discard_granularity = c->discard;
		blk_queue_max_discard_sectors(rq, UINT_MAX >> SECTOR_SHIFT);
	}
	if (c->flags & PV_BLK_F_WRITE_ZEROES)
		blk_queue_max_write_zeroes_sectors(rq,
						   UINT_MAX >> SECTOR_SHIFT);
	set_disk_ro(dev->disk, c->flags & PV_BLK_F_READONLY);
}

static int alloc_disk_of(struct pvblk_dev *dev)
{
	int rc;

	dev->tags = (struct blk_mq_tag_set){
		.ops = &pvblk_ops,
		.nr_hw_queues = dev->base.nr_queues,
		.queue_depth = PV_BLK_TAGS,
		.numa_node = NUMA_NO_NODE,
		.cmd_size = sizeof(struct pvblk_cmd),
		.flags = BLK_MQ_F_SHOULD_MERGE,
		.driver_data = dev,
	};
	rc = blk_mq_alloc_tag_set(&dev->tags);
	if (rc)
		return rc;
	dev->disk = blk_mq_alloc_disk(&dev->tags, dev);
	if (IS_ERR(dev->disk)) {
		rc = PTR_ERR(dev->disk);
		dev->disk = NULL;
		blk_mq_free_tag_set(&dev->tags);
		return rc;
	}
	dev->disk->fops = &disk_ops;
	dev->disk->private_data = dev;
	strcpy(dev->disk->disk_name, dev->name);
	return 0;
}

static void free_disk_of(struct pvblk_dev *dev)
{
	if (!dev->disk)
		return;
	blk_mq_free_tag_set(&dev->tags);
	put_disk(dev->disk);
	dev->disk = NULL;
}

static int add(struct pvblk_dev *dev)
{
	int rc = alloc_disk_of(dev);

	if (rc)
		return rc;
	set_limits(dev);
	set_capacity(dev->disk, dev->config.sectors);
	dev->base.life = RING_LIVE;
	xenbus_switch_state(dev->base.xbdev, XenbusStateConnected);
	rc = device_add_disk(&dev->base.xbdev->dev, dev->disk, NULL);
	if (rc) {
		dev->base.life = RING_NEW;
		free_disk_of(dev);
		return rc;
	}
	dev_info(&dev->base.xbdev->dev,
		 "%s: %llu sectors of 512 bytes, queues=%u data=%u pages%s\n",
		 dev->name, dev->config.sectors, dev->base.nr_queues,
		 dev->nr_data,
		 dev->config.flags & PV_BLK_F_READONLY ? ", read-only" : "");
	return 0;
}

/* ---- requests under way when a ring goes -------------------------------------------- */

static bool is_idle(struct pvblk_dev *dev)
{
	for (unsigned int i = 0; i < dev->base.nr_queues; i++)
		if (READ_ONCE(dev->queue[i].ring.under_way))
			return false;
	return true;
}

static bool fail(struct request *rq, void *data)
{
	struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);

	if (blk_mq_request_started(rq) && !blk_mq_request_completed(rq)) {
		cmd->status = PV_BLK_IO_ERROR;
		blk_mq_complete_request(rq);
	}
	return true;
}

/* Everything fails from here on. */
static void fail_all(struct pvblk_dev *dev)
{
	if (dev->base.life != RING_LIVE)
		return;
	/* No request is on its way to a ring, and no answer comes. */
	blk_mq_quiesce_queue(dev->disk->queue);
	ring_dev_silence(&dev->base);
	blk_mq_tagset_wait_completed_request(&dev->tags);
	dev->base.life = RING_DEAD;
	blk_mq_tagset_busy_iter(&dev->tags, fail, NULL);
	blk_mq_unquiesce_queue(dev->disk->queue);
	blk_mq_kick_requeue_list(dev->disk->queue);
	blk_mq_start_stopped_hw_queues(dev->disk->queue, true);
}

/* ---- states -------------------------------------------------------------------------- */

static bool read_config(struct pvblk_dev *dev)
{
	if (!pvblk_front_config(&dev->queue->ring, &dev->config))
		return false;
	dev->generation = dev->config.generation;
	return true;
}

/* The disk may have another size. */
static void on_look(struct work_struct *work)
{
	struct pvblk_dev *dev = container_of(work, struct pvblk_dev, look);

	mutex_lock(&dev->base.change);
	if (dev->base.life == RING_LIVE && read_config(dev) &&
	    set_capacity_and_notify(dev->disk, dev->config.sectors))
		dev_info(&dev->base.xbdev->dev, "%s: has %llu sectors now\n",
			 dev->name, dev->config.sectors);
	mutex_unlock(&dev->base.change);
}

static void end(struct ring_dev *base)
{
	struct pvblk_dev *dev = pvblk_of(base);

	if (base->life != RING_LIVE)
		return;
	blk_mark_disk_dead(dev->disk);
	set_capacity(dev->disk, 0);
	wait_event_timeout(dev->idle, is_idle(dev),
			   msecs_to_jiffies(LAST_ANSWERS_MS));
	fail_all(dev);
}

static void kill(struct ring_dev *base)
{
	struct pvblk_dev *dev = pvblk_of(base);

	if (base->life != RING_LIVE)
		return;
	blk_mark_disk_dead(dev->disk);
	fail_all(dev);
}

static void connected(struct ring_dev *base)
{
	struct pvblk_dev *dev = pvblk_of(base);
	int rc;

	if (base->life == RING_LIVE)
		schedule_work(&dev->look);
	if (base->life != RING_NEW)
		return;
	if (!read_config(dev)) {
		xenbus_dev_fatal(base->xbdev, -EPROTO, "reading the disk");
		return;
	}
	rc = add(dev);
	if (rc)
		xenbus_dev_fatal(base->xbdev, rc, "adding the disk");
}

static struct ring_queue *queue_of(struct ring_dev *base, unsigned int nr)
{
	return &pvblk_of(base)->queue[nr].base;
}

static const struct ring_kind kind = {
	.name = "parapet-blkfront",
	.version = PV_BLK_VERSION,
	.on_event = pvblk_on_event,
	.queue = queue_of,
	.begin = pvblk_begin,
	.connected = connected,
	.kill = kill,
	.end = end,
};

/* ---- devices come and go ----------------------------------------------------------------- */

static int alloc_queues(struct pvblk_dev *dev, unsigned int nr)
{
	dev->queue = kcalloc(nr, sizeof(*dev->queue), GFP_KERNEL);
	if (!dev->queue)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++) {
		dev->queue[i].dev = dev;
		spin_lock_init(&dev->queue[i].lock);
	}
	dev->base.nr_queues = nr;
	dev->nr_data = ring_share_memory(nr, DATA_PAGES_MIN, DATA_PAGES);
	return 0;
}

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct pvblk_dev *dev;
	int rc;

	if (!is_ring_offered(xbdev))
		return -ENODEV;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	rc = name_disk(dev, xbdev->nodename);
	if (!rc)
		rc = alloc_queues(
			dev, ring_count_queues(xbdev, queues, PVBLK_QUEUES));
	if (rc) {
		kfree(dev);
		return rc;
	}
	INIT_WORK(&dev->look, on_look);
	init_waitqueue_head(&dev->idle);
	ring_dev_init(&dev->base, xbdev, &kind);
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
}

static void forget(struct xenbus_device *xbdev)
{
	struct pvblk_dev *dev = pvblk_of(dev_get_drvdata(&xbdev->dev));

	mutex_lock(&dev->base.change);
	if (xenbus_read_driver_state(xbdev->otherend) != XenbusStateConnected)
		fail_all(dev);
	mutex_unlock(&dev->base.change);
	if (dev->disk)
		del_gendisk(dev->disk);
	ring_dev_silence(&dev->base);
	cancel_work_sync(&dev->look);
	ring_dev_close(&dev->base);
	free_disk_of(dev);
	kfree(dev->queue);
	kfree(dev);
}

static const struct xenbus_device_id ids[] = {{"vbd"}, {""}};

static struct xenbus_driver driver = {
	.name = "parapet-blkfront",
	.ids = ids,
	.probe = probe,
	.remove = forget,
	.otherend_changed = ring_otherend_changed,
};

static int __init start(void)
{
	if (!xen_domain() || !xen_has_pv_disk_devices())
		return -ENODEV;
	return xenbus_register_frontend(&driver);
}
module_init(start);

static void __exit finish(void)
{
	xenbus_unregister_driver(&driver);
}
module_exit(finish);

MODULE_DESCRIPTION("Disks on Parapet's own block ring");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:vbd");
