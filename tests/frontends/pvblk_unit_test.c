/* SPDX-License-Identifier: MIT */
/*
 * The pure parts of the block ring: both ends in one memory, a backend that is
 * replaced at every possible moment, two threads, pages, configurations.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pv-backends/common/linger.h"
#include "pv-frontends/core/pvblk.h"
#include "tests/frontends/two_ends.h"

static struct pv_blk_ring ring;
static struct pvblk_front front;
static struct pvblk_back back;

/* A ring whose indices are about to be `at`. */
static void start_at(uint32_t at)
{
	pvblk_front_init(&front, &ring);
	ring.sq_prod = ring.cq_prod = at;
	front.sq_prod = front.sq_pushed = front.cq_cons = at;
	pvblk_back_attach(&back, &ring, 16);
}

static void submit(uint16_t tag)
{
	struct pvblk_rq rq = {.tag = tag, .op = PV_BLK_FLUSH, .sector = tag};

	pvblk_front_submit(&front, &rq);
}

static uint16_t take(void)
{
	struct pvblk_rq rq;

	assert_int_equal(pvblk_back_take(&back, &rq), PVBLK_ONE);
	assert_int_equal(rq.sector, rq.tag);
	return rq.tag;
}

static uint16_t answer(void)
{
	uint16_t tag, status;

	assert_int_equal(pvblk_front_answer(&front, &tag, &status), PVBLK_ONE);
	assert_int_equal(status, tag % 3);
	return tag;
}

static void carry_out(uint16_t tag)
{
	pvblk_back_answer(&back, tag, tag % 3);
}

static void a_ring_is_full_of_tags(void **state)
{
	struct pvblk_rq rq;
	uint16_t tag, status;

	(void)state;
	start_at(0xffffffc0); /* the indices wrap on the way */
	for (unsigned int round = 0; round < 5; round++) {
		for (tag = 0; tag < PV_BLK_TAGS; tag++)
			submit(tag);
		pvblk_front_push(&front);
		for (tag = 0; tag < PV_BLK_TAGS; tag++)
			assert_int_equal(take(), tag);
		assert_int_equal(pvblk_back_take(&back, &rq), PVBLK_NONE);
		for (tag = PV_BLK_TAGS; tag-- > 0;)
			carry_out(tag);
		pvblk_back_push(&back);
		for (tag = PV_BLK_TAGS; tag-- > 0;)
			assert_int_equal(answer(), tag);
		assert_int_equal(pvblk_front_answer(&front, &tag, &status),
				 PVBLK_NONE);
	}
}

static void events_are_for_sleepers(void **state)
{
	(void)state;
	start_at(0);
	assert_false(pvblk_back_sleep(&back));
	submit(0);
	assert_true(pvblk_front_push(&front));
	submit(1);
	assert_false(pvblk_front_push(&front)); /* it was told */
	assert_true(pvblk_back_sleep(&back)); /* and has not looked */
	take();
	take();
	submit(2);
	assert_false(pvblk_front_push(&front)); /* it is awake */
	take();
	assert_false(pvblk_back_sleep(&back));
	submit(3);
	submit(4);
	assert_true(pvblk_front_push(&front)); /* one for both */
	take();
	take();

	assert_false(pvblk_front_sleep(&front));
	carry_out(0);
	assert_true(pvblk_back_push(&back));
	carry_out(1);
	assert_false(pvblk_back_push(&back));
	assert_true(pvblk_front_sleep(&front));
}

/* ---- a backend that is replaced ------------------------------------------------ */

struct life {
	bool asked[PV_BLK_TAGS]; /* the frontend waits for it */
	bool begun[PV_BLK_TAGS]; /* the backend of now took it */
	unsigned int answers;
};

static void replace(struct life *l)
{
	memset(&back, 0x5a, sizeof(back)); /* it leaves nothing */
	pvblk_back_attach(&back, &ring, 16);
	memset(l->begun, 0, sizeof(l->begun));
}

