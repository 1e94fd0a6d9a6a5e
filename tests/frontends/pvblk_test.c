/* SPDX-License-Identifier: MIT */
/*
 * The block backend against the own frontend's ring in this program: real
 * processes, a real store, memory and events of tests/backends/domain.c.
 *
 * The load is random, with a seed that is printed, never two requests at once
 * on the same sectors, so that it is known what every sector holds.  Each read
 * is compared, and in the end the file is.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pv-frontends/core/pvblk.h"
#include "pv-frontends/mini/blk.h"
#include "tests/backends/domain.h"
#include "tests/backends/sectors.h"

enum {
	DEVID = 51712,
	DATA = 256, /* pages of a queue */
	QUEUES = 4,
	LONGEST = 300, /* sectors of a request */
};

struct request {
	struct pvblk_rq rq;
	unsigned int first, nr_pages;
};

struct queue {
	struct pvblk_front ring;
	struct pvblk_pages pages;
	struct pv_blk_dir *dir;
	unsigned char *data;
	struct port port;
	struct request request[PV_BLK_TAGS];
};

static struct disk {
	struct testbed t;
	struct sectors on;
	unsigned int nr_queues;
	struct queue queue[QUEUES];
	unsigned int under_way, answered, events;
	unsigned int moved; /* reads and writes that were answered */
	uint64_t seed;
} disk;

/* ---- set-up ------------------------------------------------------------------ */

static void make_queue(struct disk *d, unsigned int nr)
{
	unsigned int first = take_frames(&d->t, 1 + PV_BLK_RING_PAGES + DATA);
	struct queue *q = &d->queue[nr];

	q->dir = frame(&d->t, first);
	memset(q->dir, 0, sizeof(*q->dir));
	q->dir->magic = PV_BLK_MAGIC;
	q->dir->version = PV_BLK_VERSION;
	q->dir->nr_data = DATA;
	for (unsigned int i = 0; i < PV_BLK_RING_PAGES + DATA; i++)
		q->dir->ref[i] = first + 1 + i;
	pvblk_front_init(&q->ring, frame(&d->t, first + 1));
	pvblk_pages_init(&q->pages, DATA);
	q->data = frame(&d->t, first + 1 + PV_BLK_RING_PAGES);
	q->port = make_port(&d->t);
	put_own_queue(&d->t, "vbd", DEVID, nr, first, q->port.nr);
}

static const char *iops; /* a limit, or NULL */

static void start_disk(struct disk *d, unsigned int queues, const char *mode)
{
	const char *more[] = {"type",
			      "file",
			      "params",
			      d->on.path,
			      "mode",
			      mode,
			      iops ? "iotune/total_iops_sec" : NULL,
			      iops,
			      NULL};

	memset(d, 0, sizeof(*d));
	testbed_start(&d->t, 4096);
	d->nr_queues = queues;
	sectors_make(&d->on, d->t.dir);
	start_backend(&d->t, "parapet-blkback");
	make_device(&d->t, "vbd", DEVID, more);
	wait_for(&d->t, back("vbd", DEVID, "state"), "2");
	assert_true(is(&d->t, back("vbd", DEVID, "feature-parapet-ring"), "1"));
	for (unsigned int i = 0; i < queues; i++)
		make_queue(d, i);
	put_own_keys(&d->t, "vbd", DEVID, queues, PV_BLK_VERSION);
}

static void connect_disk(struct disk *d, unsigned int queues, const char *mode)
{
	start_disk(d, queues, mode);
	put(&d->t, front("vbd", DEVID, "state"), "3");
	wait_for(&d->t, back("vbd", DEVID, "state"), "4");
	put(&d->t, front("vbd", DEVID, "state"), "4");
}

static void close_disk(struct disk *d)
{
	end_device(&d->t, "vbd", DEVID);
	testbed_stop(&d->t);
}

/* ---- requests -------------------------------------------------------------------- */

static bool moves(const struct pvblk_rq *rq)
{
	return rq->op == PV_BLK_READ || rq->op == PV_BLK_WRITE;
}

static void choose(struct disk *d, struct pvblk_rq *rq)
{
	static const uint8_t op[] = {
		PV_BLK_READ,  PV_BLK_READ,  PV_BLK_READ,         PV_BLK_WRITE,
		PV_BLK_WRITE, PV_BLK_WRITE, PV_BLK_WRITE_ZEROES, PV_BLK_FLUSH,
	};
	uint64_t r = next_random(&d->seed);

	rq->op = op[r % 8];
	rq->flags =
		rq->op == PV_BLK_WRITE && (r >> 8) % 8 == 0 ? PV_BLK_FUA : 0;
	rq->nr_sectors = 1 + (r >> 16) % ((r >> 12) % 2 ? LONGEST : 16);
	if (rq->op == PV_BLK_FLUSH)
		rq->nr_sectors = 0;
}

