/* SPDX-License-Identifier: MIT */
/* When it is worth to look again before sleeping; on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/xs/eager.h"

#define US 1000ull
#define MS 1000000ull

static bool several_cpus;
static unsigned cpu_questions;

bool eager_has_cpus(void)
{
	cpu_questions++;
	return several_cpus;
}

static uint64_t now, looked; /* ns: the clock, and time spent in looks */

static int start(void **state)
{
	(void)state;
	several_cpus = true;
	cpu_questions = 0;
	now = 1000 * MS;
	looked = 0;
	return 0;
}

/* One wait of gap ns, looked at each step ns; was it caught awake? */
static bool wait_step(struct eager *e, uint64_t gap, uint64_t step)
{
	uint64_t end = now + gap, next;
	bool awake;

	while ((awake = eager_wait(e, now)) && now < end) {
		next = now + step < end ? now + step : end;
		looked += next - now;
		now = next;
	}
	now = end;
	eager_came(e, now);
	return awake;
}

static bool wait_gap(struct eager *e, uint64_t gap)
{
	return wait_step(e, gap, US);
}

static void learn(struct eager *e)
{
	unsigned i;

	for (i = 0; i < EAGER_CREDIT; i++)
		wait_gap(e, 10 * US);
	assert_true(wait_gap(e, 10 * US));
}

static void nobody_looks_at_first(void **state)
{
	struct eager e = {0};

	(void)state;
	assert_false(eager_wait(&e, now));
	assert_int_equal(e.looks, 0);
}

static void arrivals_that_follow_closely_are_caught_awake(void **state)
{
	struct eager e = {0};
	unsigned i, asleep = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		asleep += !wait_gap(&e, 40 * US);
	assert_int_equal(asleep, EAGER_LOSS);
	assert_int_equal(e.looks, 1000 - EAGER_LOSS);
	assert_int_equal(e.hits, e.looks);
}

static void a_look_ends(void **state)
{
	struct eager e = {0};

	(void)state;
	learn(&e);
	looked = 0;
	assert_false(wait_gap(&e, 100 * MS));
	assert_in_range(looked, 0, EAGER_LOOK_NS);
}

static void rare_arrivals_are_slept_for(void **state)
{
	struct eager e = {0};
	unsigned i;

	(void)state;
	learn(&e);
	looked = e.looks = 0;
	for (i = 0; i < 1000; i++)
		wait_gap(&e, MS);
	assert_in_range(e.looks, 0, EAGER_CREDIT / EAGER_LOSS);
	assert_in_range(looked, 0, e.looks * EAGER_LOOK_NS);
}

/* The worst case: soon enough to give hope, too late for a look. */
static void looks_in_vain_are_few(void **state)
{
	struct eager e = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++)
		wait_gap(&e, EAGER_SOON_NS);
	assert_int_equal(e.hits, 0);
	assert_in_range(e.looks, 1, 10000 / EAGER_LOSS);
}

static void with_one_cpu_there_are_no_looks(void **state)
{
	struct eager e = {0};
	unsigned i;

	(void)state;
	several_cpus = false;
	for (i = 0; i < 100000; i++)
		assert_false(wait_gap(&e, 10 * US));
	assert_int_equal(e.looks, 0);
	assert_in_range(cpu_questions, 1, 16);
	several_cpus = true; /* another is plugged in */
	now += EAGER_BAR_NS << EAGER_BARS;
	learn(&e);
}

/* Others want the CPU: each yield takes 3 ms, though all else goes well. */
static void a_busy_machine_is_left_alone(void **state)
{
	struct eager e = {0};
	unsigned i;

	(void)state;
	learn(&e);
	e.looks = 0;
	for (i = 0; i < 100000; i++) {
		if (e.credit >= EAGER_LOSS)
			wait_step(&e, 3 * MS, 3 * MS);
		else
			wait_gap(&e, 30 * US);
	}
	assert_in_range(e.looks, 1, 2 * EAGER_BARS);
	e.looks = e.hits = 0;
	for (i = 0; i < 100000; i++)
		wait_gap(&e, 30 * US); /* it is quiet again */
	assert_in_range(e.hits, 50000, 100000);
	assert_int_equal(e.bars, 0);
}

static void one_hiccup_costs_little(void **state)
{
	struct eager e = {0};
	unsigned i, asleep = 0;

	(void)state;
	learn(&e);
	wait_step(&e, 3 * MS, 3 * MS);
	for (i = 0; i < 10000; i++)
		asleep += !wait_gap(&e, 10 * US);
	assert_in_range(asleep, 1, 2 * EAGER_BAR_NS / (10 * US));
}

#define T(f) cmocka_unit_test_setup(f, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nobody_looks_at_first),
		T(arrivals_that_follow_closely_are_caught_awake),
		T(a_look_ends),
		T(rare_arrivals_are_slept_for),
		T(looks_in_vain_are_few),
		T(with_one_cpu_there_are_no_looks),
		T(a_busy_machine_is_left_alone),
		T(one_hiccup_costs_little),
	};

	return cmocka_run_group_tests_name("eager", tests, NULL, NULL);
}
