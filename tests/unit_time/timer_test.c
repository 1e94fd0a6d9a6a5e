/* SPDX-License-Identifier: MIT */
/*
 * Timers on an imagined machine of three CPUs: each has a one-shot counter of
 * 1 GHz and a kick line, and runs only when one of them fires.
 */
#include "tests/unit_time/check.h"
#include "tests/unit_time/fake_asm.h"

#include "hv/time/timer.c"

#define CPUS   3
#define TIMERS 60

static struct cpu cpu_structs[CPUS], *here;
static uint64_t now, fires[CPUS]; /* when the counter ends; 0: stopped */
static bool kicked[CPUS];
static unsigned int programmed;

struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus = CPUS;
uint64_t tsc_hz = 1000000000;

struct cpu *test_cpu_get(void)
{
	return here;
}

uint64_t now_ns(void)
{
	return now;
}

struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
	(void)leaf;
	(void)sub;
	return (struct cpuid_regs){0, 0, 0, 0};
}

void wrmsr(uint32_t msr, uint64_t v)
{
	fail_msg("wrmsr %x %lx", msr, v);
}

uint64_t clock_tsc_at(uint64_t ns)
{
	return ns;
}

bool tsc_sync(void)
{
	return true;
}

uint64_t calibrate_apic_timer(void)
{
	return 1000000000;
}

void *hv_alloc(size_t size)
{
	return calloc(1, size);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	abort();
}

static void apic_setup(bool deadline)
{
	assert_false(deadline);
}

static void apic_set_count(uint32_t count)
{
	assert_true(count > 0);
	programmed++;
	fires[here->id] = now + count;
}

static uint32_t apic_get_count(void)
{
	return 0;
}

static const struct apic_timer_ops ops = {apic_setup, apic_set_count,
					  apic_get_count};

static void kick(unsigned int cpu)
{
	assert_int_not_equal(cpu, here->id);
	kicked[cpu] = true;
}

static struct model {
	struct timer t;
	uint64_t due; /* 0: must not fire */
	unsigned int fired;
	uint64_t again; /* fn sets it again, so much later */
} models[TIMERS];

static void fn(void *arg)
{
	struct model *m = arg;

	assert_int_equal(m->t.cpu, here->id);
	assert_int_not_equal(m->due, 0);
	assert_true(now >= m->due);
	assert_true(now <= m->due + 2000);
	m->due = 0;
	m->fired++;
	if (m->again) {
		m->due = now + m->again;
		timer_set(&m->t, m->due);
	}
}

static void boot(void)
{
	apic_timer = &ops;
	sched_kick_cpu = kick;
	now = 1000;
	memset(models, 0, sizeof(models));
	for (unsigned int i = 0; i < CPUS; i++) {
		cpu_structs[i].id = i;
		cpus[i] = here = &cpu_structs[i];
		fires[i] = 0;
		kicked[i] = false;
		time_boot_cpu();
	}
	for (unsigned int i = 0; i < TIMERS; i++)
		timer_init(&models[i].t, fn, &models[i], i % CPUS);
	here = cpus[0];
	programmed = 0;
}

static int stop(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CPUS; i++)
		free(cpu_structs[i].timers);
	return 0;
}

/* Let the machine run until @until; interrupts arrive within 1 us. */
static void run(uint64_t until)
{
	for (;;) {
		uint64_t next = until;
		int cpu = -1;

		for (int i = 0; i < CPUS; i++) {
			uint64_t at = kicked[i] ? now : fires[i];

			if (at && at < next) {
				next = at;
				cpu = i;
			}
		}
		if (cpu < 0)
			break;
		now = max(now, next) + 500;
		here = cpus[cpu];
		kicked[cpu] = false;
		if (fires[cpu] && fires[cpu] <= now) {
			fires[cpu] = 0;
			time_interrupt();
		}
		timers_run();
	}
	now = max(now, until);
}

static void timers_fire_once_in_time_wherever_they_are(void **state)
{
	uint64_t seed = 31337, set = 0, fired = 0, stopped = 0;

	(void)state;
	boot();
	for (unsigned int step = 0; step < 30000; step++) {
		struct model *m = &models[chance_in(&seed, 0, TIMERS - 1)];

		here = cpus[chance_in(&seed, 0, CPUS - 1)];
		switch (chance_in(&seed, 0, 5)) {
		case 0 ... 2:
			stopped += m->due != 0;
			set++;
			m->due = now + chance_in(&seed, 0, 3000000);
			timer_set(&m->t, m->due);
			break;
		case 3:
			stopped += m->due != 0;
			timer_stop(&m->t);
			m->due = 0;
			break;
		case 4:
			timer_migrate(&m->t, here->id);
			break;
		default:
			run(now + chance_in(&seed, 0, 200000));
		}
	}
	run(now + 10000000);
	for (unsigned int i = 0; i < TIMERS; i++) {
		assert_int_equal(models[i].due, 0);
		fired += models[i].fired;
	}
	assert_int_equal(fired + stopped, set);
}

static void a_later_deadline_costs_no_register_write(void **state)
{
	struct model *m = &models[0];

	(void)state;
	boot();
	m->due = now + 1000000;
	timer_set(&m->t, m->due);
	assert_int_equal(programmed, 1);
	for (unsigned int i = 0; i < 100; i++) {
		m->due += 1000;
		timer_set(&m->t, m->due);
	}
	assert_int_equal(programmed, 1);
	run(now + 2000000);
	assert_int_equal(m->fired, 1);
	assert_int_equal(programmed, 2); /* once too early, then right */
}

static void a_long_wait_is_made_of_counters_that_end(void **state)
{
	struct model *m = &models[0];

	(void)state;
	boot();
	m->due = now + 60 * NS_PER_SEC;
	timer_set(&m->t, m->due);
	run(now + 61 * NS_PER_SEC);
	assert_int_equal(m->fired, 1);
	assert_in_range(programmed, 14, 16);
	timer_set(&m->t, UINT64_MAX); /* never */
	run(now + 10 * NS_PER_SEC);
	assert_int_equal(m->fired, 1);
}

static void a_past_deadline_fires_at_the_next_exit(void **state)
{
	struct model *m = &models[0];

	(void)state;
	boot();
	m->due = 1;
	now = 1500;
	timer_set(&m->t, 1);
	run(now + 1000);
	assert_int_equal(m->fired, 1);
}

static void a_timer_may_set_itself_again(void **state)
{
	struct model *m = &models[1];

	(void)state;
	boot();
	m->again = 1000000;
	m->due = now + 1000000;
	timer_set(&m->t, m->due);
	run(now + 100 * 1000000 + 500000);
	assert_in_range(m->fired, 99, 100);
	m->again = 0;
	timer_kill(&m->t);
	m->due = 0;
	run(now + 100000000);
	assert_in_range(m->fired, 99, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			timers_fire_once_in_time_wherever_they_are, stop),
		cmocka_unit_test_teardown(
			a_later_deadline_costs_no_register_write, stop),
		cmocka_unit_test_teardown(
			a_long_wait_is_made_of_counters_that_end, stop),
		cmocka_unit_test_teardown(
			a_past_deadline_fires_at_the_next_exit, stop),
		cmocka_unit_test_teardown(a_timer_may_set_itself_again, stop),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
