/* SPDX-License-Identifier: MIT */
/*
 * The scheduler in simulated time: fairness, caps, latency, balance,
 * accounting, and whatever chance brings.
 */
#include "tests/unit_sched/simulation.h"

/* ---- shares ------------------------------------------------------------------------ */

static void time_is_shared_by_weight(void **state)
{
	static const unsigned int weights[] = {256, 512, 1024, 64};
	struct task *t[4];

	(void)state;
	boot(1);
	for (unsigned int i = 0; i < 4; i++)
		t[i] = hog((domid_t)i, weights[i], 0);
	run(60000 * MS);
	for (unsigned int i = 0; i < 4; i++)
		CHECK_SHARE(t[i], 60000 * MS, weights[i] / 1856.0, 0.005);
}

static void extreme_weights_starve_nobody(void **state)
{
	struct task *light, *heavy;

	(void)state;
	boot(1);
	heavy = hog(1, 65535, 0);
	light = hog(2, 1, 0);
	run(60000 * MS);
	assert_true(heavy->ran > 59000 * MS);
	assert_true(light->ran > 0);
}

static void a_domain_gains_nothing_by_more_vcpus(void **state)
{
	struct domain *many, *one;
	uint64_t sum = 0;

	(void)state;
	boot(1);
	many = machine_domain(1, 4, 256, 0);
	one = machine_domain(2, 1, 256, 0);
	for (unsigned int i = 0; i < 4; i++)
		start(many, i, 0, 0);
	start(one, 0, 0, 0);
	run(30000 * MS);
	for (unsigned int i = 0; i < 4; i++)
		sum += tasks[i].ran;
	assert_in_range(sum, 14500 * MS, 15500 * MS);
	for (unsigned int i = 0; i < 4; i++)
		assert_in_range(tasks[i].ran, sum / 4 - 200 * MS,
				sum / 4 + 200 * MS);
}

static void shares_hold_across_cpus(void **state)
{
	static const struct {
		unsigned int cpus, n;
		unsigned int weight[6];
		double share[6];
	} cases[] = {
		{2, 3, {256, 256, 256}, {2 / 3., 2 / 3., 2 / 3.}},
		{2, 2, {256, 512}, {1, 1}},
		/* More than a CPU is due to the heavy one: it gets one. */
		{2, 3, {10000, 256, 256}, {1, .5, .5}},
		{2, 3, {256, 512, 256}, {.5, 1, .5}},
		{3, 5, {9, 9, 9, 9, 9}, {.6, .6, .6, .6, .6}},
		{4, 6, {256, 256, 256, 256, 512, 512}, {.5, .5, .5, .5, 1, 1}},
		{2, 5, {100, 200, 300, 100, 300}, {.2, .4, .6, .2, .6}},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		boot(cases[i].cpus);
		for (unsigned int n = 0; n < cases[i].n; n++)
			hog((domid_t)n, cases[i].weight[n], 0);
		run(2000 * MS);
		forget();
		run(40000 * MS);
		for (unsigned int n = 0; n < cases[i].n; n++)
			CHECK_SHARE(&tasks[n], 40000 * MS, cases[i].share[n],
				    0.03);
		assert_int_equal(idle_beside_waiters, 0);
		machine_end();
	}
}

static void a_cap_is_kept_alone_and_beside_others(void **state)
{
	static const unsigned int caps[] = {1, 10, 25, 50, 90, 100};

	(void)state;
	for (unsigned int beside = 0; beside < 2; beside++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(caps); i++) {
			double want = caps[i] / 100.;
			struct task *t, *other = NULL;

			boot(1);
			t = hog(1, 256, caps[i]);
			if (beside)
				other = hog(2, 256, 0);
			if (beside && want > .5)
				want = .5;
			run(100 * MS);
			forget();
			for (unsigned int s = 1; s <= 10; s++) {
				run(1000 * MS);
				CHECK_SHARE(t, s * 1000 * MS, want, .01);
			}
			if (other)
				CHECK_SHARE(other, 10000 * MS, 1 - want, .015);
			machine_end();
		}
	}
}

