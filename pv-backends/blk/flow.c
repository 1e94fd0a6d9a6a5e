/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: taken from its ring, started, answered.
 *
 *	ring -> saved -> parsed -> [held] -> image -> answer in the log -> ring
 *
 * A turn of the loop takes what the rings have and collects what the image has
 * finished; before the loop sleeps, everything that was submitted goes to the
 * image with one call, and all answers of a queue become visible at once.
 *
 * One request at a time may be held: the one that a rate limit delays, or a
 * barrier, which waits until it is alone.  While there is one nothing is taken
 * from any ring.
 *
 * A frontend that breaks the protocol ends its device at the end of the turn:
 * not here, because what runs here stands on the structures that go.
 */
#include <errno.h>
#include <stdlib.h>

#include "pv-backends/blk/blk.h"

static void start(struct work *w);

static bool ordered(const struct blk_request *rq)
{
	return rq->op == BLK_BARRIER ||
	       (rq->op == BLK_FLUSH && rq->nr_segments);
}

/* ---- answering -------------------------------------------------------------------- */

static struct work *get_work(struct queue *q)
{
	struct work *w = q->b->idle;

	if (w)
		q->b->idle = w->next;
	else
		w = calloc(1, sizeof(*w));
	if (w)
		w->q = q;
	return w;
}

static void put_work(struct blk *b, struct work *w)
{
	data_put(b, w);
	w->next = b->idle;
	b->idle = w;
}

static void answer(struct work *w, int status)
{
	struct queue *q = w->q;
	struct pv_blkif_response rsp = {
		.id = w->rq.id,
		.operation = w->rq.operation,
		.status = (int16_t)status,
	};

	ring_respond(&q->ring, &rsp, w->saved);
	put_work(q->b, w);
}

static void settle(struct queue *q)
{
	const struct ring_log *log = q->ring.log;

	for (uint32_t i = 0; i < log->nr; i++)
		saved_done(q->saved, log->entry[i].tag);
	ring_settle(&q->ring);
}

/* ---- working ------------------------------------------------------------------------ */

static void submit(struct work *w, enum image_op op)
{
	w->io.op = op;
	w->io.offset = w->rq.sector * BLKIF_SECTOR_SIZE;
	w->io.bytes = w->rq.nr_sectors * BLKIF_SECTOR_SIZE;
	w->q->b->image->ops->submit(w->q->b->image, &w->io);
}

static void move(struct work *w)
{
	if (w->rq.op == BLK_READ)
		submit(w, IMAGE_READ);
	else if (w->rq.op == BLK_DISCARD)
		submit(w, IMAGE_DISCARD);
	else
		submit(w, IMAGE_WRITE);
}

static void finish(struct work *w, int error)
{
	struct blk *b = w->q->b;
	int status = BLKIF_RSP_OKAY;

	b->active--;
	if (ordered(&w->rq))
		b->exclusive = false;
	if (error == -EOPNOTSUPP && w->rq.op == BLK_DISCARD)
		status = BLKIF_RSP_EOPNOTSUPP;
	else if (error)
		status = BLKIF_RSP_ERROR;
	if (error && error != -EOPNOTSUPP)
		log_guest("operation %u at sector %llu: error %d",
			  w->rq.operation, (unsigned long long)w->rq.sector,
			  -error);
	if (!error && data_finish(b, w))
		b->broken = true;
	answer(w, status);
}

static void on_done(struct image_io *io, int error)
{
	struct work *w =
		(struct work *)((char *)io - offsetof(struct work, io));

	if (error || w->stage == WORK_FLUSH_AFTER ||
	    (!ordered(&w->rq) && w->stage == WORK_MOVE)) {
		finish(w, error);
		return;
	}
	w->stage++;
	if (w->stage == WORK_MOVE && w->rq.nr_segments)
		move(w);
	else if (w->stage == WORK_MOVE)
		finish(w, 0); /* a barrier without data */
	else
		submit(w, IMAGE_FLUSH);
}

static void start(struct work *w)
{
	struct blk *b = w->q->b;
	bool flush = w->rq.op == BLK_FLUSH || w->rq.op == BLK_BARRIER;

	if (w->rq.nr_segments && data_prepare(b, w)) {
		b->broken = true;
		answer(w, BLKIF_RSP_ERROR);
		return;
	}
	b->active++;
	w->io.done = on_done;
	if (ordered(&w->rq)) {
		b->exclusive = true;
		w->stage = WORK_FLUSH_BEFORE;
	} else {
		w->stage = WORK_MOVE;
	}
	if (flush)
		submit(w, IMAGE_FLUSH);
	else
		move(w);
}

/* ---- limits and barriers --------------------------------------------------------------- */

/* Do limits count for it? */
static bool counts(const struct blk_request *rq)
{
	return rq->op != BLK_DISCARD && rq->nr_sectors;
}