static void front_step(struct life *l, uint64_t r)
{
	uint16_t tag = r / 8 % PV_BLK_TAGS, status;

	switch (r % 8) {
	case 0 ... 2:
		if (!l->asked[tag]) {
			submit(tag);
			l->asked[tag] = true;
		}
		break;
	case 3:
		pvblk_front_push(&front);
		break;
	default:
		switch (pvblk_front_answer(&front, &tag, &status)) {
		case PVBLK_ONE:
			assert_true(l->asked[tag]);
			assert_int_equal(status, tag % 3);
			l->asked[tag] = false;
			l->answers++;
			break;
		case PVBLK_LIE:
			fail_msg("an answer that was not asked for");
			break;
		case PVBLK_NONE:
			break;
		}
	}
}

static void back_step(struct life *l, uint64_t r)
{
	uint16_t tag = r / 8 % PV_BLK_TAGS;
	struct pvblk_rq rq;

	switch (r % 8) {
	case 0 ... 3:
		switch (pvblk_back_take(&back, &rq)) {
		case PVBLK_ONE:
			assert_true(l->asked[rq.tag]);
			assert_false(l->begun[rq.tag]);
			l->begun[rq.tag] = true;
			break;
		case PVBLK_LIE:
			fail_msg("a request that was not asked for");
			break;
		case PVBLK_NONE:
			break;
		}
		break;
	case 4 ... 6:
		while (!l->begun[tag] && ++tag < PV_BLK_TAGS)
			;
		if (tag < PV_BLK_TAGS) {
			carry_out(tag);
			l->begun[tag] = false;
		}
		break;
	default:
		pvblk_back_push(&back);
	}
}

static void drain(struct life *l)
{
	unsigned int left = 1;

	while (left) {
		front_step(l, 3);
		for (uint16_t tag = 0; tag < PV_BLK_TAGS; tag++) {
			back_step(l, 0);
			back_step(l, 4 + 8ull * tag);
		}
		back_step(l, 7);
		for (unsigned int i = 0; i < PV_BLK_TAGS; i++)
			front_step(l, 4);
		for (unsigned int i = left = 0; i < PV_BLK_TAGS; i++)
			left += l->asked[i];
	}
}

/* Nothing is lost and nothing answered twice, whenever a backend is killed:
 * between any two of its steps, and with answers that it had not shown yet. */
static void nothing_is_lost_with_a_backend(void **state)
{
	unsigned int replaced = 0, answers = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct life l = {.answers = 0};
		uint64_t random = seed;

		start_at((uint32_t)(seed % 2 ? 0 : 0 - seed));
		for (unsigned int i = 0; i < 20000; i++) {
			uint64_t r = next_random(&random);

			if (r % 2)
				front_step(&l, r >> 8);
			else
				back_step(&l, r >> 8);
			if ((r >> 40) % 300 == 0) {
				replace(&l);
				replaced++;
			}
		}
		drain(&l);
		answers += l.answers;
	}
	print_message("%u backends, %u answers\n", replaced, answers);
	assert_true(replaced > 10000 && answers > 500000);
}

static void redone_oldest_first(void **state)
{
	static const uint16_t tags[] = {9, 3, 127, 0, 64};

	(void)state;
	start_at(0xfffffffe);
	for (unsigned int i = 0; i < 5; i++)
		submit(tags[i]);
	pvblk_front_push(&front);
	take();
	take();
	take();
	pvblk_back_answer(&back, 3, 0);
	pvblk_back_push(&back);
	pvblk_back_answer(&back, 9, 0); /* not shown */
	submit(5); /* nor this */
	pvblk_back_attach(&back, &ring, 16);
	assert_int_equal(back.nr_redo, 4);
	assert_int_equal(take(), 9);
	assert_int_equal(take(), 127);
	assert_int_equal(take(), 0);
	assert_int_equal(take(), 64);
	pvblk_front_push(&front);
	assert_int_equal(take(), 5);
}

/* ---- ends that lie ------------------------------------------------------------------- */

static void backend_lies(uint32_t prod, struct pv_blk_answer a,
			 enum pvblk_look want)
{
	uint16_t tag, status;