static bool place(struct queue *q, struct request *r)
{
	int first;

	r->nr_pages = (r->rq.nr_sectors + 7 + 7) / 8;
	first = pvblk_pages_get(&q->pages, r->nr_pages);
	r->first = (unsigned int)first;
	/* Every other request is not aligned to pages. */
	r->rq.data = r->first * FRAME + r->rq.tag % 2 * 512;
	return first >= 0;
}

static void send(struct disk *d, struct queue *q, uint16_t tag)
{
	struct request *r = &q->request[tag];
	unsigned char *data;

	r->rq = (struct pvblk_rq){.tag = tag};
	choose(d, &r->rq);
	if (!sectors_lock(&d->on, &d->seed, r->rq.nr_sectors, &r->rq.sector))
		return;
	if (moves(&r->rq) && !place(q, r)) {
		sectors_unlock(&d->on, r->rq.sector, r->rq.nr_sectors);
		return;
	}
	data = q->data + r->rq.data;
	for (uint64_t i = 0; i < r->rq.nr_sectors; i++) {
		uint32_t *version = &d->on.version[r->rq.sector + i];

		if (r->rq.op == PV_BLK_READ)
			memset(data + i * 512, 0xee, 512);
		else if (r->rq.op == PV_BLK_WRITE)
			sectors_fill(
				data + i * 512, r->rq.sector + i,
				*version = 1 + (uint32_t)next_random(&d->seed) %
						       1000000);
		else
			*version = 0;
	}
	pvblk_front_submit(&q->ring, &r->rq);
	d->under_way++;
}

static void take(struct disk *d, struct queue *q, uint16_t tag, uint16_t status)
{
	struct request *r = &q->request[tag];

	assert_int_equal(status, PV_BLK_OK);
	if (r->rq.op == PV_BLK_READ)
		for (uint64_t i = 0; i < r->rq.nr_sectors; i++)
			sectors_check(&d->on, q->data + r->rq.data + i * 512,
				      r->rq.sector + i);
	sectors_unlock(&d->on, r->rq.sector, r->rq.nr_sectors);
	if (moves(&r->rq)) {
		pvblk_pages_put(&q->pages, r->first, r->nr_pages);
		d->moved++;
	}
	d->under_way--;
	d->answered++;
}

static bool collect(struct disk *d)
{
	uint16_t tag, status;
	bool any = false;

	for (unsigned int i = 0; i < d->nr_queues; i++) {
		struct queue *q = &d->queue[i];
		enum pvblk_look look;

		do {
			while ((look = pvblk_front_answer(&q->ring, &tag,
							  &status)) ==
			       PVBLK_ONE) {
				take(d, q, tag, status);
				any = true;
			}
			assert_int_equal(look, PVBLK_NONE);
		} while (pvblk_front_sleep(&q->ring));
	}
	return any;
}

static void wait_any(struct disk *d)
{
	double until = now() + PATIENCE;

	while (!collect(d)) {
		if (now() > until)
			die("no answer, %u requests are under way",
			    d->under_way);
		for (unsigned int i = 0; i < d->nr_queues; i++)
			d->events += wait_event(&d->queue[i].port,
						now() + (i ? 0 : 0.005));
	}
}

static void top_up(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++) {
		struct queue *q = &d->queue[i];

		for (uint16_t tag = 0; tag < PV_BLK_TAGS; tag++)
			if (!q->ring.busy[tag])
				send(d, q, tag);
		if (pvblk_front_push(&q->ring))
			send_event(&q->port);
	}
}

static void load(struct disk *d, unsigned int total)
{
	unsigned int until = d->answered + total;

	top_up(d);
	while (d->answered < until) {
		wait_any(d);
		top_up(d);
	}
}

static void finish(struct disk *d)
{
	while (d->under_way)
		wait_any(d);
}

static uint16_t one(struct disk *d, struct pvblk_rq rq)
{
	struct queue *q = &d->queue[0];
	double until = now() + PATIENCE;
	uint16_t tag, status;

	pvblk_front_submit(&q->ring, &rq);
	if (pvblk_front_push(&q->ring))
		send_event(&q->port);
	while (pvblk_front_answer(&q->ring, &tag, &status) != PVBLK_ONE) {
		if (pvblk_front_sleep(&q->ring))
			continue;
		/* A request that is alone shows whether events are lost. */
		if (!wait_event(&q->port, until))
			die("no event for an answer");
	}
	assert_int_equal(tag, rq.tag);
	return status;
}

/* ---- tests ------------------------------------------------------------------------- */

static void all_kinds(struct disk *d, unsigned int queues)
{
	connect_disk(d, queues, "w");
	d->seed = queues;
	print_message("seed %" PRIu64 "\n", d->seed);
	load(d, 6000);
	finish(d);
	sectors_compare(&d->on);
	print_message("%u requests, %u events\n", d->answered, d->events);
	close_disk(d);
}