static void a_cap_holds_for_all_vcpus_together(void **state)
{
	struct domain *d;
	uint64_t sum = 0;

	(void)state;
	boot(4);
	d = machine_domain(1, 4, 256, 150);
	for (unsigned int i = 0; i < 4; i++)
		start(d, i, 0, 0);
	run(100 * MS);
	forget();
	run(10000 * MS);
	for (unsigned int i = 0; i < 4; i++)
		sum += tasks[i].ran;
	assert_in_range(sum, 14800 * MS, 15200 * MS);
	/* And no more once it is lifted. */
	machine_here(0);
	sched_set_weight(d, 256, 0);
	exit_path();
	run(50 * MS);
	forget();
	run(1000 * MS);
	for (unsigned int i = 0; i < 4; i++)
		CHECK_SHARE(&tasks[i], 1000 * MS, 1.0, .001);
}

/* ---- latency ---------------------------------------------------------------------- */

static void io_gets_in_at_once_beside_busy_loops(void **state)
{
	static const uint64_t bursts[][2] = {
		{100 * US, 2 * MS}, {300 * US, 10 * MS}, {1 * MS, 20 * MS}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bursts); i++) {
		struct task *io;

		boot(1);
		for (unsigned int n = 0; n < 4; n++)
			hog((domid_t)n, 256, 0);
		io = start(machine_domain(9, 1, 256, 0), 0, bursts[i][0],
			   bursts[i][1]);
		io->random = true;
		run(20000 * MS);
		assert_true(io->waits > 500);
		CHECK(io->waited / io->waits < 100 * US, "mean %lu ns",
		      io->waited / io->waits);
		CHECK(io->worst < 8 * MS, "worst %lu ns", io->worst);
		machine_end();
	}
}

static void a_sleeper_is_paid_a_small_credit_only(void **state)
{
	struct task *busy, *sleeper;

	(void)state;
	boot(1);
	busy = hog(1, 256, 0);
	/* Sleeps a minute, then wants all it can get. */
	sleeper = start(machine_domain(2, 1, 256, 0), 0, 1 * MS, 60000 * MS);
	run(60000 * MS);
	sleeper->burst = 0;
	run(100 * MS);
	forget();
	run(1000 * MS);
	CHECK_SHARE(busy, 1000 * MS, .5, .02);
}

static void nobody_waits_long_for_a_turn(void **state)
{
	uint64_t last[10] = {0}, worst = 0;

	(void)state;
	boot(1);
	for (unsigned int n = 0; n < 10; n++)
		hog((domid_t)n, 256, 0);
	for (unsigned int i = 0; i < 10000; i++) {
		run(1 * MS);
		for (unsigned int n = 0; n < 10; n++) {
			if (tasks[n].v->running)
				last[n] = now;
			worst = max(worst, now - last[n]);
		}
	}
	/* Nine others, a slice each, and one for luck. */
	assert_true(worst <= 10 * SCHED_SLICE_NS + MS);
}

static void one_vcpu_per_cpu_has_no_tick(void **state)
{
	(void)state;
	boot(4);
	for (unsigned int n = 0; n < 4; n++)
		hog((domid_t)n, 256, 0);
	run(100 * MS);
	memset(interrupts, 0, sizeof(interrupts));
	run(10000 * MS);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(interrupts[cpu], 0);
		assert_non_null(on_cpu(cpu));
	}
}

static void an_idle_machine_is_silent(void **state)
{
	struct task *t;

	(void)state;
	boot(2);
	t = start(machine_domain(1, 1, 256, 0), 0, 1 * MS, 3600000 * MS);
	run(100 * MS);
	assert_false(t->v->running);
	memset(interrupts, 0, sizeof(interrupts));
	run(100000 * MS);
	assert_int_equal(interrupts[0] + interrupts[1], 0);
}

