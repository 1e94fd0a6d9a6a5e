/* SPDX-License-Identifier: MIT */
/*
 * The parts that decide, alone: rings, requests, states, limits.
 *
 * A "crash" here copies what would outlive a process at that instant, and goes
 * on with the copy.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pv/io/xenbus.h>

#include "pv-backends/blk/blk.h"
#include "pv-backends/common/xb_state.h"
#include "pv-backends/console/stream.h"
#include "pv-backends/common/linger.h"

/* ---- rings -------------------------------------------------------------------------- */

enum {
	SLOTS = 32,
};

struct bench {
	unsigned char page[4096] __attribute__((aligned(4096)));
	uint64_t room[RING_LOG_BYTES(SLOTS) / sizeof(uint64_t)];
	struct ring r;
};

static struct ring_log *log_of(struct bench *b)
{
	return (struct ring_log *)(void *)b->room;
}

static struct pv_ring_header *header(struct bench *b)
{
	return (struct pv_ring_header *)b->page;
}

static void attach(struct bench *b, uint32_t from)
{
	memset(b, 0, sizeof(*b));
	header(b)->req_prod = header(b)->rsp_prod = from;
	header(b)->req_event = header(b)->rsp_event = from + 1;
	ring_attach(&b->r, b->page, sizeof(b->page),
		    sizeof(union pv_blkif_slot),
		    sizeof(struct pv_blkif_response), log_of(b));
}

static int recover(struct bench *b)
{
	return ring_recover(&b->r, b->page, sizeof(b->page),
			    sizeof(union pv_blkif_slot),
			    sizeof(struct pv_blkif_response), log_of(b));
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(ring_slots(4096, 112), 32);
	assert_int_equal(ring_slots(16 * 4096, 112), 512);
	assert_int_equal(ring_slots(4096, 12), 256);
	assert_int_equal(ring_slots(4096, 8), 256);
	assert_true(ring_slots(16 * 4096, 112) <= BLK_MAX_SLOTS);
}

static void indices_wrap(void **state)
{
	struct bench b;
	struct pv_blkif_response rsp = {0};
	union pv_blkif_slot slot;

	(void)state;
	attach(&b, 0xfffffff0);
	for (int round = 0; round < 100; round++) {
		header(&b)->req_prod += 7;
		assert_int_equal(ring_pending(&b.r), 7);
		for (int i = 0; i < 7; i++) {
			ring_read(&b.r, &slot);
			ring_respond(&b.r, &rsp, 0);
		}
		assert_int_equal(ring_in_flight(&b.r), 0);
		assert_int_equal(ring_sleep(&b.r), 0);
		ring_publish(&b.r);
		ring_settle(&b.r);
		assert_int_equal(header(&b)->rsp_prod, header(&b)->req_prod);
	}
}

static void impossible_indices(void **state)
{
	static const uint32_t lies[] = {SLOTS + 1, 0x80000000, 0xffffffff};
	union pv_blkif_slot slot;
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		attach(&b, 5);
		header(&b)->req_prod = 5 + lies[i];
		assert_int_equal(ring_pending(&b.r), -EPROTO);
	}
	attach(&b, 5);
	header(&b)->req_prod = 5 + SLOTS;
	assert_int_equal(ring_pending(&b.r), SLOTS);
	ring_read(&b.r, &slot);
	/* It cannot take a request back that was read. */
	header(&b)->req_prod = 5;
	assert_int_equal(ring_pending(&b.r), -EPROTO);
	/* Nor have more under way than are slots, whatever was answered but
	 * not shown. */
	ring_respond(&b.r, &slot.rsp, 0);
	header(&b)->req_prod = 6 + SLOTS;
	assert_int_equal(ring_pending(&b.r), -EPROTO);
}

static void events_when_asked_for(void **state)
{
	struct pv_blkif_response rsp = {0};
	union pv_blkif_slot slot;
	struct bench b;

	(void)state;
	attach(&b, 0);
	assert_false(ring_publish(&b.r)); /* nothing to say */
	header(&b)->req_prod = 4;
	header(&b)->rsp_event = 3;
	assert_int_equal(ring_pending(&b.r), 4);
	for (int i = 0; i < 4; i++) {
		ring_read(&b.r, &slot);
		ring_respond(&b.r, &rsp, 0);
		assert_int_equal(ring_publish(&b.r), i == 2);
		ring_settle(&b.r);
	}
}

