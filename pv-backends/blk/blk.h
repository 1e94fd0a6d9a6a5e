/* SPDX-License-Identifier: MIT */
/* The parts of the block backend. */
#ifndef PV_BACKENDS_BLK_BLK_H
#define PV_BACKENDS_BLK_BLK_H

#include "pv-backends/blk/image.h"
#include "pv-backends/blk/request.h"
#include "pv-backends/common/grants.h"
#include "pv-backends/common/limit.h"
#include "pv-backends/common/ring.h"
#include "pv-backends/common/xenbus.h"

enum {
	BLK_MAX_ORDER = 4, /* ring pages: 2^order */
	BLK_MAX_PAGES = 1 << BLK_MAX_ORDER,
	BLK_MAX_SLOTS = 512,
	BLK_MAX_QUEUES = 4,
	BLK_PERSISTENT = 4096, /* frames that stay mapped for a device */
};

/* ---- what outlives the process (saved.c) -------------------------------------- */

struct saved_request {
	uint32_t busy;
	uint32_t index; /* in the ring */
	union pv_blkif_slot slot;
};

struct saved_queue {
	uint32_t req_cons; /* requests up to here were taken */
	uint32_t pad;
	struct saved_request request[BLK_MAX_SLOTS];
	uint64_t log[RING_LOG_BYTES(BLK_MAX_SLOTS) / sizeof(uint64_t)];
};

static inline struct ring_log *saved_log(struct saved_queue *s)
{
	return (struct ring_log *)(void *)s->log;
}

void saved_reset(struct saved_queue *s, uint32_t req_cons);
/* Keep a request that is taken from the ring: its number, for saved_done(). */
uint32_t saved_take(struct saved_queue *s, uint32_t nr_slots,
		    uint32_t *next_free, uint32_t index,
		    const union pv_blkif_slot *slot);
void saved_done(struct saved_queue *s, uint32_t nr);
/* The numbers of requests under way, oldest first; how many.  For who comes
 * after another: what that one had not quite taken is free again. */
unsigned int saved_list(struct saved_queue *s, uint32_t *numbers);

/* ---- a request under way ------------------------------------------------------- */

struct queue;

enum work_stage {
	WORK_FLUSH_BEFORE,
	WORK_MOVE,
	WORK_FLUSH_AFTER,
};

struct work {
	struct queue *q;
	uint32_t saved; /* number in the queue's saved requests */
	enum work_stage stage;
	struct image_io io;
	struct iovec iov[1];
	unsigned char *data; /* in the image's pool, or the same as: */
	unsigned char *bounce; /* of bounce_bytes, or NULL */
	size_t bounce_bytes;
	struct work *next;
	/* The last, because it is long and seldom used up. */
	struct blk_request rq;
};

/* data.c: between a request's grants and memory that an image can use.  0, or
 * a negative errno with xb_error(). */
struct blk;
int data_read_segments(struct blk *b, struct work *w);
int data_prepare(struct blk *b, struct work *w);
/* After reading: put it where the frontend wants it. */
int data_finish(struct blk *b, struct work *w);
/* It is answered, or never will be. */
void data_put(struct blk *b, struct work *w);

/* ---- queues and device ----------------------------------------------------------- */

struct queue {
	struct blk *b;
	struct ring ring;
	struct saved_queue *saved;
	uint32_t next_free;
	struct bus_port port;
	void *pages;
	unsigned int nr_pages;
	/* What a predecessor had under way, and how much of it was begun. */
	uint32_t redo[BLK_MAX_SLOTS];
	unsigned int nr_redo, redone;
};

enum tune {
	TUNE_TOTAL_BYTES,
	TUNE_READ_BYTES,
	TUNE_WRITE_BYTES,
	TUNE_TOTAL_IOPS,
	TUNE_READ_IOPS,
	TUNE_WRITE_IOPS,
	TUNE_NR,
};

struct blk {
	struct xb *xb;
	struct image *image;
	bool readonly, cdrom, discard, persistent;
	uint32_t sector; /* bytes, as the frontend is told */
	struct grants grants;
	struct queue queue[BLK_MAX_QUEUES];
	unsigned int nr_queues;
	unsigned int active; /* requests at the image                    */
	struct work *held; /* the next to start, once it may             */
	bool exclusive; /* a barrier is being carried out                */
	struct work *idle; /* to be used again                           */
	bool limited; /* by one of: */
	struct limit limit[TUNE_NR];
	struct ev_timer tick; /* a limit lets the next one pass          */
	struct ev_prepare turn; /* the end of a turn of the loop         */
	bool broken; /* the frontend lied: xb->error                     */
	struct pvblk *pv; /* it speaks the own ring (pvblk/), or NULL    */
};

/* tune.c: seconds until the limits let another one pass; that one passes. */
double tune_wait(struct blk *b, bool reads);
void tune_charge(struct blk *b, bool reads, double bytes);

/* flow.c: taking, starting, answering requests. */
void flow_start(struct blk *b);
void flow_stop(struct blk *b);
void flow_run(struct queue *q);
/* What a predecessor had under way is done again, before anything new;
 * -EPROTO: what it left makes no sense. */
int flow_resume(struct queue *q);

#endif