static void yield_lets_the_other_go_first(void **state)
{
	struct task *a, *b;

	(void)state;
	boot(1);
	a = hog(1, 256, 0);
	b = hog(2, 256, 0);
	run(100 * MS);
	for (unsigned int i = 0; i < 100; i++) {
		struct vcpu *before = on_cpu(0);

		machine_here(0);
		vcpu_yield();
		exit_path();
		assert_ptr_not_equal(on_cpu(0), before);
		run(10 * US);
	}
	assert_true(a->v->running != b->v->running);
}

/* ---- balance ------------------------------------------------------------------------ */

static void no_cpu_idles_beside_waiters(void **state)
{
	uint64_t busy = 0;

	(void)state;
	boot(4);
	for (unsigned int n = 0; n < 12; n++) {
		struct task *t = start(machine_domain((domid_t)n, 1, 256, 0), 0,
				       (n + 1) * 500 * US, (n + 1) * 800 * US);

		t->random = true;
	}
	run(20000 * MS);
	for (unsigned int n = 0; n < 12; n++)
		busy += tasks[n].ran;
	assert_true(busy > 60000 * MS);
	/* Kicks in flight and nothing else. */
	CHECK(idle_beside_waiters < busy / 500, "lost %lu ns of %lu",
	      idle_beside_waiters, busy);
}

/* ---- accounting ----------------------------------------------------------------------- */

static void runstates_add_up(void **state)
{
	struct pv_vcpu_runstate_info r;
	uint64_t began[8], busy = 0;

	(void)state;
	boot(2);
	for (unsigned int n = 0; n < 8; n++) {
		struct task *t;

		began[n] = now;
		t = start(machine_domain((domid_t)n, 1, 256, n == 7 ? 30 : 0),
			  0, n < 6 ? 1 * MS : 0, n < 6 ? 2 * MS : 0);
		t->random = true;
		run(1 * MS);
	}
	run(5000 * MS);
	for (unsigned int n = 0; n < 8; n++) {
		vcpu_runstate_get(tasks[n].v, &r);
		assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3],
				 now - began[n]);
		assert_int_equal(r.time[RUNSTATE_running], tasks[n].ran);
		assert_int_equal(r.time[RUNSTATE_offline], 0);
		if (n >= 6)
			assert_int_equal(r.time[RUNSTATE_blocked], 0);
		else
			assert_true(r.time[RUNSTATE_blocked] > 1000 * MS);
		busy += tasks[n].ran;
	}
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		vcpu_runstate_get(cpus[cpu]->idle, &r);
		busy += r.time[RUNSTATE_running];
	}
	assert_int_equal(busy, 2 * (now - 1));
}

static void a_paused_domain_stands_still(void **state)
{
	struct pv_vcpu_runstate_info r;
	struct task *t, *other;
	struct domain *d;

	(void)state;
	boot(2);
	t = hog(1, 256, 0);
	other = hog(2, 256, 0);
	d = t->v->domain;
	run(10 * MS);
	machine_here(other->v->cpu);
	d->pause_count++;
	vcpu_sleep_nosync(t->v);
	vcpu_wake(t->v); /* an event does not unpause it */
	exit_path();
	run(1 * MS);
	assert_false(t->v->running);
	forget();
	run(100 * MS);
	assert_int_equal(t->ran, 0);
	vcpu_runstate_get(t->v, &r);
	assert_true(r.time[RUNSTATE_offline] >= 100 * MS);
	d->pause_count--;
	vcpu_wake(t->v);
	exit_path();
	run(100 * MS);
	assert_true(t->ran > 99 * MS);
}

/* ---- whatever happens -------------------------------------------------------------------- */

