/* SPDX-License-Identifier: MIT */
/*
 * The frontend that blk_test.c drives: rings, requests, what sectors hold.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends/blk_front.h"
#include "tools/xs/xs.h"

/* ---- set-up --------------------------------------------------------------------------- */

static void make_file(struct disk *d)
{
	int fd;

	snprintf(d->path, sizeof(d->path), "%s/disk.img", d->t.dir);
	fd = open(d->path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SECTORS * 512), 0);
	close(fd);
}

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
	const char *args[32] = {"type", "file", "params", d->path,
				"mode", "w",    NULL};
	unsigned int n = 6;

	memset(d, 0, sizeof(*d));
	testbed_start(&d->t, 4096);
	make_file(d);
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

/* ---- what sectors hold -------------------------------------------------------------------- */

static void fill(unsigned char *at, uint64_t sector, uint32_t version)
{
	uint64_t state = sector << 32 | version, *to = (uint64_t *)(void *)at;

	for (int i = 0; i < 64; i++)
		to[i] = version ? next_random(&state) : 0;
}

static void check(const unsigned char *at, uint64_t sector, uint32_t version)
{
	unsigned char want[512] __attribute__((aligned(8)));

	if (version == ANYTHING)
		return;
	fill(want, sector, version);
	if (memcmp(at, want, 512))
		die("sector %" PRIu64 " is not as written (version %u)", sector,
		    version);
}

static unsigned char *data_of(const struct disk *d, const struct request *rq,
			      uint64_t i)
{
	return (unsigned char *)frame(&d->t, rq->first_frame) +
	       (rq->first_sect + i) * 512;
}

/* ---- requests -------------------------------------------------------------------------------- */

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

/* Find sectors that no other request touches. */
static bool reserve(struct disk *d, struct request *rq)
{
	for (int tries = 0; tries < 20; tries++) {
		uint64_t i = 0;

		rq->sector = next_random(&d->seed) % (SECTORS - rq->nr_sectors);
		while (i < rq->nr_sectors && !d->locked[rq->sector + i])
			i++;
		if (i < rq->nr_sectors)
			continue;
		memset(&d->locked[rq->sector], 1, rq->nr_sectors);
		return true;
	}
	return false;
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
	if (rq->nr_sectors && !reserve(d, rq))
		return;
	rq->queue = (unsigned int)(next_random(&d->seed) % d->nr_queues);
	if (!front_free(&d->ring[rq->queue])) {
		memset(&d->locked[rq->sector], 0, rq->nr_sectors);
		return;
	}
	rq->busy = true;
	d->under_way++;
	for (uint64_t i = 0; rq->nr_frames && i < rq->nr_sectors; i++) {
		if (rq->operation == BLKIF_OP_READ)
			memset(data_of(d, rq, i), 0xee, 512);
		else
			fill(data_of(d, rq, i), rq->sector + i,
			     ++d->version[rq->sector + i]);
	}
	if (rq->operation == BLKIF_OP_DISCARD)
		for (uint64_t i = 0; i < rq->nr_sectors; i++)
			d->version[rq->sector + i] = d->discarded;
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
			check(data_of(d, rq, i), rq->sector + i,
			      d->version[rq->sector + i]);
	memset(&d->locked[rq->sector], 0, rq->nr_sectors);
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

void compare_file(const struct disk *d)
{
	int fd = open(d->path, O_RDONLY);
	unsigned char *map;

	assert_true(fd >= 0);
	map = mmap(NULL, SECTORS * 512, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	for (uint64_t i = 0; i < SECTORS; i++)
		check(map + i * 512, i, d->version[i]);
	munmap(map, SECTORS * 512);
}

void close_disk(struct disk *d)
{
	put(&d->t, back("vbd", DEVID, "online"), "0");
	put(&d->t, back("vbd", DEVID, "state"), "5");
	put(&d->t, front("vbd", DEVID, "state"), "6");
	wait_for(&d->t, back("vbd", DEVID, "state"), "6");
}
