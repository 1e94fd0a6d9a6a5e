/* SPDX-License-Identifier: MIT */
/*
 * Disks on the own block ring.
 *
 *	ring -> [held] -> image -> answer -> ring
 *
 * A request's data is one piece of memory that both sides have mapped, so io_uring
 * works on it directly and nothing is done for it but filling in a structure,
 * one for each tag.  A turn of the loop takes what the rings have and collects
 * what the image has finished; before the loop sleeps the image gets all with
 * one call, and all answers of a queue become visible at once.
 *
 * A request that a rate limit delays is held; nothing is taken meanwhile.
 */
#include <errno.h>
#include <stdlib.h>

#include "pv-backends/blk/blk.h"
#include "pv-backends/common/own_ring.h"
#include "pv-backends/common/turn.h"
#include "pv-backends/pvblk/pvblk.h"
#include "pv-frontends/core/pvblk.h"

enum {
	AT_ONCE = PV_BLK_TAGS, /* of one queue, before others have a turn */
	MAX_SECTORS = 2048, /* of one request                             */
};

struct pv_queue;

struct pv_work {
	struct pv_queue *q;
	struct pvblk_rq rq;
	struct image_io io;
	struct iovec iov;
	bool flushing; /* the second part of a PV_BLK_FUA */
};

struct pv_queue {
	struct own_queue own;
	struct blk *b;
	struct pvblk_back ring;
	struct pv_work work[PV_BLK_TAGS];
};

struct pvblk {
	struct pv_queue queue[BLK_MAX_QUEUES];
	struct pv_blk_config config;
	struct pv_work *held; /* the next to start, once it may      */
	struct ev_timer tick; /* a limit lets it pass                */
	struct turn turn;
};

/* ---- working ----------------------------------------------------------------- */

static unsigned char *data_of(const struct pv_queue *q)
{
	return (unsigned char *)q->own.map +
	       PV_BLK_RING_PAGES * (size_t)PV_PAGE_SIZE;
}

static void lie(struct blk *b, const char *what)
{
	if (!b->broken)
		xb_error(b->xb, "%s", what);
	b->broken = true;
}

static int status_of(int error)
{
	if (!error)
		return PV_BLK_OK;
	return error == -EOPNOTSUPP ? PV_BLK_UNSUPPORTED : PV_BLK_IO_ERROR;
}

static void on_done(struct image_io *io, int error)
{
	struct pv_work *w =
		(struct pv_work *)((char *)io - offsetof(struct pv_work, io));
	struct pv_queue *q = w->q;

	if (!error && !w->flushing && w->rq.flags & PV_BLK_FUA) {
		w->flushing = true;
		w->io.op = IMAGE_FLUSH;
		q->b->image->ops->submit(q->b->image, &w->io);
		return;
	}
	if (error && error != -EOPNOTSUPP)
		log_guest("operation %u at sector %llu: error %d", w->rq.op,
			  (unsigned long long)w->rq.sector, -error);
	q->b->active--;
	pvblk_back_answer(&q->ring, w->rq.tag, (uint16_t)status_of(error));
}

static void start(struct pv_work *w)
{
	static const enum image_op op[] = {
		[PV_BLK_READ] = IMAGE_READ,
		[PV_BLK_WRITE] = IMAGE_WRITE,
		[PV_BLK_FLUSH] = IMAGE_FLUSH,
		[PV_BLK_DISCARD] = IMAGE_DISCARD,
		[PV_BLK_WRITE_ZEROES] = IMAGE_ZERO,
	};
	struct blk *b = w->q->b;
	size_t bytes = w->rq.nr_sectors * (size_t)PV_BLK_SECTOR;

	w->flushing = false;
	w->iov = (struct iovec){data_of(w->q) + w->rq.data, bytes};
	w->io = (struct image_io){
		.op = op[w->rq.op],
		.offset = w->rq.sector * PV_BLK_SECTOR,
		.bytes = bytes,
		.iov = &w->iov,
		.nr_iov = 1,
		.done = on_done,
	};
	b->active++;
	b->image->ops->submit(b->image, &w->io);
}

/* Start it, or hold it until it may start. */
static void admit(struct blk *b, struct pv_work *w)
{
	struct pvblk *pv = b->pv;
	bool counts = w->rq.op == PV_BLK_READ || w->rq.op == PV_BLK_WRITE;
	bool reads = w->rq.op == PV_BLK_READ;
	double wait = counts ? tune_wait(b, reads) : 0;

	pv->held = NULL;
	if (wait > 0) {
		pv->held = w;
		ev_timer_stop(b->xb->loop, &pv->tick);
		ev_timer_set(&pv->tick, wait, 0);
		ev_timer_start(b->xb->loop, &pv->tick);
		return;
	}
	if (counts)
		tune_charge(b, reads, w->rq.nr_sectors * PV_BLK_SECTOR);
	start(w);
}

/* ---- taking ------------------------------------------------------------------- */

static void begin(struct pv_queue *q, const struct pvblk_rq *rq)
{
	struct blk *b = q->b;
	int status = pvblk_back_check(&q->ring, rq, &b->pv->config);
	struct pv_work *w = &q->work[rq->tag];

	if (status == PVBLK_LIE) {
		lie(b, "a request's data is not in the data area");
	} else if (status) {
		pvblk_back_answer(&q->ring, rq->tag, (uint16_t)status);
	} else {
		w->q = q;
		w->rq = *rq;
		admit(b, w);
	}
}

