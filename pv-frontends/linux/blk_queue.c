/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of a request through a queue.
 *
 *	pages -> copy in -> ring ... event -> answers -> copy out -> pages
 *
 * The data area was granted when the device connected, so a request costs one
 * copy and a few stores, and an event only if the backend sleeps.  The copies
 * are made without the queue's lock.
 *
 * When the data area is full the hardware queue stops until pages are put back.
 */
#include <linux/interrupt.h>
#include <linux/module.h>
#include <xen/events.h>

#include "pv-frontends/linux/blkfront.h"

enum {
	AT_ONCE = 32, /* answers that are taken from a ring */
};

/* ---- requests ---------------------------------------------------------------- */

static void copy_data(const struct pvblk_queue *q, struct request *rq, bool in)
{
	const struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	char *at = (char *)q->data + (size_t)cmd->first * PAGE_SIZE;
	struct req_iterator iter;
	struct bio_vec v;

	rq_for_each_segment(v, rq, iter)
	{
		if (in)
			memcpy_from_bvec(at, &v);
		else
			memcpy_to_bvec(&v, at);
		at += v.bv_len;
	}
}

static blk_status_t translate(struct request *rq, struct pvblk_rq *to)
{
	*to = (struct pvblk_rq){
		.tag = (u16)rq->tag,
		.sector = blk_rq_pos(rq),
		.nr_sectors = blk_rq_sectors(rq),
		.flags = rq->cmd_flags & REQ_FUA ? PV_BLK_FUA : 0,
	};
	switch (req_op(rq)) {
	case REQ_OP_READ:
		to->op = PV_BLK_READ;
		to->flags = 0;
		return BLK_STS_OK;
	case REQ_OP_WRITE:
		to->op = PV_BLK_WRITE;
		return BLK_STS_OK;
	case REQ_OP_FLUSH:
		to->op = PV_BLK_FLUSH;
		to->sector = to->nr_sectors = to->flags = 0;
		return BLK_STS_OK;
	case REQ_OP_DISCARD:
		to->op = PV_BLK_DISCARD;
		to->flags = 0;
		return BLK_STS_OK;
	case REQ_OP_WRITE_ZEROES:
		to->op = PV_BLK_WRITE_ZEROES;
		return rq->cmd_flags & REQ_NOUNMAP ? BLK_STS_NOTSUPP
						   : BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
}

/* Pages for the data; none left: the queue stops, and put_pages() starts it. */
static blk_status_t get_pages(struct pvblk_queue *q, struct request *rq,
			      struct blk_mq_hw_ctx *hctx)
{
	struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	unsigned long flags;
	int first;

	cmd->nr = DIV_ROUND_UP(blk_rq_payload_bytes(rq), PAGE_SIZE);
	spin_lock_irqsave(&q->lock, flags);
	first = pvblk_pages_get(&q->pages, cmd->nr);
	if (first < 0) {
		cmd->nr = 0;
		q->starved = true;
		blk_mq_stop_hw_queue(hctx);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	cmd->first = first;
	return first < 0 ? BLK_STS_DEV_RESOURCE : BLK_STS_OK;
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx,
			     const struct blk_mq_queue_data *bd)
{
	struct pvblk_queue *q = hctx->driver_data;
	struct request *rq = bd->rq;
	struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct pvblk_rq to;
	unsigned long flags;
	blk_status_t rc;
	bool event;

	if (q->dev->base.life != RING_LIVE)
		return BLK_STS_IOERR;
	rc = translate(rq, &to);
	if (rc)
		return rc;
	cmd->nr = 0;
	if (to.op == PV_BLK_READ || to.op == PV_BLK_WRITE) {
		rc = get_pages(q, rq, hctx);
		if (rc)
			return rc;
		to.data = cmd->first * (u32)PAGE_SIZE;
		if (to.op == PV_BLK_WRITE)
			copy_data(q, rq, true);
	}
	blk_mq_start_request(rq);
	spin_lock_irqsave(&q->lock, flags);
	q->rq[rq->tag] = rq;
	pvblk_front_submit(&q->ring, &to);
	event = bd->last && pvblk_front_push(&q->ring);
	spin_unlock_irqrestore(&q->lock, flags);
	if (event)
		notify_remote_via_irq(q->base.irq);
	return BLK_STS_OK;
}

static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct pvblk_queue *q = hctx->driver_data;
	unsigned long flags;
	bool event;

	spin_lock_irqsave(&q->lock, flags);
	event = q->dev->base.life == RING_LIVE && pvblk_front_push(&q->ring);
	spin_unlock_irqrestore(&q->lock, flags);
	if (event)
		notify_remote_via_irq(q->base.irq);
}

/* ---- answers ------------------------------------------------------------------- */

struct answer {
	u16 tag, status;
};

/* HOSTILE: what the backend wrote, checked by the core.  Asks for an event when
 * there is no more. */
static unsigned int collect(struct pvblk_queue *q, struct answer *a)
{
	enum pvblk_look look = PVBLK_NONE;
	unsigned int n = 0;

	spin_lock(&q->lock);
	do {
		while (n < AT_ONCE &&
		       (look = pvblk_front_answer(&q->ring, &a[n].tag,
						  &a[n].status)) == PVBLK_ONE)
			n++;
	} while (n < AT_ONCE && look == PVBLK_NONE &&
		 pvblk_front_sleep(&q->ring));
	spin_unlock(&q->lock);
	if (look == PVBLK_LIE)
		schedule_work(&q->dev->base.lied);
	return n;
}

static void put_pages(struct pvblk_queue *q, const struct answer *a,
		      unsigned int n)
{
	bool start;

	spin_lock(&q->lock);
	for (unsigned int i = 0; i < n; i++) {
		struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(q->rq[a[i].tag]);

		if (cmd->nr)
			pvblk_pages_put(&q->pages, cmd->first, cmd->nr);
		cmd->nr = 0;
	}
	start = q->starved;
	q->starved = false;
	spin_unlock(&q->lock);
	if (start)
		blk_mq_start_stopped_hw_queues(q->dev->disk->queue, true);
}

static void end_all(struct pvblk_queue *q, const struct answer *a,
		    unsigned int n)
{
	struct request *ended[AT_ONCE];

	for (unsigned int i = 0; i < n; i++) {
		struct request *rq = q->rq[a[i].tag];
		struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);

		cmd->status = a[i].status;
		if (req_op(rq) == REQ_OP_READ && !cmd->status)
			copy_data(q, rq, false);
		ended[i] = rq;
	}
	put_pages(q, a, n);
	for (unsigned int i = 0; i < n; i++)
		if (likely(!blk_should_fake_timeout(ended[i]->q)))
			blk_mq_complete_request(ended[i]);
}

