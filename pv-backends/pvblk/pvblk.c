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
 * Going to sleep and being woken costs both ends more than a small request
 * does.  So before it sleeps the process looks for some time whether more comes,
 * if that would have been worth it lately (linger.c); until it has asked to be
 * told nobody sends it an event.
 *
 * A request that a rate limit delays is held; nothing is taken meanwhile.  A
 * frontend that breaks the protocol loses its device at the end of the turn.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/io/xenbus.h>

#include "pv-backends/blk/blk.h"
#include "pv-backends/pvblk/linger.h"
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
	struct blk *b;
	struct pvblk_back ring;
	struct bus_port port;
	void *map; /* ring and data: HOSTILE */
	unsigned int nr_pages;
	struct pv_work work[PV_BLK_TAGS];
};

struct pvblk {
	struct pv_queue queue[BLK_MAX_QUEUES];
	struct pv_blk_config config;
	struct pv_work *held; /* the next to start, once it may      */
	struct ev_timer tick; /* a limit lets it pass                */
	struct ev_prepare turn; /* the end of a turn of the loop     */
	struct ev_idle more; /* do not sleep: there is more to take  */
	struct ev_check woken;
	struct linger linger;
};

/* ---- working ----------------------------------------------------------------- */

static unsigned char *data_of(const struct pv_queue *q)
{
	return (unsigned char *)q->map +
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
					  offsetof(struct pv_queue, port));

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

static void on_more(struct ev_loop *loop, struct ev_idle *w, int what)
{
	(void)loop;
	(void)w;
	(void)what;
}

static void show_answers(struct pv_queue *q)
{
	if (pvblk_back_push(&q->ring))
		bus_notify(&q->port);
}

/* What came in goes to the image, what it has done goes out.  True: there is
 * more than may be taken now. */
static bool work_off(struct blk *b)
{
	bool more = false;

	for (unsigned int i = 0; i < b->nr_queues; i++)
		more |= take_some(&b->pv->queue[i]);
	b->image->ops->kick(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++)
		show_answers(&b->pv->queue[i]);
	return more;
}

/* Is there anything to do?  Looks at memory only. */
static bool is_quiet(struct blk *b)
{
	if (b->image->ops->poll)
		b->image->ops->poll(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++)
		if (pvblk_back_busy(&b->pv->queue[i].ring))
			return false;
	return true;
}

/* Ask all frontends for events; true: there was no need to. */
static bool must_sleep(struct blk *b)
{
	bool more = false;

	for (unsigned int i = 0; i < b->nr_queues; i++)
		more |= pvblk_back_sleep(&b->pv->queue[i].ring);
	return !more;
}

/* The end of a turn. */
static void on_turn(struct ev_loop *loop, struct ev_prepare *t, int what)
{
	struct blk *b = t->data;
	struct pvblk *pv = b->pv;
	bool more = work_off(b);

	(void)what;
	linger_begin(&pv->linger);
	while (!more && !b->broken && !pv->held &&
	       linger_goes_on(&pv->linger)) {
		if (is_quiet(b))
			continue;
		linger_caught(&pv->linger);
		more = work_off(b);
	}
	if (b->broken) {
		xb_fatal(b->xb, "%s", b->xb->error);
		return;
	}
	if (more || (!pv->held && !must_sleep(b)))
		ev_idle_start(loop, &pv->more);
	else
		ev_idle_stop(loop, &pv->more);
	linger_sleeps(&pv->linger);
}

static void on_woken(struct ev_loop *loop, struct ev_check *c, int what)
{
	struct blk *b = c->data;

	(void)loop;
	(void)what;
	linger_woken(&b->pv->linger);
}

/* ---- connecting ---------------------------------------------------------------- */

void pvblk_publish(struct blk *b)
{
	struct store *s = &b->xb->store;
	struct store_value asked;
	uint64_t state;

	store_put(s, b->xb->back, "feature-parapet-ring", "%u", PV_BLK_VERSION);
	/* A frontend that begins may not speak what the one before it did. */
	if (store_read(s, b->xb->front, "protocol-pv", &asked) &&
	    !xb_number(b->xb, b->xb->front, "state", XenbusStateReconfigured,
		       XenbusStateUnknown, &state) &&
	    (state < XenbusStateInitialised || state > XenbusStateConnected))
		store_remove(s, b->xb->front, "protocol-pv");
}

