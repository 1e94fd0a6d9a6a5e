/* SPDX-License-Identifier: MIT */
/* The run queue's decisions by themselves: order, clamps, shares, budgets. */
#include "hv/sched/runq.h"
#include "tests/unit_time/check.h"

#define MS 1000000ul
#define N  12

static struct runq q;
static struct runq_entity e[N];
static uint64_t vclock;

static void reset(uint32_t weight)
{
	runq_init(&q);
	vclock = 0;
	memset(e, 0, sizeof(e));
	for (unsigned int i = 0; i < N; i++) {
		list_init(&e[i].link);
		e[i].rate = runq_rate(weight, 1);
	}
}

static void the_queue_is_in_order_and_equals_keep_theirs(void **state)
{
	static const uint64_t v[] = {5, 3, 9, 3, 5, 1, 3};
	static const unsigned int order[] = {5, 1, 3, 6, 0, 4, 2};

	(void)state;
	reset(256);
	assert_null(runq_first(&q));
	for (unsigned int i = 0; i < 7; i++) {
		e[i].vruntime = v[i];
		runq_insert(&q, &e[i]);
	}
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(q.nr, 7 - i);
		assert_ptr_equal(runq_first(&q), &e[order[i]]);
		runq_remove(&q, &e[order[i]]);
		assert_false(e[order[i]].queued);
	}
	assert_null(runq_first(&q));
}

/* One CPU, slices of random length, everybody always wants it. */
static void shares_are_by_weight(uint64_t start, uint64_t seed, unsigned int n)
{
	uint32_t weight[N], sum = 0;
	uint64_t ran[N] = {0}, total = 0;
	struct runq_entity *curr;

	reset(256);
	vclock = start;
	for (unsigned int i = 0; i < n; i++) {
		weight[i] = (uint32_t)chance_in(&seed, 1, 65535);
		/* Within three powers of ten, so that a share shows. */
		weight[i] = weight[i] % 1000 + 20;
		sum += weight[i];
		e[i].rate = runq_rate(weight[i], 1);
		e[i].vruntime = start;
		runq_place(&q, &e[i], false, SCHED_CREDIT_NS, vclock);
		runq_insert(&q, &e[i]);
	}
	while (total < 40000 * MS * n) {
		uint64_t ns = chance_in(&seed, 1, SCHED_SLICE_NS);

		curr = runq_first(&q);
		runq_remove(&q, curr);
		runq_charge(&q, curr, ns, &vclock);
		runq_insert(&q, curr);
		ran[curr - e] += ns;
		total += ns;
	}
	for (unsigned int i = 0; i < n; i++) {
		double want = (double)weight[i] / sum;
		double got = (double)ran[i] / (double)total;

		CHECK(got > want * .98 - .0005 && got < want * 1.02 + .0005,
		      "start %lx seed n=%u weight %u of %u: %f not %f", start,
		      n, weight[i], sum, got, want);
	}
}

static void long_runs_are_fair_whatever_the_weights(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		shares_are_by_weight(0, 500 + i, 2 + i % (N - 1));
}

static void and_where_the_account_wraps(void **state)
{
	(void)state;
	shares_are_by_weight(UINT64_MAX - 1000 * MS, 1, 5);
	shares_are_by_weight(INT64_MAX - 1000 * MS, 2, 5);
}

static void a_newcomer_is_owed_no_more_than_its_credit(void **state)
{
	static const uint64_t ages[] = {0, 1 * MS, 5 * MS, 3600000 * MS};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		reset(256);
		q.min = 7200000 * MS;
		e[0].vruntime = q.min - ages[i];
		runq_place(&q, &e[0], true, SCHED_CREDIT_NS, 0);
		assert_int_equal(q.min - e[0].vruntime,
				 min(ages[i], SCHED_CREDIT_NS));
		/* Nor does it owe more than the debt. */
		e[0].vruntime = q.min + ages[i];
		runq_place(&q, &e[0], true, SCHED_CREDIT_NS, 0);
		assert_int_equal(e[0].vruntime - q.min,
				 min(ages[i], SCHED_DEBT_NS));
	}
	/* An empty queue takes over the machine's clock. */
	reset(256);
	vclock = 5000 * MS;
	runq_place(&q, &e[0], false, SCHED_CREDIT_NS, vclock);
	assert_int_equal(e[0].vruntime, vclock - SCHED_CREDIT_NS);
	assert_int_equal(q.min, e[0].vruntime);
}

