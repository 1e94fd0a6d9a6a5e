/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of parapet-blkfront. */
#ifndef PV_FRONTENDS_LINUX_BLKFRONT_H
#define PV_FRONTENDS_LINUX_BLKFRONT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "pv-frontends/core/pvblk.h"
#include "pv-frontends/linux/device.h"

enum {
	PVBLK_QUEUES = 4,
};

/* What a request has in the data area. */
struct pvblk_cmd {
	unsigned int first, nr; /* pages; nr 0: none */
	u16 status; /* PV_BLK_* */
};

struct pvblk_dev;

struct pvblk_queue {
	struct ring_queue base; /* open and closed with no request under way */
	struct pvblk_dev *dev;
	spinlock_t lock; /* all below, once connected */
	struct pvblk_front ring;
	struct pvblk_pages pages;
	struct request *rq[PV_BLK_TAGS];
	bool starved; /* stopped until pages are put back */
	unsigned char *data; /* HOSTILE */
};

struct pvblk_dev {
	struct ring_dev base; /* life: written with all queues quiet */
	char name[16];
	struct pvblk_queue *queue;
	unsigned int nr_data; /* pages: of each queue */
	struct blk_mq_tag_set tags;
	struct gendisk *disk;
	struct pv_blk_config config;
	u32 generation; /* of the configuration last seen */
	struct work_struct look; /* the configuration changed */
	wait_queue_head_t idle; /* a request has ended */
};

static inline struct pvblk_dev *pvblk_of(struct ring_dev *base)
{
	return container_of(base, struct pvblk_dev, base);
}

/* blk_queue.c */
extern const struct blk_mq_ops pvblk_ops;
/* Of the kind: what begin() and on_event are. */
int pvblk_begin(struct ring_dev *base, unsigned int nr);
irqreturn_t pvblk_on_event(int irq, void *data);

#endif
