/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parapet-blkfront: disks on Parapet's own block ring (ABI.md 18).
 *
 * The devices are the stock ones, of type vbd, and the disks have the stock
 * names; so this driver is one more for that type.  It takes a device whose
 * backend offers the ring and leaves every other one to xen-blkfront, provided
 * that it is loaded first.
 *
 * A backend that was started again goes on with the ring as it is, and is not
 * noticed here, even if it begins with InitWait: the memory that a queue was
 * opened with is the device's to its end.  While the backend ends a device its
 * answers are still taken, for some time; the rest fails.
 *
 * LOCKING: dev->change is held by whatever changes dev->life: the callbacks of
 * xenbus, and the works, which it does not serialize with them.
 */
#include <linux/mm.h>
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
	MEMORY_SHARE = 32, /* at most that part of all memory */
	LAST_ANSWERS_MS = 10000, /* when a device ends */
};

#define XVD_EXTENDED (1u << 28)

static unsigned int queues = PVBLK_QUEUES;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queues of a disk, at most");

/* ---- names --------------------------------------------------------------------- */

/* xvda ... xvdz, xvdaa ...; -ENODEV: it is a partition, or of another kind. */
static int name_disk(struct pvblk_dev *dev)
{
	unsigned int id, disk, n = 0;
	char letters[8];

	if (xenbus_scanf(XBT_NIL, dev->xbdev->nodename, "virtual-device", "%u",
			 &id) != 1)
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

/* ---- memory and the store --------------------------------------------------------- */

static void close_queues(struct pvblk_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		pvblk_queue_close(&dev->queue[i]);
}

static int open_queues(struct pvblk_dev *dev)
{
	int rc;

	for (unsigned int i = 0; i < dev->nr_queues; i++) {
		rc = pvblk_queue_open(&dev->queue[i]);
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
	const struct pvblk_dev *dev = dev_get_drvdata(&xbdev->dev);
	const struct pvblk_queue *q = &dev->queue[nr];

	return (struct ring_place){q->memory.ref[0], q->evtchn};
}

/* Offer memory to the backend, which is in InitWait. */
static void offer(struct pvblk_dev *dev)
{
	int rc = open_queues(dev);

	if (!rc)
		rc = ring_publish(dev->xbdev, PV_BLK_VERSION, dev->nr_queues,
				  place);
	if (rc) {
		close_queues(dev);
		xenbus_dev_fatal(dev->xbdev, rc, "offering memory");
		return;
	}
	xenbus_switch_state(dev->xbdev, XenbusStateInitialised);
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
		.nr_hw_queues = dev->nr_queues,
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
	dev->life = PVBLK_LIVE;
	xenbus_switch_state(dev->xbdev, XenbusStateConnected);
	rc = device_add_disk(&dev->xbdev->dev, dev->disk, NULL);
	if (rc) {
		dev->life = PVBLK_NEW;
		free_disk_of(dev);
		return rc;
	}
	dev_info(&dev->xbdev->dev,
		 "%s: %llu sectors of 512 bytes, queues=%u data=%u pages%s\n",
		 dev->name, dev->config.sectors, dev->nr_queues, dev->nr_data,
		 dev->config.flags & PV_BLK_F_READONLY ? ", read-only" : "");
	return 0;
}

/* ---- requests under way when a ring goes -------------------------------------------- */

static bool is_idle(struct pvblk_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++)
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
static void kill(struct pvblk_dev *dev)
{
	if (dev->life != PVBLK_LIVE)
		return;
	/* No request is on its way to a ring, and no answer comes. */
	blk_mq_quiesce_queue(dev->disk->queue);
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		pvblk_queue_silence(&dev->queue[i]);
	blk_mq_tagset_wait_completed_request(&dev->tags);
	dev->life = PVBLK_DEAD;
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

	mutex_lock(&dev->change);
	if (dev->life == PVBLK_LIVE && read_config(dev) &&
	    set_capacity_and_notify(dev->disk, dev->config.sectors))
		dev_info(&dev->xbdev->dev, "%s: has %llu sectors now\n",
			 dev->name, dev->config.sectors);
	mutex_unlock(&dev->change);
}

static void end(struct pvblk_dev *dev)
{
	if (dev->life == PVBLK_LIVE) {
		blk_mark_disk_dead(dev->disk);
		set_capacity(dev->disk, 0);
		wait_event_timeout(dev->idle, is_idle(dev),
				   msecs_to_jiffies(LAST_ANSWERS_MS));
		kill(dev);
	}
	xenbus_frontend_closed(dev->xbdev);
}

static void on_lied(struct work_struct *work)
{
	struct pvblk_dev *dev = container_of(work, struct pvblk_dev, lied);

	mutex_lock(&dev->change);
	xenbus_dev_error(dev->xbdev, -EPROTO, "the ring makes no sense");
	if (dev->life == PVBLK_LIVE) {
		blk_mark_disk_dead(dev->disk);
		kill(dev);
	}
	xenbus_switch_state(dev->xbdev, XenbusStateClosing);
	mutex_unlock(&dev->change);
}

static void on_connected(struct pvblk_dev *dev)
{
	int rc;

	if (dev->life == PVBLK_LIVE) {
		schedule_work(&dev->look);
		return;
	}
	if (dev->life != PVBLK_NEW || !dev->queue->memory.map)
		return;
	if (!read_config(dev)) {
		xenbus_dev_fatal(dev->xbdev, -EPROTO, "reading the disk");
		return;
	}
	rc = add(dev);
	if (rc)
		xenbus_dev_fatal(dev->xbdev, rc, "adding the disk");
}

static void otherend_changed(struct xenbus_device *xbdev,
			     enum xenbus_state state)
{
	struct pvblk_dev *dev = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&dev->change);
	switch (state) {
	case XenbusStateInitWait:
		if (dev->life == PVBLK_NEW && !dev->queue->memory.map)
			offer(dev);
		break;
	case XenbusStateConnected:
		on_connected(dev);
		break;
	case XenbusStateClosed:
		if (xbdev->state == XenbusStateClosed)
			break;
		fallthrough;
	case XenbusStateClosing:
		end(dev);
		break;
	default:
		break;
	}
	mutex_unlock(&dev->change);
}

/* ---- devices come and go ----------------------------------------------------------------- */

static void size_queues(struct pvblk_dev *dev)
{
	unsigned int most = xenbus_read_unsigned(dev->xbdev->otherend,
						 "multi-queue-max-queues", 1);

	most = min3(most, queues, num_online_cpus());
	dev->nr_queues = clamp(most, 1u, (unsigned int)PVBLK_QUEUES);
	dev->nr_data = clamp_t(unsigned long,
			       totalram_pages() / MEMORY_SHARE / dev->nr_queues,
			       DATA_PAGES_MIN, DATA_PAGES);
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
	dev->xbdev = xbdev;
	rc = name_disk(dev);
	if (rc)
		goto free_dev;
	size_queues(dev);
	rc = -ENOMEM;
	dev->queue = kcalloc(dev->nr_queues, sizeof(*dev->queue), GFP_KERNEL);
	if (!dev->queue)
		goto free_dev;
	for (unsigned int i = 0; i < dev->nr_queues; i++) {
		dev->queue[i].dev = dev;
		spin_lock_init(&dev->queue[i].lock);
	}
	mutex_init(&dev->change);
	INIT_WORK(&dev->look, on_look);
	INIT_WORK(&dev->lied, on_lied);
	init_waitqueue_head(&dev->idle);
	dev_set_drvdata(&xbdev->dev, dev);
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;

free_dev:
	kfree(dev);
	return rc;
}

static void forget(struct xenbus_device *xbdev)
{
	struct pvblk_dev *dev = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&dev->change);
	if (xenbus_read_driver_state(xbdev->otherend) != XenbusStateConnected)
		kill(dev);
	mutex_unlock(&dev->change);
	if (dev->disk)
		del_gendisk(dev->disk);
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		pvblk_queue_silence(&dev->queue[i]);
	cancel_work_sync(&dev->look);
	cancel_work_sync(&dev->lied);
	/* Whoever takes the device next may not speak this. */
	xenbus_rm(XBT_NIL, xbdev->nodename, "protocol-pv");
	close_queues(dev);
	free_disk_of(dev);
	dev_set_drvdata(&xbdev->dev, NULL);
	kfree(dev->queue);
	kfree(dev);
}

static const struct xenbus_device_id ids[] = {{"vbd"}, {""}};

static struct xenbus_driver driver = {
	.name = "parapet-blkfront",
	.ids = ids,
	.probe = probe,
	.remove = forget,
	.otherend_changed = otherend_changed,
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