static void limits_are_in_each_ones_own_time(void **state)
{
	(void)state;
	reset(512);
	q.min = 1000 * MS;
	e[0].vruntime = 0;
	runq_place(&q, &e[0], true, SCHED_CREDIT_NS, 0);
	/* Half the account, since it is charged at half the rate. */
	assert_int_equal(q.min - e[0].vruntime, SCHED_CREDIT_NS / 2);
	e[1].vruntime = e[0].vruntime + SCHED_GRAIN_NS / 2;
	assert_false(runq_preempts(&e[0], &e[1]));
	e[1].vruntime++;
	assert_true(runq_preempts(&e[0], &e[1]));
	e[1].vruntime = e[0].vruntime + SCHED_LAG_NS / 2;
	assert_int_equal(runq_owed(&e[0], e[1].vruntime), 0);
	assert_int_not_equal(runq_owed(&e[0], e[1].vruntime + 1), 0);
}

static void rates_span_all_weights(void **state)
{
	(void)state;
	assert_int_equal(runq_rate(256, 1), 1 << 16);
	assert_int_equal(runq_rate(256, 3), 3 << 16);
	assert_int_equal(runq_rate(1, 32), 256u << 16 << 5);
	assert_true(runq_rate(65535, 1) >= 255);
	for (uint32_t w = 1; w <= 65535; w++) {
		e[0].rate = runq_rate(w, 32);
		/* A day alone, at the worst rate, is no overflow. */
		assert_true(runq_scaled(&e[0], 86400000 * MS) > 0);
	}
}

static void one_who_runs_alone_stays_near_the_machines_clock(void **state)
{
	uint64_t alone = 0;

	(void)state;
	reset(256);
	vclock = 1000 * MS;
	runq_place(&q, &e[0], false, SCHED_CREDIT_NS, vclock);
	for (unsigned int i = 0; i < 1000; i++) {
		runq_charge(&q, &e[0], 10 * MS, &vclock);
		alone += 10 * MS;
		assert_true(runq_ahead(e[0].vruntime, vclock) <=
			    (int64_t)SCHED_DEBT_NS);
	}
	assert_int_equal(vclock, 1000 * MS); /* it does not drive the clock */
	assert_true(alone > SCHED_DEBT_NS);
	/* Beside a waiter it does. */
	e[1].vruntime = vclock + 2000 * MS;
	runq_insert(&q, &e[1]);
	runq_charge(&q, &e[0], 500 * MS, &vclock);
	assert_true(vclock > 1000 * MS);
}

static void a_yield_goes_behind_the_first(void **state)
{
	(void)state;
	reset(256);
	e[1].vruntime = 10;
	e[2].vruntime = 20;
	runq_insert(&q, &e[1]);
	runq_insert(&q, &e[2]);
	e[0].vruntime = 5;
	runq_yield(&q, &e[0]);
	runq_insert(&q, &e[0]);
	assert_ptr_equal(runq_first(&q), &e[1]);
	runq_remove(&q, &e[1]);
	assert_ptr_equal(runq_first(&q), &e[0]);
	/* It never gains by it. */
	runq_remove(&q, &e[0]);
	e[0].vruntime = 99;
	runq_yield(&q, &e[0]);
	assert_int_equal(e[0].vruntime, 99);
}

static void a_budget_is_refilled_and_debts_are_paid(void **state)
{
	struct budget b;
	uint64_t now = 1000, used = 0, seed = 3;

	(void)state;
	budget_set(&b, 25, now);
	assert_int_equal(b.quota, SCHED_PERIOD_NS / 4);
	assert_true(budget_refill(&b, now));
	/* Overdraw by two periods' worth: two periods without. */
	b.left -= (int64_t)(3 * b.quota);
	assert_false(budget_refill(&b, now + SCHED_PERIOD_NS));
	assert_false(budget_refill(&b, now + 2 * SCHED_PERIOD_NS));
	assert_true(budget_refill(&b, now + 3 * SCHED_PERIOD_NS));
	/* A rest is not saved up. */
	assert_true(budget_refill(&b, now + 100000 * SCHED_PERIOD_NS));
	assert_int_equal(b.left, b.quota);

	/* Used in pieces of any size, it is a quarter in the long run. */
	budget_set(&b, 25, now = 0);
	while (now < 100000 * MS) {
		uint64_t ns = chance_in(&seed, 1, 8 * MS);

		if (budget_refill(&b, now)) {
			b.left -= (int64_t)ns;
			used += ns;
			now += ns;
		} else {
			now = b.period_end;
		}
	}
	assert_in_range(used, 24900 * MS, 25100 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_queue_is_in_order_and_equals_keep_theirs),
		cmocka_unit_test(long_runs_are_fair_whatever_the_weights),
		cmocka_unit_test(and_where_the_account_wraps),
		cmocka_unit_test(a_newcomer_is_owed_no_more_than_its_credit),
		cmocka_unit_test(limits_are_in_each_ones_own_time),
		cmocka_unit_test(rates_span_all_weights),
		cmocka_unit_test(
			one_who_runs_alone_stays_near_the_machines_clock),
		cmocka_unit_test(a_yield_goes_behind_the_first),
		cmocka_unit_test(a_budget_is_refilled_and_debts_are_paid),
	};

	return cmocka_run_group_tests_name("run queue", tests, NULL, NULL);
}