static void one_queue(void **state)
{
	(void)state;
	all_kinds(&disk, 1);
}

static void four_queues(void **state)
{
	(void)state;
	all_kinds(&disk, 4);
}

/* The process is killed while requests are under way; it leaves no word. */
static void killed(void **state)
{
	struct disk *d = &disk;

	(void)state;
	connect_disk(d, 2, "w");
	d->seed = 77;
	print_message("seed %" PRIu64 "\n", d->seed);
	for (int i = 0; i < 15; i++) {
		load(d, 300);
		kill_worker(&d->t, "vbd", DEVID);
	}
	load(d, 300);
	finish(d);
	sectors_compare(&d->on);
	close_disk(d);
}

/* A backend that begins anew finds a frontend that did not. */
static void starts_over(void **state)
{
	struct disk *d = &disk;

	(void)state;
	connect_disk(d, 2, "w");
	d->seed = 78;
	print_message("seed %" PRIu64 "\n", d->seed);
	for (int i = 0; i < 10; i++) {
		load(d, 300);
		put(&d->t, back("vbd", DEVID, "state"), "1");
		wait_for(&d->t, back("vbd", DEVID, "state"), "4");
	}
	load(d, 300);
	finish(d);
	sectors_compare(&d->on);
	close_disk(d);
}

/* A stock frontend that comes next finds none of our keys. */
static void the_next_may_be_stock(void **state)
{
	struct disk *d = &disk;

	(void)state;
	connect_disk(d, 1, "w");
	put(&d->t, front("vbd", DEVID, "state"), "6");
	wait_for(&d->t, back("vbd", DEVID, "state"), "6");
	assert_true(is(&d->t, front("vbd", DEVID, "protocol-pv"), "1"));
	put(&d->t, front("vbd", DEVID, "state"), "1");
	wait_for(&d->t, back("vbd", DEVID, "state"), "2");
	wait_gone(&d->t, front("vbd", DEVID, "protocol-pv"));
	testbed_stop(&d->t);
}

/* One at a time: an event that is lost would never be made up for. */
static void no_event_is_lost(void **state)
{
	struct disk *d = &disk;
	struct pvblk_rq rq = {.op = PV_BLK_READ, .nr_sectors = 8};

	(void)state;
	connect_disk(d, 1, "w");
	for (unsigned int i = 0; i < 2000; i++) {
		rq.tag = (uint16_t)(i % PV_BLK_TAGS);
		rq.sector = i;
		assert_int_equal(one(d, rq), PV_BLK_OK);
	}
	close_disk(d);
}

static void grows(void **state)
{
	struct disk *d = &disk;
	struct pvblk_rq rq = {.op = PV_BLK_READ, .nr_sectors = 8};
	struct pv_blk_config c;
	uint32_t before;

	(void)state;
	connect_disk(d, 1, "w");
	assert_true(pvblk_front_config(&d->queue[0].ring, &c));
	assert_int_equal(c.sectors, SECTORS);
	assert_int_equal(c.flags & PV_BLK_F_READONLY, 0);
	before = c.generation;
	rq.sector = SECTORS;
	assert_int_equal(one(d, rq), PV_BLK_REFUSED);
	assert_int_equal(truncate(d->on.path, SECTORS * 1024), 0);
	while (wait_event(&d->queue[0].port, 0))
		;
	put(&d->t, back("vbd", DEVID, "resize"), "1");
	while (pvblk_front_generation(&d->queue[0].ring) == before)
		assert_true(wait_event(&d->queue[0].port, now() + PATIENCE));
	assert_true(pvblk_front_config(&d->queue[0].ring, &c));
	assert_int_equal(c.sectors, 2 * SECTORS);
	assert_int_equal(one(d, rq), PV_BLK_OK);
	close_disk(d);
}

/* One is held until it may start, others wait behind it; none is lost. */
static void limits_hold(void **state)
{
	struct disk *d = &disk;
	double from = now(); /* no clock of the backend's is behind that */

	(void)state;
	iops = "200";
	connect_disk(d, 2, "w");
	iops = NULL;
	d->seed = 9;
	while (d->moved < 160)
		load(d, 20);
	finish(d);
	/* A tenth of a second's worth may pass at once. */
	assert_true(d->moved > 160);
	assert_true(now() - from >= (d->moved - 22.0) / 200);
	sectors_compare(&d->on);
	close_disk(d);
}

