/* SPDX-License-Identifier: MIT */
/*
 * The frontend that blk_test.c drives: rings, requests, what sectors hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/backends/blk_front.h"

/* ---- set-up --------------------------------------------------------------------------- */

static void write_queue(struct disk *d, unsigned int nr)
{
	char key[64], in[32] = "";
	struct port p = make_port(&d->t);

	d->ring_frame = take_frames(&d->t, 1u << d->order);
	front_attach(&d->ring[nr], frame(&d->t, d->ring_frame),
		     (size_t)FRAME << d->order, sizeof(union pv_blkif_slot), p);
	if (d->nr_queues > 1)
		snprintf(in, sizeof(in), "queue-%u/", nr);
	for (unsigned int i = 0; i < 1u << d->order; i++) {
		if (d->order)
			snprintf(key, sizeof(key), "%sring-ref%u", in, i);
		else
			snprintf(key, sizeof(key), "%sring-ref", in);
		put(&d->t, front("vbd", DEVID, key), "%u", d->ring_frame + i);
	}
	snprintf(key, sizeof(key), "%sevent-channel", in);
	put(&d->t, front("vbd", DEVID, key), "%u", p.nr);
}

void connect_front(struct disk *d)
{
	wait_for(&d->t, back("vbd", DEVID, "state"), "2");
	for (unsigned int i = 0; i < d->nr_queues; i++)
		write_queue(d, i);
	if (d->nr_queues > 1)
		put(&d->t, front("vbd", DEVID, "multi-queue-num-queues"), "%u",
		    d->nr_queues);
	if (d->order)
		put(&d->t, front("vbd", DEVID, "ring-page-order"), "%u",
		    d->order);
	put(&d->t, front("vbd", DEVID, "feature-persistent"), "%d",
	    d->persistent);
	put(&d->t, front("vbd", DEVID, "protocol"), "x86_64-abi");
	put(&d->t, front("vbd", DEVID, "state"), "3");
	wait_for(&d->t, back("vbd", DEVID, "state"), "4");
	put(&d->t, front("vbd", DEVID, "state"), "4");
}

void prepare_disk(struct disk *d, unsigned int queues, unsigned int order,
		  bool persistent)
{
	d->nr_queues = queues;
	d->order = order;
	d->persistent = persistent;
	for (unsigned int i = 0; i < DEPTH; i++)
		d->rq[i].first_frame = take_frames(&d->t, MAX_FRAMES + 1) + 1;
	start_backend(&d->t, "parapet-blkback");
}

void start_disk(struct disk *d, unsigned int queues, unsigned int order,
		bool persistent, const char *const *more)
{
	const char *args[32] = {"type", "file", "params", d->on.path,
				"mode", "w",    NULL};
	unsigned int n = 6;

	memset(d, 0, sizeof(*d));
	testbed_start(&d->t, 4096);
	sectors_make(&d->on, d->t.dir);
	for (; more && *more; more++)
		args[n++] = *more;
	prepare_disk(d, queues, order, persistent);
	make_device(&d->t, "vbd", DEVID, args);
	connect_front(d);
}

void stop_disk(struct disk *d)
{
	testbed_stop(&d->t);
}

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned char *data_of(const struct disk *d, const struct request *rq,
			      uint64_t i)
{
	return (unsigned char *)frame(&d->t, rq->first_frame) +
	       (rq->first_sect + i) * 512;
}

static struct pv_blkif_segment segment(const struct request *rq, unsigned int i)
{
	uint64_t from = i * 8, to = from + 8;
	uint64_t first = rq->first_sect, end = first + rq->nr_sectors;

	return (struct pv_blkif_segment){
		.gref = rq->first_frame + i,
		.first_sect = (uint8_t)(from < first ? first - from : 0),
		.last_sect = (uint8_t)((to < end ? to : end) - from - 1),
	};
}

static void put_indirect(struct disk *d, const struct request *rq, uint64_t id,
			 struct pv_blkif_indirect *slot)
{
	struct pv_blkif_segment *s = frame(&d->t, rq->first_frame - 1);

	memset(slot, 0, sizeof(*slot));
	slot->operation = BLKIF_OP_INDIRECT;
	slot->indirect_op = (uint8_t)rq->operation;
	slot->nr_segments = (uint16_t)rq->nr_frames;
	slot->id = id;
	slot->sector_number = rq->sector;
	slot->indirect_grefs[0] = rq->first_frame - 1;
	for (unsigned int i = 0; i < rq->nr_frames; i++)
		s[i] = segment(rq, i);
}

static void put_request(struct disk *d, unsigned int nr)
{
	const struct request *rq = &d->rq[nr];
	union pv_blkif_slot *slot = front_request(&d->ring[rq->queue]);
	uint64_t id = 1000 + nr;

	if (rq->indirect) {
		put_indirect(d, rq, id, &slot->indirect);
		return;
	}
	if (rq->operation == BLKIF_OP_DISCARD) {
		slot->discard = (struct pv_blkif_discard){
			.operation = BLKIF_OP_DISCARD,
			.id = id,
			.sector_number = rq->sector,
			.nr_sectors = rq->nr_sectors,
		};
		return;
	}
	slot->req = (struct pv_blkif_request){
		.operation = (uint8_t)rq->operation,
		.nr_segments = (uint8_t)rq->nr_frames,
		.id = id,
		.sector_number = rq->sector,
	};
	for (unsigned int i = 0; i < rq->nr_frames; i++)
		slot->req.seg[i] = segment(rq, i);
}