/* Killed at any of the steps of an answer: given exactly once, intact. */
static void who_has_not_looked_waits_for_an_event(void **state)
{
	struct pv_blkif_response rsp = {0};
	union pv_blkif_slot slot;
	struct bench b;

	(void)state;
	attach(&b, 0xfffffffe);
	assert_int_equal(ring_unseen(&b.r), 0);
	header(&b)->req_prod += 3;
	for (int i = 0; i < 3; i++) {
		ring_read(&b.r, &slot);
		ring_respond(&b.r, &rsp, 0);
	}
	assert_true(ring_publish(&b.r));
	ring_settle(&b.r);
	assert_int_equal(ring_unseen(&b.r), 3);
	header(&b)->rsp_event = header(&b)->rsp_prod + 1;
	assert_int_equal(ring_unseen(&b.r), 0);
}

/* ---- looking before sleeping ----------------------------------------------------------- */

static void windows_that_catch_nothing_end(void **state)
{
	struct linger l = {.window = LINGER_FIRST};

	(void)state;
	/* More than 8 where the machine is busy: a long sleep is not one. */
	for (int i = 0; i < 10000 && !l.muted; i++) {
		linger_begin(&l);
		linger_sleeps(&l);
		linger_woken(&l);
	}
	assert_int_equal(l.window, 0);
	assert_true(l.muted);
	/* Not even now that sleeps are short. */
	for (int i = 0; i < 100; i++) {
		linger_begin(&l);
		assert_false(linger_goes_on(&l));
		linger_sleeps(&l);
		linger_woken(&l);
		assert_int_equal(l.window, 0);
	}
}

static void a_busy_turn_ends(void **state)
{
	struct linger l = {.window = LINGER_MOST};
	uint64_t began = linger_now();

	(void)state;
	linger_begin(&l);
	while (linger_goes_on(&l))
		linger_caught(&l); /* never a window without work */
	assert_true(linger_now() - began >= LINGER_TURN);
	linger_sleeps(&l);
	assert_int_equal(l.missed, 1);
}

static void killed_while_answering(void **state)
{
	(void)state;
	for (int step = 0; step < 4; step++) {
		struct pv_blkif_response rsp = {.id = 42}, *seen;
		union pv_blkif_slot slot;
		struct bench b;

		attach(&b, 0);
		header(&b)->req_prod = 2;
		assert_int_equal(ring_pending(&b.r), 2);
		ring_read(&b.r, &slot);
		ring_read(&b.r, &slot);
		ring_respond(&b.r, &rsp, 9);
		if (step == 1)
			log_of(&b)->valid = 1; /* and nothing is in the ring */
		if (step >= 2)
			ring_publish(&b.r);
		if (step == 2) {
			/* The frontend has the answer and uses the slot. */
			memset(b.page + PV_RING_HEADER_SIZE, 0x55, 112);
			header(&b)->req_prod = 2 + SLOTS - 1;
		}
		if (step == 3)
			ring_settle(&b.r);
		memset(&b.r, 0, sizeof(b.r));
		assert_int_equal(recover(&b), 0);
		assert_int_equal(header(&b)->rsp_prod, step ? 1 : 0);
		assert_int_equal(b.r.req_cons, step ? 1 : 0);
		assert_int_equal(log_of(&b)->nr, step == 1 || step == 2);
		if (log_of(&b)->nr)
			assert_int_equal(log_of(&b)->entry[0].tag, 9);
		seen = (void *)(b.page + PV_RING_HEADER_SIZE);
		if (step == 1)
			assert_int_equal(seen->id, 42);
		if (step == 2)
			assert_int_equal(seen->id, 0x5555555555555555);
	}
}

static void recovery_refuses_lies(void **state)
{
	struct bench b;

	(void)state;
	attach(&b, 7);
	header(&b)->rsp_prod = 8;
	assert_int_equal(recover(&b), -EPROTO);
	attach(&b, 7);
	log_of(&b)->valid = 1;
	log_of(&b)->nr = SLOTS + 1;
	assert_int_equal(recover(&b), -EPROTO);
}