	start_at(0);
	submit(1);
	submit(2);
	pvblk_front_push(&front);
	ring.cq[0] = (union pv_blk_done){.answer = a};
	ring.cq_prod = prod;
	assert_int_equal(pvblk_front_answer(&front, &tag, &status), want);
}

static void lies_of_a_backend_are_seen(void **state)
{
	uint16_t tag, status;

	(void)state;
	backend_lies(0, (struct pv_blk_answer){.tag = 1}, PVBLK_NONE);
	backend_lies(1, (struct pv_blk_answer){.tag = 1}, PVBLK_ONE);
	backend_lies(1, (struct pv_blk_answer){.tag = 1, .seq = 1}, PVBLK_LIE);
	backend_lies(1, (struct pv_blk_answer){.tag = 3}, PVBLK_LIE);
	backend_lies(1, (struct pv_blk_answer){.tag = PV_BLK_TAGS}, PVBLK_LIE);
	backend_lies(1, (struct pv_blk_answer){.tag = 255}, PVBLK_LIE);
	backend_lies(3, (struct pv_blk_answer){.tag = 1}, PVBLK_LIE);
	backend_lies(UINT32_MAX, (struct pv_blk_answer){.tag = 1}, PVBLK_LIE);
	/* The same answer twice. */
	backend_lies(2, (struct pv_blk_answer){.tag = 1}, PVBLK_ONE);
	ring.cq[1] = ring.cq[0];
	assert_int_equal(pvblk_front_answer(&front, &tag, &status), PVBLK_LIE);
}

static enum pvblk_look take_any(void)
{
	struct pvblk_rq rq;

	return pvblk_back_take(&back, &rq);
}

static void lies_of_a_frontend_are_seen(void **state)
{
	(void)state;
	start_at(0);
	submit(1);
	pvblk_front_push(&front);
	ring.rq[1].seq = 7;
	assert_int_equal(take_any(), PVBLK_LIE);
	start_at(0);
	submit(1);
	pvblk_front_push(&front);
	ring.rq[1].busy = 0;
	assert_int_equal(take_any(), PVBLK_LIE);
	start_at(0);
	submit(1);
	pvblk_front_push(&front);
	ring.sq[0] = PV_BLK_TAGS;
	assert_int_equal(take_any(), PVBLK_LIE);
	start_at(0);
	ring.sq_prod = PV_BLK_TAGS + 1;
	assert_int_equal(take_any(), PVBLK_LIE);
	/* One that is under way, again. */
	start_at(0);
	submit(1);
	pvblk_front_push(&front);
	assert_int_equal(take_any(), PVBLK_ONE);
	ring.rq[1].seq = 1;
	ring.sq[1] = 1;
	ring.sq_prod = 2;
	assert_int_equal(take_any(), PVBLK_LIE);
}

/* ---- two threads ------------------------------------------------------------------ */

static struct channel up = CHANNEL, down = CHANNEL;

enum {
	TOTAL = 200000
};

static void *serve(void *arg)
{
	unsigned int done = 0;
	struct pvblk_rq rq;

	(void)arg;
	while (done < TOTAL) {
		while (pvblk_back_take(&back, &rq) == PVBLK_ONE) {
			carry_out(rq.tag);
			done++;
		}
		if (pvblk_back_push(&back))
			send_event(&down);
		if (done < TOTAL && !pvblk_back_sleep(&back))
			sleep_until(&up);
	}
	return NULL;
}

/* An event that is lost would let both sleep for ever. */
static void two_threads_never_sleep_both(void **state)
{
	unsigned int asked = 0, got = 0;
	uint16_t tag, status;
	pthread_t thread;

	(void)state;
	start_at(0);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	while (got < TOTAL) {
		/* As few as one, so that both sleep often. */
		for (tag = 0; tag < 1 + asked % 5 && asked < TOTAL; tag++) {
			if (front.busy[tag])
				continue;
			submit(tag);
			asked++;
		}
		if (pvblk_front_push(&front))
			send_event(&up);
		while (pvblk_front_answer(&front, &tag, &status) == PVBLK_ONE)
			got++;
		if (got < TOTAL && front.under_way &&
		    !pvblk_front_sleep(&front))
			sleep_until(&down);
	}
	pthread_join(thread, NULL);
	print_message("%u requests, %u and %u events\n", got, up.sent,
		      down.sent);
}