static void choose(struct disk *d, struct request *rq)
{
	uint64_t r = next_random(&d->seed);

	rq->indirect = 0;
	rq->first_sect = (unsigned int)(r >> 8) % 8;
	rq->nr_sectors = 1 + (r >> 16) % 80;
	rq->operation = r % 16 < 7 ? BLKIF_OP_READ : BLKIF_OP_WRITE;
	if (r % 16 == 13)
		rq->operation = BLKIF_OP_WRITE_BARRIER;
	if (r % 16 == 14 || r % 64 == 15) {
		rq->operation = BLKIF_OP_FLUSH_DISKCACHE;
		rq->nr_sectors = 0;
	} else if (r % 16 == 15) {
		rq->operation = BLKIF_OP_DISCARD;
	} else if (rq->operation != BLKIF_OP_WRITE_BARRIER &&
		   (r >> 40) % 3 == 0) {
		rq->indirect = 1;
		rq->nr_sectors = 1 + (r >> 16) % (MAX_FRAMES * 8 - 8);
	}
	rq->nr_frames =
		(unsigned int)((rq->first_sect + rq->nr_sectors + 7) / 8);
	if (!rq->nr_sectors || rq->operation == BLKIF_OP_DISCARD)
		rq->nr_frames = 0;
}

static void send(struct disk *d, unsigned int nr)
{
	struct request *rq = &d->rq[nr];

	choose(d, rq);
	if (rq->nr_sectors &&
	    !sectors_lock(&d->on, &d->seed, rq->nr_sectors, &rq->sector))
		return;
	rq->queue = (unsigned int)(next_random(&d->seed) % d->nr_queues);
	if (!front_free(&d->ring[rq->queue])) {
		sectors_unlock(&d->on, rq->sector, rq->nr_sectors);
		return;
	}
	rq->busy = true;
	d->under_way++;
	for (uint64_t i = 0; rq->nr_frames && i < rq->nr_sectors; i++) {
		if (rq->operation == BLKIF_OP_READ)
			memset(data_of(d, rq, i), 0xee, 512);
		else
			sectors_fill(data_of(d, rq, i), rq->sector + i,
				     ++d->on.version[rq->sector + i]);
	}
	if (rq->operation == BLKIF_OP_DISCARD)
		for (uint64_t i = 0; i < rq->nr_sectors; i++)
			d->on.version[rq->sector + i] = d->discarded;
	put_request(d, nr);
	front_push(&d->ring[rq->queue]);
}

static void take(struct disk *d, const struct pv_blkif_response *rsp)
{
	unsigned int nr = (unsigned int)(rsp->id - 1000);
	struct request *rq = &d->rq[nr];

	if (nr >= DEPTH || !rq->busy)
		die("a response for a request that is not under way");
	assert_int_equal(rsp->operation, rq->operation);
	assert_int_equal(rsp->status, BLKIF_RSP_OKAY);
	if (rq->operation == BLKIF_OP_READ)
		for (uint64_t i = 0; i < rq->nr_sectors; i++)
			sectors_check(&d->on, data_of(d, rq, i),
				      rq->sector + i);
	sectors_unlock(&d->on, rq->sector, rq->nr_sectors);
	rq->busy = false;
	d->under_way--;
	d->answered++;
}

static bool collect(struct disk *d)
{
	bool any = false;

	for (unsigned int i = 0; i < d->nr_queues; i++) {
		const struct pv_blkif_response *rsp;

		while ((rsp = front_response(&d->ring[i]))) {
			take(d, rsp);
			any = true;
		}
	}
	return any;
}

static void wait_any(struct disk *d)
{
	double until = now() + PATIENCE;

	while (!collect(d)) {
		for (unsigned int i = 0; i < d->nr_queues; i++)
			wait_event(&d->ring[i].port, 0);
		if (collect(d))
			return;
		if (now() > until)
			die("no response, %u requests are under way, "
			    "%u were answered",
			    d->under_way, d->answered);
		wait_event(&d->ring[0].port, now() + 0.01);
	}
}

static void top_up(struct disk *d)
{
	for (unsigned int i = 0; i < DEPTH; i++)
		if (!d->rq[i].busy)
			send(d, i);
}

/* So many answers; afterwards as many are under way as can be. */
void load(struct disk *d, unsigned int total)
{
	unsigned int until = d->answered + total;

	top_up(d);
	while (d->answered < until) {
		wait_any(d);
		top_up(d);
	}
}

void finish(struct disk *d)
{
	while (d->under_way)
		wait_any(d);
}

void close_disk(struct disk *d)
{
	end_device(&d->t, "vbd", DEVID);
}
