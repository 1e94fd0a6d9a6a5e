/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of parapet-blkfront. */
#ifndef PV_FRONTENDS_LINUX_BLKFRONT_H
#define PV_FRONTENDS_LINUX_BLKFRONT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "pv-frontends/core/pvblk.h"
#include "pv-frontends/linux/granted.h"

enum {
	PVBLK_QUEUES = 4,
};

struct pvblk_dev;

/* What a request has in the data area. */
struct pvblk_cmd {
	unsigned int first, nr; /* pages; nr 0: none */
	u16 status; /* PV_BLK_* */
};

struct pvblk_queue {
	struct pvblk_dev *dev;
	spinlock_t lock; /* all below, once connected */
	struct pvblk_front ring;
	struct pvblk_pages pages;
	struct request *rq[PV_BLK_TAGS];
	bool starved; /* stopped until pages are put back */
	/* Set up and torn down with no request under way. */
	struct granted memory;
	unsigned char *data; /* HOSTILE */
	evtchn_port_t evtchn;
	int irq;
};

enum pvblk_life {
	PVBLK_NEW, /* no disk yet                                   */
	PVBLK_LIVE, /* requests go to the ring                      */
	PVBLK_DEAD, /* they fail                                    */
};

struct pvblk_dev {
	struct xenbus_device *xbdev;
	struct mutex change; /* of what follows */
	enum pvblk_life life; /* written with all queues quiet */
	char name[16];
	struct pvblk_queue *queue;
	unsigned int nr_queues, nr_data;
	struct blk_mq_tag_set tags;
	struct gendisk *disk;
	struct pv_blk_config config;
	u32 generation; /* of the configuration last seen */
	struct work_struct look; /* the configuration changed */
	struct work_struct lied; /* the backend broke the protocol */
	wait_queue_head_t idle; /* a request has ended */
};

/* blk_queue.c */
extern const struct blk_mq_ops pvblk_ops;
/* Memory, grants and port of a queue that has none; or a negative errno. */
int pvblk_queue_open(struct pvblk_queue *q);
void pvblk_queue_close(struct pvblk_queue *q);
/* No interrupt, and so no answer, from here on. */
void pvblk_queue_silence(struct pvblk_queue *q);

#endif
