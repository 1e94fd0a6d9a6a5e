/* SPDX-License-Identifier: MIT */
/*
 * Fairness: a transaction that keeps losing gets its turn, turns end, and
 * nobody starves.
 */
#include <errno.h>

#include "tests/store/harness.h"

static char out[XS_PAYLOAD_MAX + 1];

static void run_all(struct store *st)
{
	while (!list_empty(&st->runnable))
		conn_run(container_of(st->runnable.next, struct conn, run_link),
			 1);
}

static void take_answers(struct conn *c)
{
	struct answer a;

	while (test_get(c, &a))
		;
}

/* Five writers change the key before each step of a slow transaction. */
static void a_transaction_that_keeps_losing_gets_its_turn(void **state)
{
	struct store *st = test_store();
	struct conn *slow = test_conn(st, 0), *w[5];
	unsigned tries = 0, i, rc = EAGAIN;
	uint32_t t;

	(void)state;
	for (i = 0; i < 5; i++)
		w[i] = test_conn(st, 0);
	t_write(slow, 0, "/key", "0");
	while (rc == EAGAIN) {
		assert_true(++tries < 10);
		t = t_start(slow);
		t_read(slow, t, "/key", out);
		for (i = 0; i < 5; i++) {
			test_put(w[i], XS_WRITE, 0, "/key\0w", 6);
			test_put(w[i], XS_WRITE, 0, "/other\0w", 8);
			conn_run(w[i], 2);
		}
		t_write(slow, t, "/key", "slow");
		rc = (unsigned)t_end(slow, t, true);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(st->stats.turns, 1);
	/* The writers were only delayed, and in order. */
	run_all(st);
	for (i = 0; i < 5; i++) {
		assert_int_equal(w[i]->in.len, 0);
		take_answers(w[i]);
	}
	t_read(slow, 0, "/key", out);
	assert_string_equal(out, "w");
	test_store_free(st);
}

static void a_turn_ends_by_itself(void **state)
{
	struct store *st = test_store();
	struct conn *slow = test_conn(st, 0), *w = test_conn(st, 0);
	uint32_t t;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		t = t_start(slow);
		t_write(slow, t, "/key", "s");
		t_write(w, 0, "/key", "w");
		assert_int_equal(t_end(slow, t, true), EAGAIN);
	}
	t = t_start(slow);
	test_put(w, XS_WRITE, 0, "/key\0x", 6);
	assert_int_equal(conn_run(w, 1), 0); /* waits */
	assert_true(turn_tick(st) > 0);
	run_all(st);
	assert_true(w->in.len > 0);
	test_time += 1;
	assert_true(turn_tick(st) == 0);
	run_all(st);
	assert_int_equal(w->in.len, 0);
	take_answers(w);
	/* Who let its turn run out has none for a while. */
	t_end(slow, t, false);
	for (i = 0; i < 5; i++) {
		t = t_start(slow);
		t_write(slow, t, "/key", "s");
		assert_int_equal(t_write(w, 0, "/key", "w"), 0);
		assert_int_equal(t_end(slow, t, true), EAGAIN);
	}
	test_store_free(st);
}

static void a_holder_that_goes_away_ends_its_turn(void **state)
{
	struct store *st = test_store();
	struct conn *slow = test_conn(st, 0), *w = test_conn(st, 0);
	uint32_t t;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		t = t_start(slow);
		t_write(slow, t, "/key", "s");
		t_write(w, 0, "/key", "w");
		t_end(slow, t, true);
	}
	t_start(slow);
	test_put(w, XS_RM, 0, "/key", 5);
	assert_int_equal(conn_run(w, 1), 0);
	conn_close(slow);
	run_all(st);
	assert_int_equal(w->in.len, 0);
	test_store_free(st);
}

/*
 * Many clients increment one counter, one step each in random order, and
 * every one of them gets as many increments as it wants.
 */
static void a_contended_counter_is_exact_and_nobody_starves(void **state)
{
	enum {
		CLIENTS = 12,
		EACH = 40
	};
	struct {
		struct conn *c;
		uint32_t t;
		int phase, done;
		unsigned long value;
	} cl[CLIENTS] = {0};
	struct store *st = test_store();
	uint64_t seed = 77;
	int finished = 0, i, steps = 0, rc;
	char text[32];

	(void)state;
	for (i = 0; i < CLIENTS; i++)
		cl[i].c = test_conn(st, 0);
	t_write(cl[0].c, 0, "/counter", "0");
	while (finished < CLIENTS) {
		assert_true(++steps < 200000);
		i = (int)test_rand(&seed, CLIENTS);
		if (cl[i].done == EACH || !list_empty(&cl[i].c->park_link))
			continue;
		test_time += 0.001;
		turn_tick(st);
		switch (cl[i].phase++) {
		case 0:
			cl[i].t = t_start(cl[i].c);
			break;
		case 1:
			t_read(cl[i].c, cl[i].t, "/counter", out);
			cl[i].value = strtoul(out, NULL, 10);
			break;
		case 2:
			sprintf(text, "%lu", cl[i].value + 1);
			t_write(cl[i].c, cl[i].t, "/counter", text);
			break;
		default:
			/* With a turn held it would only be parked. */
			if (st->turn.holder && st->turn.holder != cl[i].c) {
				cl[i].phase--;
				break;
			}
			rc = t_end(cl[i].c, cl[i].t, true);
			cl[i].phase = 0;
			cl[i].done += !rc;
			finished += !rc && cl[i].done == EACH;
			if (rc)
				assert_int_equal(rc, EAGAIN);
		}
	}
	t_read(cl[0].c, 0, "/counter", out);
	assert_int_equal(atoi(out), CLIENTS * EACH);
	test_store_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transaction_that_keeps_losing_gets_its_turn),
		cmocka_unit_test(a_turn_ends_by_itself),
		cmocka_unit_test(a_holder_that_goes_away_ends_its_turn),
		cmocka_unit_test(
			a_contended_counter_is_exact_and_nobody_starves),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