/* ---- saved requests --------------------------------------------------------------------- */

static void saved_in_order(void **state)
{
	static struct saved_queue s;
	uint32_t list[BLK_MAX_SLOTS], next = 0, nr[4];
	union pv_blkif_slot slot;

	(void)state;
	memset(&slot, 0, sizeof(slot));
	saved_reset(&s, 0xfffffffe);
	for (uint32_t i = 0; i < 4; i++)
		nr[i] = saved_take(&s, SLOTS, &next, 0xfffffffe + i, &slot);
	saved_done(&s, nr[1]);
	/* Written, but never taken: killed in between. */
	s.request[20].busy = 1;
	s.request[20].index = 2;
	assert_int_equal(saved_list(&s, list), 3);
	assert_int_equal(list[0], nr[0]);
	assert_int_equal(list[1], nr[2]);
	assert_int_equal(list[2], nr[3]);
	/* Nor is it there for whoever comes next, when that index is. */
	assert_int_equal(s.request[20].busy, 0);
}

static void saved_finds_room(void **state)
{
	static struct saved_queue s;
	uint32_t next = 0, first;
	union pv_blkif_slot slot;

	(void)state;
	memset(&slot, 0, sizeof(slot));
	saved_reset(&s, 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_true(saved_take(&s, SLOTS, &next, i, &slot) < SLOTS);
	saved_done(&s, 17);
	first = saved_take(&s, SLOTS, &next, SLOTS, &slot);
	assert_int_equal(first, 17);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void good_requests(void **state)
{
	static struct blk_request rq;
	union pv_blkif_slot slot;

	(void)state;
	memset(&slot, 0, sizeof(slot));
	slot.req.operation = BLKIF_OP_WRITE;
	slot.req.nr_segments = 2;
	slot.req.id = 99;
	slot.req.sector_number = 1000;
	slot.req.seg[0] = (struct pv_blkif_segment){5, 2, 7, 0};
	slot.req.seg[1] = (struct pv_blkif_segment){6, 0, 0, 0};
	assert_int_equal(blk_parse(&slot, &rq), 0);
	assert_int_equal(rq.op, BLK_WRITE);
	assert_int_equal(rq.id, 99);
	assert_int_equal(rq.nr_sectors, 7);
	assert_int_equal(rq.segment[0].nr, 6);
	assert_int_equal(blk_check(&rq, 1007, 512, 0), BLKIF_RSP_OKAY);
	assert_int_equal(blk_check(&rq, 1006, 512, 0), BLKIF_RSP_ERROR);
	assert_int_equal(blk_check(&rq, 2000, 4096, 0), BLKIF_RSP_ERROR);
	assert_int_equal(blk_check(&rq, 2000, 512, 1), BLKIF_RSP_ERROR);
}

static void indirect_requests(void **state)
{
	static struct pv_blkif_segment segs[BLK_SEGMENTS_PER_PAGE];
	static struct blk_request rq;
	union pv_blkif_slot slot;

	(void)state;
	memset(&slot, 0, sizeof(slot));
	slot.indirect.operation = BLKIF_OP_INDIRECT;
	slot.indirect.indirect_op = BLKIF_OP_READ;
	slot.indirect.nr_segments = BLK_MAX_SEGMENTS;
	slot.indirect.indirect_grefs[0] = 77;
	assert_int_equal(blk_parse(&slot, &rq), 0);
	assert_int_equal(rq.nr_indirect, 1);
	assert_int_equal(rq.indirect[0], 77);
	assert_int_equal(rq.operation, BLKIF_OP_READ);
	assert_int_equal(blk_segments_in(&rq, 0), BLK_MAX_SEGMENTS);
	assert_int_equal(blk_parse_segments(&rq, segs, 0, 256), 0);
	assert_int_equal(rq.nr_sectors, 256);
	slot.indirect.nr_segments++;
	assert_int_equal(blk_parse(&slot, &rq), -EPROTO);
	slot.indirect.nr_segments = 0;
	assert_int_equal(blk_parse(&slot, &rq), -EPROTO);
	slot.indirect.nr_segments = 1;
	slot.indirect.indirect_op = BLKIF_OP_FLUSH_DISKCACHE;
	assert_int_equal(blk_parse(&slot, &rq), -EPROTO);
	slot.indirect.indirect_op = BLKIF_OP_INDIRECT;
	assert_int_equal(blk_parse(&slot, &rq), -EOPNOTSUPP);
}

/* Any slot: what is accepted is sane. */
static void any_request(void **state)
{
	static struct blk_request rq;
	union pv_blkif_slot slot;
	unsigned char *bytes = (unsigned char *)&slot;

	(void)state;
	srandom(4);
	for (int i = 0; i < 300000; i++) {
		uint64_t sectors = 0;

		for (size_t n = 0; n < sizeof(slot); n++)
			bytes[n] = (unsigned char)random();
		bytes[0] %= 8;
		if (i & 1)
			bytes[1] %= 13;
		if (i & 2)
			for (int n = 0; n < 11; n++) {
				slot.req.seg[n].first_sect %= 5;
				slot.req.seg[n].last_sect %= 8;
			}
		if (blk_parse(&slot, &rq))
			continue;
		assert_true(rq.nr_segments <= BLK_MAX_SEGMENTS);
		assert_true(rq.nr_indirect <= 8);
		if (rq.nr_indirect || rq.op == BLK_DISCARD)
			continue;
		for (unsigned int n = 0; n < rq.nr_segments; n++) {
			assert_in_range(rq.segment[n].nr, 1, 8);
			assert_in_range(rq.segment[n].first + rq.segment[n].nr,
					1, 8);
			sectors += rq.segment[n].nr;
		}
		assert_int_equal(sectors, rq.nr_sectors);
	}
}

/* ---- states ------------------------------------------------------------------------------- */

static enum xb_action next(int own, int front, bool online, bool attached)
{
	struct xb_view v = {
		.own = own,
		.front = front,
		.online = online,
		.attached = attached,
		.published = true,
	};

	return xb_next(&v);
}

static void a_life(void **state)
{
	(void)state;
	assert_int_equal(next(1, 0, true, false), XB_PUBLISH);
	assert_int_equal(next(2, 1, true, false), XB_NONE);
	assert_int_equal(next(2, 3, true, false), XB_ATTACH);
	assert_int_equal(next(2, 4, true, false), XB_ATTACH);
	assert_int_equal(next(4, 4, true, true), XB_NONE);
	/* The frontend goes and comes again: GRUB, then the kernel. */
	assert_int_equal(next(4, 5, true, true), XB_CLOSING);
	assert_int_equal(next(5, 5, true, true), XB_NONE);
	assert_int_equal(next(5, 6, true, true), XB_CLOSED);
	assert_int_equal(next(6, 6, true, false), XB_NONE);
	assert_int_equal(next(6, 1, true, false), XB_PUBLISH);
	/* The toolstack takes it away; the frontend may finish its work. */
	assert_int_equal(next(4, 4, false, true), XB_CLOSING);
	assert_int_equal(next(5, 4, false, true), XB_NONE);
	assert_int_equal(next(5, 6, false, true), XB_CLOSED);
	assert_int_equal(next(6, 6, false, false), XB_END);
	/* Before a frontend was there. */
	assert_int_equal(next(5, 1, false, false), XB_CLOSED);
	assert_int_equal(next(5, 0, false, false), XB_CLOSED);
}

static void lives_after_a_kill(void **state)
{
	struct xb_view v = {.own = 4, .front = 4, .online = true};

	(void)state;
	assert_int_equal(xb_next(&v), XB_RESUME);
	v.own = 2;
	assert_int_equal(xb_next(&v), XB_PUBLISH);
	/* While closing: only if there was a connection, not after a lie. */
	v.own = 5;
	assert_int_equal(xb_next(&v), XB_NONE);
	v.resumable = true;
	assert_int_equal(xb_next(&v), XB_RESUME);
	v.online = false;
	assert_int_equal(xb_next(&v), XB_RESUME);
	v.gone = true;
	assert_int_equal(xb_next(&v), XB_END);
}

/* From any states: a few steps later there is nothing to do. */
static void comes_to_rest(void **state)
{
	(void)state;
	for (int i = 0; i < 9 * 9 * 16; i++) {
		struct xb_view v = {
			.own = i % 9,
			.front = i / 9 % 9,
			.online = i / 81 & 1,
			.published = i / 81 & 2,
			.attached = i / 81 & 4,
			.resumable = i / 81 & 8,
		};
		int steps = 0;

		for (; steps < 6; steps++) {
			enum xb_action a = xb_next(&v);

			if (a == XB_NONE || a == XB_END)
				break;
			if (a == XB_PUBLISH) {
				v.own = XenbusStateInitWait;
				v.published = true;
				v.attached = v.resumable = false;
			} else if (a == XB_ATTACH) {
				v.own = XenbusStateConnected;
				v.attached = v.resumable = true;
			} else if (a == XB_RESUME) {
				v.attached = v.resumable = true;
			} else if (a == XB_CLOSED) {
				v.own = XenbusStateClosed;
				v.attached = v.resumable = false;
			} else {
				v.own = XenbusStateClosing;
			}
		}
		assert_true(steps < 6);
	}
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void mean_rate(void **state)
{
	struct limit l;
	double t = 0, sent = 0;

	(void)state;
	limit_set(&l, 1000, 100, t);
	while (t < 60) {
		double wait = limit_wait(&l, t);

		if (wait > 0) {
			t += wait;
			continue;
		}
		limit_take(&l, 300);
		sent += 300;
	}
	assert_true(sent > 58000 && sent < 61500);
	limit_set(&l, 0, 0, 0);
	limit_take(&l, 1e9);
	assert_true(limit_wait(&l, 0) == 0);
}

static void console_streams(void **state)
{
	static struct pv_xencons_interface page;
	struct stream_saved saved;
	struct stream s;
	char text[XENCONS_OUT_SIZE];

	(void)state;
	page.out_cons = page.out_prod = 0xffffff00;
	page.in_cons = page.in_prod = 0xffffff00;
	stream_attach(&s, &page, &saved, false);
	for (int i = 0; i < 512; i++)
		page.out[(0xffffff00u + (unsigned int)i) % XENCONS_OUT_SIZE] =
			(char)i;
	page.out_prod += 512;
	assert_int_equal(stream_peek(&s, text, sizeof(text)), 512);
	for (int i = 0; i < 512; i++)
		assert_int_equal(text[i], (char)i);
	assert_int_equal(stream_peek(&s, text, 10), 10);
	stream_take(&s, 512, 5);
	assert_int_equal(page.out_cons, 0x100);
	assert_int_equal(saved.mark, 5);
	page.out_prod = 0x100 + XENCONS_OUT_SIZE + 1;
	assert_int_equal(stream_peek(&s, text, sizeof(text)), -EPROTO);
	page.out_prod = 0xff;
	assert_int_equal(stream_peek(&s, text, sizeof(text)), -EPROTO);
	assert_int_equal(stream_room(&s), XENCONS_IN_SIZE);
	memset(text, 'a', sizeof(text));
	stream_put(&s, text, XENCONS_IN_SIZE);
	assert_int_equal(stream_room(&s), 0);
	page.in_cons++;
	assert_int_equal(stream_room(&s), 1);
	page.in_cons += XENCONS_IN_SIZE;
	assert_int_equal(stream_room(&s), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(indices_wrap),
		cmocka_unit_test(impossible_indices),
		cmocka_unit_test(events_when_asked_for),
		cmocka_unit_test(who_has_not_looked_waits_for_an_event),
		cmocka_unit_test(windows_that_catch_nothing_end),
		cmocka_unit_test(a_busy_turn_ends),
		cmocka_unit_test(killed_while_answering),
		cmocka_unit_test(recovery_refuses_lies),
		cmocka_unit_test(saved_in_order),
		cmocka_unit_test(saved_finds_room),
		cmocka_unit_test(good_requests),
		cmocka_unit_test(indirect_requests),
		cmocka_unit_test(any_request),
		cmocka_unit_test(a_life),
		cmocka_unit_test(lives_after_a_kill),
		cmocka_unit_test(comes_to_rest),
		cmocka_unit_test(mean_rate),
		cmocka_unit_test(console_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