int pvblk_wanted(struct blk *b, bool *wanted)
{
	uint64_t version;

	if (xb_number(b->xb, b->xb->front, "protocol-pv", PV_BLK_VERSION, 0,
		      &version))
		return -1;
	*wanted = version != 0;
	return 0;
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
	bus_notify(&b->pv->queue[0].port);
}

/* HOSTILE: the directory is copied before it is looked at. */
static int map_queue(struct pv_queue *q, uint32_t ref)
{
	struct xb *xb = q->b->xb;
	struct pv_blk_dir dir;
	struct pv_gnt_copy c = {
		.local = &dir,
		.ref = ref,
		.domid = xb->domid,
		.bytes = sizeof(dir),
	};

	if (bus_copy(xb->bus, &c, 1))
		return xb_error(xb, "%s", bus_error());
	if (c.status)
		return xb_error(xb, "grant %u: %s", ref,
				pv_gnt_status_text(c.status));
	q->nr_pages = pvblk_back_dir(&dir);
	if (!q->nr_pages)
		return xb_error(xb, "the directory of a queue makes no sense");
	q->map = bus_map(xb->bus, xb->domid, dir.ref, q->nr_pages);
	if (!q->map)
		return xb_error(xb, "%s", bus_error());
	return 0;
}

static int attach_queue(struct blk *b, unsigned int nr)
{
	struct pv_queue *q = &b->pv->queue[nr];
	struct xb *xb = b->xb;
	char dir[STORE_PATH + 16];
	uint64_t ref, port;

	q->b = b;
	snprintf(dir, sizeof(dir), "%s/queue-%u", xb->front, nr);
	if (xb_number(xb, dir, "ring-ref", UINT32_MAX, UINT64_MAX, &ref) ||
	    xb_number(xb, dir, "event-channel", UINT32_MAX, UINT64_MAX, &port))
		return -1;
	if (ref == UINT64_MAX || port == UINT64_MAX)
		return xb_error(xb, "queue-%u: keys are missing", nr);
	if (map_queue(q, (uint32_t)ref))
		return -1;
	pvblk_back_attach(&q->ring, q->map, q->nr_pages - PV_BLK_RING_PAGES);
	q->port.event = on_event;
	if (bus_bind(xb->bus, &q->port, xb->domid, (uint32_t)port))
		return xb_error(xb, "%s", bus_error());
	return 0;
}

static void start_loop(struct blk *b)
{
	struct pvblk *pv = b->pv;

	ev_init(&pv->tick, on_tick);
	pv->tick.data = b;
	ev_idle_init(&pv->more, on_more);
	ev_prepare_init(&pv->turn, on_turn);
	pv->turn.data = b;
	ev_prepare_start(b->xb->loop, &pv->turn);
	ev_check_init(&pv->woken, on_woken);
	pv->woken.data = b;
	ev_check_start(b->xb->loop, &pv->woken);
}

void pvblk_detach(struct blk *b)
{
	struct pvblk *pv = b->pv;
	struct ev_loop *loop = b->xb->loop;

	ev_timer_stop(loop, &pv->tick);
	ev_idle_stop(loop, &pv->more);
	ev_prepare_stop(loop, &pv->turn);
	ev_check_stop(loop, &pv->woken);
	b->image->ops->drain(b->image);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		struct pv_queue *q = &pv->queue[i];

		if (q->port.bus)
			show_answers(q);
		bus_unbind(&q->port);
		if (q->map)
			bus_unmap(b->xb->bus, q->map, q->nr_pages);
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
	start_loop(b);
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
		bus_notify(&b->pv->queue[i].port);
	log_line("connected, ring=own queues=%u pages=%u again=%u",
		 b->nr_queues, b->pv->queue[0].nr_pages, redo);
	return 0;
}