/* One who wants to run does, sooner or later. */
static void check_hunger(uint64_t limit)
{
	for (unsigned int i = 0; i < nr_tasks; i++) {
		struct task *t = &tasks[i];

		if (t->v->running || !vcpu_may_run(t->v)) {
			t->hungry = 0;
			continue;
		}
		if (!t->hungry)
			t->hungry = now;
		CHECK(now - t->hungry < limit, "d%uv%u waits since %lu ms",
		      t->v->domain->id, t->v->id, (now - t->hungry) / MS);
	}
}

static void meddle(struct domain **d, unsigned int n)
{
	struct task *t = &tasks[chance_in(&seed, 0, nr_tasks - 1)];
	struct domain *any = d[chance_in(&seed, 0, n - 1)];
	struct vcpu *v;

	machine_here((unsigned int)chance_in(&seed, 0, nr_cpus - 1));
	switch (chance_in(&seed, 0, 6)) {
	case 0:
		t->v->pause_count++;
		vcpu_sleep_nosync(t->v);
		break;
	case 1 ... 2:
		if (t->v->pause_count) {
			t->v->pause_count--;
			vcpu_wake(t->v);
		}
		break;
	case 3:
		if (chance_in(&seed, 0, 1))
			vcpu_down(t->v);
		else
			vcpu_up(t->v);
		break;
	case 4:
		sched_set_weight(
			any, (unsigned int)chance_in(&seed, 64, 1024),
			chance_in(&seed, 0, 3)
				? 0
				: (unsigned int)chance_in(&seed, 20, 300));
		break;
	case 5:
		any->pause_count ^= 1;
		for_each_vcpu (any, v) {
			if (any->pause_count)
				vcpu_sleep_nosync(v);
			else
				vcpu_wake(v);
		}
		break;
	default:
		timer_set(&t->v->timers->singleshot,
			  now + chance_in(&seed, 0, 5 * MS));
	}
	exit_path();
}

static void wake_it(struct vcpu *v)
{
	struct task *t = task_of(v);

	v->info->evtchn_upcall_pending = 1;
	if (t && t->burst && !t->left)
		t->left = vary(t, t->burst);
	if (t)
		t->wake_at = 0;
	vcpu_wake(v);
}

static void the_rules_hold_whatever_happens(void **state)
{
	struct domain *d[6];

	(void)state;
	sched_timer_event = wake_it;
	for (unsigned int round = 0; round < 12; round++) {
		boot(1 + round % 4);
		seed = 1000 + round;
		for (unsigned int i = 0; i < 6; i++) {
			unsigned int n = 1 + i % 3;

			d[i] = machine_domain((domid_t)i, n, 256, 0);
			for (unsigned int v = 0; v < n; v++) {
				struct task *t = start(d[i], v, 0, 0);

				t->random = true;
				t->burst = i % 2 ? chance_in(&seed, 50 * US,
							     20 * MS)
						 : 0;
				t->left = t->burst;
				t->sleep = chance_in(&seed, 50 * US, 30 * MS);
			}
		}
		for (unsigned int i = 0; i < 800; i++) {
			run(chance_in(&seed, 0, 6 * MS));
			meddle(d, 6);
			check_rules();
			check_hunger(3000 * MS);
		}
		machine_end();
	}
	sched_timer_event = NULL;
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, stop)
	const struct CMUnitTest tests[] = {
		T(time_is_shared_by_weight),
		T(extreme_weights_starve_nobody),
		T(a_domain_gains_nothing_by_more_vcpus),
		T(shares_hold_across_cpus),
		T(a_cap_is_kept_alone_and_beside_others),
		T(a_cap_holds_for_all_vcpus_together),
		T(io_gets_in_at_once_beside_busy_loops),
		T(a_sleeper_is_paid_a_small_credit_only),
		T(nobody_waits_long_for_a_turn),
		T(one_vcpu_per_cpu_has_no_tick),
		T(an_idle_machine_is_silent),
		T(yield_lets_the_other_go_first),
		T(no_cpu_idles_beside_waiters),
		T(runstates_add_up),
		T(a_paused_domain_stands_still),
		T(the_rules_hold_whatever_happens),
	};

	return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