static void readonly_refuses(void **state)
{
	struct disk *d = &disk;
	struct pvblk_rq rq = {.op = PV_BLK_WRITE, .nr_sectors = 8};
	struct pv_blk_config c;

	(void)state;
	connect_disk(d, 1, "r");
	assert_true(pvblk_front_config(&d->queue[0].ring, &c));
	assert_int_equal(c.flags, PV_BLK_F_READONLY);
	assert_int_equal(one(d, rq), PV_BLK_REFUSED);
	rq.op = PV_BLK_WRITE_ZEROES;
	assert_int_equal(one(d, rq), PV_BLK_UNSUPPORTED);
	rq.op = PV_BLK_READ;
	assert_int_equal(one(d, rq), PV_BLK_OK);
	close_disk(d);
}

/* ---- the frontend of small kernels --------------------------------------------------- */

static void mini_send(struct mini_blk *m)
{
	(void)m;
	send_event(&disk.queue[0].port);
}

static void mini_wait(struct mini_blk *m)
{
	(void)m;
	if (!wait_event(&disk.queue[0].port, now() + PATIENCE))
		die("no event for an answer");
}

static void mini_kernels_have_disks(void **state)
{
	enum {
		PAGES = 16,
		BIG = 1000
	};
	static unsigned char out[BIG * 512], in[BIG * 512];
	struct mini_blk m = {.send = mini_send, .wait = mini_wait};
	struct disk *d = &disk;
	struct queue *q = &d->queue[0];
	uint32_t refs[PV_BLK_RING_PAGES + PAGES];
	uint64_t seed = 3;

	(void)state;
	start_disk(d, 1, "w");
	for (unsigned int i = 0; i < PV_BLK_RING_PAGES + PAGES; i++)
		refs[i] = q->dir->ref[i];
	mini_blk_offer(&m, q->dir, q->ring.ring, refs, PAGES);
	put(&d->t, front("vbd", DEVID, "state"), "3");
	wait_for(&d->t, back("vbd", DEVID, "state"), "4");
	assert_int_equal(mini_blk_start(&m), 0);
	assert_int_equal(m.config.sectors, SECTORS);
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)next_random(&seed);
	assert_int_equal(mini_blk_write(&m, 5, out, BIG), 0);
	assert_int_equal(mini_blk_flush(&m), 0);
	assert_int_equal(mini_blk_read(&m, 5, in, BIG), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(mini_blk_read(&m, SECTORS - 1, in, 2),
			 MINI_BLK_FAILED);
	PV_STORE(q->ring.ring->cq_prod, 77);
	assert_int_equal(mini_blk_flush(&m), MINI_BLK_BROKEN);
	assert_int_equal(mini_blk_flush(&m), MINI_BLK_BROKEN);
	close_disk(d);
}

/* ---- frontends that lie -------------------------------------------------------------- */

enum {
	LIES = 6,
};

static void lie(struct queue *q, unsigned int n)
{
	/* Beyond the data area, around the end of numbers, between sectors. */
	static const uint32_t data[] = {DATA * FRAME - 512, 0xfffffe00, 100};
	struct pvblk_rq rq = {.op = PV_BLK_READ, .nr_sectors = 8};
	struct pv_blk_ring *r = q->ring.ring;

	if (n < 3) {
		rq.data = data[n];
		pvblk_front_submit(&q->ring, &rq);
		pvblk_front_push(&q->ring);
		return;
	}
	/* A tag that is none, one that is not busy, an index far ahead. */
	r->sq[0] = n == 3 ? PV_BLK_TAGS : 3;
	PV_STORE(r->sq_prod, n == 5 ? 0x80000000 : 1);
}

static void liars_lose_their_device(void **state)
{
	struct disk *d = &disk;

	(void)state;
	for (unsigned int i = 0; i < LIES; i++) {
		connect_disk(d, 1, "w");
		lie(&d->queue[0], i);
		send_event(&d->queue[0].port);
		wait_for(&d->t, back("vbd", DEVID, "state"), "5");
		testbed_stop(&d->t);
	}
}

static void bad_directories_are_refused(void **state)
{
	struct disk *d = &disk;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct pv_blk_dir *dir;

		start_disk(d, 1, "w");
		dir = d->queue[0].dir;
		dir->magic += i == 0;
		if (i == 1)
			dir->nr_data = 0;
		if (i == 2)
			dir->nr_data = PV_BLK_DATA_PAGES + 1;
		if (i == 3)
			dir->ref[200] = 0xffffff;
		put(&d->t, front("vbd", DEVID, "state"), "3");
		wait_for(&d->t, back("vbd", DEVID, "state"), "5");
		testbed_stop(&d->t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_queue),
		cmocka_unit_test(four_queues),
		cmocka_unit_test(killed),
		cmocka_unit_test(starts_over),
		cmocka_unit_test(no_event_is_lost),
		cmocka_unit_test(the_next_may_be_stock),
		cmocka_unit_test(grows),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(readonly_refuses),
		cmocka_unit_test(mini_kernels_have_disks),
		cmocka_unit_test(liars_lose_their_device),
		cmocka_unit_test(bad_directories_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