/* Start it, or hold it until it may start. */
static void admit(struct blk *b, struct work *w)
{
	double wait;

	b->held = w;
	if (b->exclusive || (ordered(&w->rq) && b->active))
		return; /* the last one that finishes looks again */
	wait = counts(&w->rq) ? tune_wait(b, w->rq.op == BLK_READ) : 0;
	if (wait > 0) {
		ev_timer_stop(b->xb->loop, &b->tick);
		ev_timer_set(&b->tick, wait, 0);
		ev_timer_start(b->xb->loop, &b->tick);
		return;
	}
	b->held = NULL;
	if (counts(&w->rq))
		tune_charge(b, w->rq.op == BLK_READ,
			    (double)w->rq.nr_sectors * BLKIF_SECTOR_SIZE);
	start(w);
}

/* ---- taking ------------------------------------------------------------------------------ */

static void lie(struct blk *b, const char *what)
{
	if (!b->broken)
		xb_error(b->xb, "%s", what);
	b->broken = true;
}

/* A request of that number is under way from now on. */
static void take(struct queue *q, uint32_t nr)
{
	struct blk *b = q->b;
	struct work *w = get_work(q);
	int rc;

	if (!w) {
		lie(b, "no memory for a request");
		return;
	}
	w->saved = nr;
	rc = blk_parse(&q->saved->request[nr].slot, &w->rq);
	if (rc == -EPROTO)
		lie(b, "a request makes no sense");
	if (!rc && w->rq.nr_indirect && data_read_segments(b, w)) {
		b->broken = true;
		rc = -EPROTO;
	}
	if (rc == -EOPNOTSUPP ||
	    (!rc && w->rq.op == BLK_DISCARD && !b->discard)) {
		answer(w, BLKIF_RSP_EOPNOTSUPP);
		return;
	}
	if (!rc)
		rc = blk_check(&w->rq, b->image->bytes / BLKIF_SECTOR_SIZE,
			       b->sector, b->readonly);
	if (rc)
		answer(w, BLKIF_RSP_ERROR);
	else
		admit(b, w);
}

/* Take the next request from the ring; false: there is none. */
static bool take_new(struct queue *q)
{
	union pv_blkif_slot slot;
	uint32_t index = q->ring.req_cons;
	int waiting = ring_pending(&q->ring);

	if (!waiting)
		waiting = ring_sleep(&q->ring);
	if (waiting < 0)
		lie(q->b, "the ring's request index is impossible");
	if (waiting <= 0)
		return false;
	ring_read(&q->ring, &slot);
	take(q, saved_take(q->saved, q->ring.nr_slots, &q->next_free, index,
			   &slot));
	return true;
}

void flow_run(struct queue *q)
{
	struct blk *b = q->b;

	while (!b->broken && !b->held) {
		if (q->redone < q->nr_redo)
			take(q, q->redo[q->redone++]);
		else if (!take_new(q))
			break;
	}
}

static void run_all(struct blk *b)
{
	struct work *w = b->held;

	if (w)
		admit(b, w);
	for (unsigned int i = 0; i < b->nr_queues; i++)
		flow_run(&b->queue[i]);
}

int flow_resume(struct queue *q)
{
	settle(q);
	q->ring.req_cons = q->saved->req_cons;
	q->redone = 0;
	q->nr_redo = saved_list(q->saved, q->redo);
	return q->nr_redo == ring_in_flight(&q->ring) ? 0 : -EPROTO;
}

/* ---- turns of the loop ------------------------------------------------------------------- */

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	run_all(w->data);
}

/* Give the image its work; and the one that was held, once it may start. */
static void work_off(struct blk *b)
{
	const struct work *held;

	b->image->ops->kick(b->image);
	while (b->held && !ev_is_active(&b->tick)) {
		held = b->held;
		run_all(b);
		b->image->ops->kick(b->image);
		if (b->held == held)
			break;
	}
}

static void on_turn(struct ev_loop *loop, struct ev_prepare *w, int what)
{
	struct blk *b = w->data;

	(void)loop;
	(void)what;
	/* A signal of its completions may have ended the sleep. */
	if (b->image->ops->poll)
		b->image->ops->poll(b->image);
	work_off(b);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		struct queue *q = &b->queue[i];

		if (!q->ring.log->nr)
			continue;
		if (ring_publish(&q->ring))
			bus_notify(&q->port);
		settle(q);
	}
	if (b->broken)
		xb_fatal(b->xb, "%s", b->xb->error);
}

void flow_start(struct blk *b)
{
	b->held = NULL;
	b->broken = b->exclusive = false;
	b->active = 0;
	ev_init(&b->tick, on_tick);
	b->tick.data = b;
	ev_prepare_init(&b->turn, on_turn);
	b->turn.data = b;
	ev_prepare_start(b->xb->loop, &b->turn);
}

void flow_stop(struct blk *b)
{
	struct work *w;

	ev_timer_stop(b->xb->loop, &b->tick);
	ev_prepare_stop(b->xb->loop, &b->turn);
	b->image->ops->drain(b->image);
	if (b->held)
		put_work(b, b->held);
	b->held = NULL;
	while ((w = b->idle)) {
		b->idle = w->next;
		free(w->bounce);
		free(w);
	}
}