/* ---- pages, requests, configurations ------------------------------------------------- */

static void pages_belong_to_one(void **state)
{
	static const unsigned int sizes[] = {1,  63,  64,
					     65, 500, PV_BLK_DATA_PAGES};

	(void)state;
	for (unsigned int s = 0; s < 6; s++) {
		unsigned int first[PV_BLK_TAGS], nr[PV_BLK_TAGS] = {0};
		bool used[PV_BLK_DATA_PAGES] = {false};
		uint64_t random = sizes[s];
		struct pvblk_pages p;
		unsigned int free_pages = sizes[s];

		pvblk_pages_init(&p, sizes[s]);
		assert_int_equal(pvblk_pages_get(&p, 0), -1);
		assert_int_equal(pvblk_pages_get(&p, sizes[s] + 1), -1);
		for (unsigned int i = 0; i < 20000; i++) {
			uint64_t r = next_random(&random);
			unsigned int tag = r % PV_BLK_TAGS;
			unsigned int want = 1 + (r >> 8) % 64;
			int got;

			if (nr[tag]) {
				pvblk_pages_put(&p, first[tag], nr[tag]);
				memset(used + first[tag], 0, nr[tag]);
				free_pages += nr[tag];
				nr[tag] = 0;
				continue;
			}
			got = pvblk_pages_get(&p, want);
			if (got < 0)
				continue;
			assert_true((unsigned int)got + want <= sizes[s]);
			for (unsigned int n = 0; n < want; n++) {
				assert_false(used[(unsigned int)got + n]);
				used[(unsigned int)got + n] = true;
			}
			first[tag] = (unsigned int)got;
			nr[tag] = want;
			free_pages -= want;
			assert_int_equal(p.free, free_pages);
		}
		for (unsigned int i = 0; i < PV_BLK_TAGS; i++)
			if (nr[i])
				pvblk_pages_put(&p, first[i], nr[i]);
		assert_int_equal(pvblk_pages_get(&p, sizes[s]), 0);
	}
}