irqreturn_t pvblk_on_event(int irq, void *data)
{
	struct pvblk_queue *q = container_of(data, struct pvblk_queue, base);
	struct pvblk_dev *dev = q->dev;
	struct answer a[AT_ONCE];
	bool wanted = false;
	unsigned int n;

	while ((n = collect(q, a))) {
		end_all(q, a, n);
		wanted = true;
	}
	if (q == dev->queue &&
	    pvblk_front_generation(&q->ring) != dev->generation) {
		schedule_work(&dev->look);
		wanted = true;
	}
	if (wanted && wq_has_sleeper(&dev->idle))
		wake_up(&dev->idle);
	ring_event_done(&q->base, irq, wanted);
	return IRQ_HANDLED;
}

static void complete_rq(struct request *rq)
{
	static const blk_status_t status[] = {
		[PV_BLK_OK] = BLK_STS_OK,
		[PV_BLK_IO_ERROR] = BLK_STS_IOERR,
		[PV_BLK_UNSUPPORTED] = BLK_STS_NOTSUPP,
		[PV_BLK_REFUSED] = BLK_STS_IOERR,
	};
	const struct pvblk_cmd *cmd = blk_mq_rq_to_pdu(rq);

	blk_mq_end_request(rq, cmd->status < ARRAY_SIZE(status)
				       ? status[cmd->status]
				       : BLK_STS_IOERR);
}

static int init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int nr)
{
	struct pvblk_dev *dev = data;

	hctx->driver_data = &dev->queue[nr];
	return 0;
}

const struct blk_mq_ops pvblk_ops = {
	.queue_rq = queue_rq,
	.commit_rqs = commit_rqs,
	.complete = complete_rq,
	.init_hctx = init_hctx,
};

/* ---- memory ---------------------------------------------------------------------- */

int pvblk_begin(struct ring_dev *base, unsigned int nr)
{
	struct pvblk_dev *dev = pvblk_of(base);
	struct pvblk_queue *q = &dev->queue[nr];
	struct granted *memory = &q->base.memory;
	struct pv_blk_dir *dir;
	int rc = granted_open(memory, base->xbdev->otherend_id,
			      1 + PV_BLK_RING_PAGES + dev->nr_data,
			      offsetof(struct pv_blk_dir, ref));

	if (rc)
		return rc;
	dir = memory->dir;
	dir->magic = PV_BLK_MAGIC;
	dir->version = PV_BLK_VERSION;
	dir->nr_data = dev->nr_data;
	q->data = (unsigned char *)memory->map + PV_BLK_RING_PAGES * PAGE_SIZE;
	q->starved = false;
	pvblk_front_init(&q->ring, memory->map);
	pvblk_pages_init(&q->pages, dev->nr_data);
	return 0;
}