/* True: there is more than may be taken now. */
static bool take_some(struct pv_queue *q)
{
	struct blk *b = q->b;
	struct pvblk_rq rq;

	for (int i = 0; i < AT_ONCE && !b->broken && !b->pv->held; i++) {
		switch (pvblk_back_take(&q->ring, &rq)) {
		case PVBLK_ONE:
			begin(q, &rq);
			break;
		case PVBLK_LIE:
			lie(b, "the ring makes no sense");
			return false;
		case PVBLK_NONE:
			return false;
		}
	}
	return !b->broken && !b->pv->held;
}

/* The turn's end looks at all rings. */
static void on_event(struct bus_port *p)
{
	const struct pv_queue *q =
		(const struct pv_queue *)((char *)p -
					  offsetof(struct pv_queue, own.port));

	if (!pvblk_back_busy(&q->ring))
		bus_idle_event(p);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct blk *b = w->data;

	(void)loop;
	(void)what;
	if (b->pv->held)
		admit(b, b->pv->held);
}

static void show_answers(struct pv_queue *q)
{
	if (pvblk_back_push(&q->ring))
		bus_notify(&q->own.port);
}

/* What came in goes to the image, what it has done goes out. */
static enum turn_end work_off(void *priv)
{
	struct blk *b = priv;
	bool more = false;

	for (unsigned int i = 0; i < b->nr_queues; i++)
		more |= take_some(&b->pv->queue[i]);
	b->image->ops->kick(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++)
		show_answers(&b->pv->queue[i]);
	if (b->broken)
		return TURN_BROKEN;
	if (more)
		return TURN_MORE;
	return b->pv->held ? TURN_HELD : TURN_DONE;
}

static bool is_busy(void *priv, unsigned int looks)
{
	struct blk *b = priv;

	(void)looks;
	if (b->image->ops->poll)
		b->image->ops->poll(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++)
		if (pvblk_back_busy(&b->pv->queue[i].ring))
			return true;
	return false;
}

static bool must_sleep(void *priv)
{
	struct blk *b = priv;
	bool more = false;

	for (unsigned int i = 0; i < b->nr_queues; i++)
		more |= pvblk_back_sleep(&b->pv->queue[i].ring);
	return !more;
}

static const struct turn_ops turn_ops = {work_off, is_busy, must_sleep};

/* ---- connecting ---------------------------------------------------------------- */

void pvblk_publish(struct blk *b)
{
	own_publish(b->xb, PV_BLK_VERSION);
}

int pvblk_wanted(struct blk *b, bool *wanted)
{
	return own_wanted(b->xb, PV_BLK_VERSION, wanted);
}

static void set_config(struct blk *b)
{
	struct pv_blk_config *c = &b->pv->config;

	*c = (struct pv_blk_config){
		.flags =
			(b->readonly ? PV_BLK_F_READONLY
				     : PV_BLK_F_FLUSH | PV_BLK_F_WRITE_ZEROES) |
			(b->cdrom ? PV_BLK_F_CDROM : 0) |
			(b->discard ? PV_BLK_F_DISCARD : 0),
		.sectors = b->image->bytes / PV_BLK_SECTOR,
		.logical = b->sector,
		.physical = b->image->physical,
		.discard = b->discard ? b->image->discard : 0,
		.max_sectors = MAX_SECTORS,
	};
	pvblk_back_config(b->pv->queue[0].ring.ring, c);
}

void pvblk_resized(struct blk *b)
{
	set_config(b);
	bus_notify(&b->pv->queue[0].own.port);
}

static int attach_queue(struct blk *b, unsigned int nr)
{
	struct pv_queue *q = &b->pv->queue[nr];
	struct pv_blk_dir dir;

	q->b = b;
	if (own_read(b->xb, &q->own, nr, &dir, sizeof(dir)) ||
	    own_map(b->xb, &q->own, dir.ref, pvblk_back_dir(&dir)))
		return -1;
	pvblk_back_attach(&q->ring, q->own.map,
			  q->own.nr_pages - PV_BLK_RING_PAGES);
	return own_bind(b->xb, &q->own, on_event);
}

void pvblk_detach(struct blk *b)
{
	struct pvblk *pv = b->pv;

	ev_timer_stop(b->xb->loop, &pv->tick);
	turn_stop(&pv->turn);
	b->image->ops->drain(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		struct pv_queue *q = &pv->queue[i];

		if (q->own.port.bus)
			show_answers(q);
		own_release(b->xb, &q->own);
	}
	free(pv);
	b->pv = NULL;
	b->nr_queues = 0;
}

int pvblk_attach(struct blk *b)
{
	unsigned int redo = 0;

	b->pv = calloc(1, sizeof(*b->pv));
	if (!b->pv) {
		b->nr_queues = 0;
		return xb_error(b->xb, "no memory");
	}
	b->broken = false;
	b->active = 0;
	ev_init(&b->pv->tick, on_tick);
	b->pv->tick.data = b;
	turn_start(&b->pv->turn, b->xb, &turn_ops, b);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		if (attach_queue(b, i)) {
			pvblk_detach(b);
			return -1;
		}
		redo += b->pv->queue[i].ring.nr_redo;
	}
	set_config(b);
	/* Answers of a predecessor may be there unannounced. */
	for (unsigned int i = 0; i < b->nr_queues; i++)
		bus_notify(&b->pv->queue[i].own.port);
	log_line("connected, ring=own queues=%u pages=%u again=%u",
		 b->nr_queues, b->pv->queue[0].own.nr_pages, redo);
	return 0;
}