static void requests_are_checked(void **state)
{
	const struct pv_blk_config rw = {
		.flags = PV_BLK_F_WRITE_ZEROES | PV_BLK_F_FLUSH,
		.sectors = 1000,
		.logical = 4096,
		.max_sectors = 64,
	};
	const struct pv_blk_config ro = {
		.flags = PV_BLK_F_READONLY,
		.sectors = 1000,
		.logical = 512,
		.max_sectors = 64,
	};
	static const struct {
		uint8_t op, flags;
		uint64_t sector;
		uint32_t nr, data;
		int rw, ro;
	} row[] = {
		{PV_BLK_READ, 0, 0, 8, 0, 0, 0},
		{PV_BLK_READ, 0, 0, 0, 0, PV_BLK_REFUSED, PV_BLK_REFUSED},
		{PV_BLK_READ, 0, 0, 1, 0, PV_BLK_REFUSED, 0},
		{PV_BLK_READ, 0, 1, 8, 0, PV_BLK_REFUSED, 0},
		{PV_BLK_READ, 0, 992, 8, 0, 0, 0},
		{PV_BLK_READ, 0, 1000, 8, 0, PV_BLK_REFUSED, PV_BLK_REFUSED},
		{PV_BLK_READ, 0, UINT64_MAX - 7, 8, 0, PV_BLK_REFUSED,
		 PV_BLK_REFUSED},
		{PV_BLK_READ, 0, 0, 72, 0, PV_BLK_REFUSED, PV_BLK_REFUSED},
		{PV_BLK_READ, 0, 0, 8, 511, PVBLK_LIE, PVBLK_LIE},
		{PV_BLK_READ, 0, 0, 8, 15 * 4096, 0, 0},
		{PV_BLK_READ, 0, 0, 16, 15 * 4096, PVBLK_LIE, PVBLK_LIE},
		{PV_BLK_READ, 0, 0, UINT32_MAX, 0, PVBLK_LIE, PVBLK_LIE},
		{PV_BLK_READ, 0, 0, 8, 0xfffffe00, PVBLK_LIE, PVBLK_LIE},
		{PV_BLK_READ, 2, 0, 8, 0, PV_BLK_REFUSED, PV_BLK_REFUSED},
		{PV_BLK_WRITE, PV_BLK_FUA, 0, 8, 0, 0, PV_BLK_REFUSED},
		{PV_BLK_FLUSH, 0, 5, 0, 3, 0, 0},
		{PV_BLK_DISCARD, 0, 0, 8, 0, PV_BLK_UNSUPPORTED,
		 PV_BLK_UNSUPPORTED},
		{PV_BLK_WRITE_ZEROES, 0, 0, 992, 1, 0, PV_BLK_UNSUPPORTED},
		{5, 0, 0, 8, 0, PV_BLK_UNSUPPORTED, PV_BLK_UNSUPPORTED},
		{255, 0, 0, 8, 0, PV_BLK_UNSUPPORTED, PV_BLK_UNSUPPORTED},
	};

	(void)state;
	start_at(0);
	for (unsigned int i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct pvblk_rq rq = {
			.op = row[i].op,
			.flags = row[i].flags,
			.sector = row[i].sector,
			.nr_sectors = row[i].nr,
			.data = row[i].data,
		};

		if (pvblk_back_check(&back, &rq, &rw) != row[i].rw ||
		    pvblk_back_check(&back, &rq, &ro) != row[i].ro)
			fail_msg("row %u", i);
	}
}

static void configurations_are_made_sane(void **state)
{
	struct pv_blk_config c, want = {
					.flags = PV_BLK_F_DISCARD,
					.sectors = 12345,
					.logical = 512,
					.physical = 4096,
					.discard = 4096,
					.max_sectors = 256,
				};

	(void)state;
	start_at(0);
	pvblk_back_config(&ring, &want);
	assert_true(pvblk_front_config(&front, &c));
	want.generation = 2;
	assert_memory_equal(&c, &want, sizeof(c));
	ring.config.generation = 3;
	assert_false(pvblk_front_config(&front, &c));
	memset(&ring.config, 0xff, sizeof(ring.config));
	ring.config.generation = 8;
	assert_true(pvblk_front_config(&front, &c));
	assert_int_equal(c.logical, 512);
	assert_int_equal(c.physical, 512);
	assert_int_equal(c.discard, 0);
	assert_int_equal(c.flags & PV_BLK_F_DISCARD, 0);
	assert_true(c.sectors * 512 / 512 == c.sectors);
	pvblk_back_config(&ring, &want);
	assert_int_equal(ring.config.generation, 10);
}

/* A busy disk has a process that does not sleep, an idle one costs nothing. */
static void windows_are_as_long_as_they_pay(void **state)
{
	uint64_t window = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		window = linger_adapt(window, 100000);
	assert_true(window >= 100000 && window <= LINGER_MOST);
	assert_int_equal(linger_adapt(window, 100000), window);
	assert_int_equal(linger_adapt(window, 10), window);
	for (int i = 0; i < 10; i++)
		window = linger_adapt(window, 5000000);
	assert_int_equal(window, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_full_of_tags),
		cmocka_unit_test(events_are_for_sleepers),
		cmocka_unit_test(nothing_is_lost_with_a_backend),
		cmocka_unit_test(redone_oldest_first),
		cmocka_unit_test(lies_of_a_backend_are_seen),
		cmocka_unit_test(lies_of_a_frontend_are_seen),
		cmocka_unit_test(two_threads_never_sleep_both),
		cmocka_unit_test(pages_belong_to_one),
		cmocka_unit_test(requests_are_checked),
		cmocka_unit_test(configurations_are_made_sane),
		cmocka_unit_test(windows_are_as_long_as_they_pay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
