/* SPDX-License-Identifier: MIT */
/* Turns of a process with own rings: what it does before it sleeps, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pv-backends/common/turn.h"

static struct {
	enum turn_end end; /* of work */
	unsigned int works, asked; /* calls */
	bool busy, must_sleep;
	char fatal[64];
	struct turn turn;
	struct xb xb;
} t;

static enum turn_end work(void *priv)
{
	assert_ptr_equal(priv, &t);
	t.works++;
	return t.end;
}

/* Once. */
static bool is_busy(void *priv, unsigned int looks)
{
	bool busy = t.busy;

	(void)priv;
	(void)looks;
	t.busy = false;
	return busy;
}

static bool must_sleep(void *priv)
{
	(void)priv;
	t.asked++;
	return t.must_sleep;
}

static const struct turn_ops ops = {work, is_busy, must_sleep};

void xb_fatal(struct xb *xb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t.fatal, sizeof(t.fatal), fmt, ap);
	va_end(ap);
	assert_ptr_equal(xb, &t.xb);
	turn_stop(&t.turn); /* as a driver's detach does */
	memset(&t.turn, 0xa7, sizeof(t.turn));
}

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.must_sleep = true;
	t.xb.loop = ev_loop_new(EVFLAG_AUTO);
	turn_start(&t.turn, &t.xb, &ops, &t);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!*t.fatal)
		turn_stop(&t.turn);
	ev_loop_destroy(t.xb.loop);
	return 0;
}

static void turn(void)
{
	ev_run(t.xb.loop, EVRUN_NOWAIT);
}

static bool sleeps(void)
{
	return !ev_is_active(&t.turn.more);
}

static void with_nothing_to_do_it_asks_for_events_and_sleeps(void **state)
{
	(void)state;
	turn();
	assert_int_equal(t.works, 1);
	assert_int_equal(t.asked, 1);
	assert_true(sleeps());
}

static void what_comes_while_it_asks_keeps_it_awake(void **state)
{
	(void)state;
	t.must_sleep = false;
	turn();
	assert_false(sleeps());
	t.must_sleep = true;
	turn();
	assert_int_equal(t.works, 2);
	assert_true(sleeps());
}

static void with_more_to_do_others_have_a_turn(void **state)
{
	(void)state;
	t.end = TURN_MORE;
	turn();
	assert_int_equal(t.works, 1);
	assert_int_equal(t.asked, 0);
	assert_false(sleeps());
}

static void held_it_sleeps_and_asks_for_nothing(void **state)
{
	(void)state;
	t.end = TURN_HELD;
	turn();
	assert_int_equal(t.asked, 0);
	assert_true(sleeps());
}

static void what_comes_while_it_looks_is_done_at_once(void **state)
{
	(void)state;
	t.turn.linger.window = LINGER_MOST;
	t.busy = true;
	turn();
	assert_int_equal(t.works, 2);
	assert_int_equal(t.asked, 1);
}

/* Looking is given up when it catches nothing; these turns did not look. */
static void turns_without_sleep_say_nothing_of_looking(void **state)
{
	const enum turn_end awake[] = {TURN_MORE, TURN_HELD};

	(void)state;
	t.turn.linger.window = LINGER_FIRST;
	for (int i = 0; i < 100; i++) {
		t.end = awake[i % 2];
		turn();
	}
	assert_int_equal(t.turn.linger.window, LINGER_FIRST);
	assert_int_equal(t.turn.linger.missed, 0);
	assert_int_equal(t.turn.linger.muted, 0);
}

static void a_lie_ends_the_device_once(void **state)
{
	(void)state;
	strcpy(t.xb.error, "100% wrong");
	t.end = TURN_BROKEN;
	turn();
	turn();
	assert_string_equal(t.fatal, "100% wrong");
	assert_int_equal(t.works, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_nothing_to_do_it_asks_for_events_and_sleeps),
		TEST(what_comes_while_it_asks_keeps_it_awake),
		TEST(with_more_to_do_others_have_a_turn),
		TEST(held_it_sleeps_and_asks_for_nothing),
		TEST(what_comes_while_it_looks_is_done_at_once),
		TEST(turns_without_sleep_say_nothing_of_looking),
		TEST(a_lie_ends_the_device_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
