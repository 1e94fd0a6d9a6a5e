/* SPDX-License-Identifier: MIT */
/*
 * Calibration on an imagined machine: a TSC, a PIT, a PM timer that may be
 * missing; accesses take a microsecond or two, and somebody else may take the
 * processor away at any time.  Then two CPUs whose TSCs differ.
 */
#include "tests/unit_time/check.h"
#include "tests/unit_time/fake_asm.h"

#include "hv/time/calibrate.c"
#include "hv/time/sync.c"

static uint64_t seed = 1;
static double now; /* seconds */
static double hz; /* of the TSC */
static unsigned int busy; /* one access in so many loses the CPU, 0: none */
static bool has_pit, has_pm;
static double pit_start_at;
static uint16_t pit_latched;
static bool pit_high;
static struct cpuid_regs leaf15, leaf_hv;
static uint64_t apic_hz;
static double apic_start_at;

uint64_t tsc_hz;
const struct apic_timer_ops *apic_timer;

static struct cpu cpu_struct;
struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus = 1;

static void serve(void);

struct cpu *test_cpu_get(void)
{
	return &cpu_struct;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void *iomap(uint64_t paddr, size_t size)
{
	static uint32_t dead_hpet[1024];

	assert_true(size <= sizeof(dead_hpet));
	dead_hpet[HPET_PERIOD] = 10000000; /* lists itself, stands still */
	return paddr ? dead_hpet : NULL;
}

static void pass(double us)
{
	now += us / 1e6;
	if (busy && chance_in(&seed, 1, busy) == 1)
		now += (double)chance_in(&seed, 100, 20000) / 1e6;
}

static int64_t my_offset; /* this CPU's TSC minus the boot CPU's */
static bool writable;

uint64_t rdtsc(void)
{
	pass(0.02);
	serve();
	return (uint64_t)(now * hz + (double)my_offset);
}

void wrmsr(uint32_t msr, uint64_t v)
{
	assert_int_equal(msr, MSR_TSC);
	if (writable)
		my_offset +=
			(int64_t)(v - (uint64_t)(now * hz + (double)my_offset));
}

uint64_t rdmsr(uint32_t msr)
{
	fail_msg("rdmsr %x", msr);
	return 0;
}

struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs none = {0, 0, 0, 0};

	(void)sub;
	switch (leaf) {
	case 0:
		none.a = 0x16;
		return none;
	case 1:
		none.c = leaf_hv.a ? 1u << 31 : 0;
		return none;
	case 0x15:
		return leaf15;
	case 0x40000000:
		none.a = leaf_hv.a ? 0x40000010 : 0;
		return none;
	case 0x40000010:
		return leaf_hv;
	default:
		return none;
	}
}

static uint64_t pit_ticks(void)
{
	return (uint64_t)((now - pit_start_at) * PIT_HZ);
}

void outb(uint16_t port, uint8_t v)
{
	pass(0.7);
	if (port == PIT_MODE && v == 0x80)
		pit_latched = (uint16_t)(0xffff - pit_ticks());
	if (port == PIT_CH2)
		pit_start_at = now;
	pass(0.7);
}

uint8_t inb(uint16_t port)
{
	uint8_t v;

	pass(1.2);
	if (!has_pit)
		return 0xff;
	if (port == PIT_GATE)
		return pit_ticks() >= 0xffff ? GATE_OUT2 : 0;
	v = pit_high ? pit_latched >> 8 : pit_latched & 0xff;
	pit_high = !pit_high;
	return v;
}

uint32_t inl(uint16_t port)
{
	uint32_t v;

	(void)port;
	pass(0.7);
	v = has_pm ? (uint64_t)(now * 3579545) & 0xffffff : 0xffffffff;
	pass(0.7);
	return v;
}

static void reset(void)
{
	now = 3.25;
	hz = 2593906123.0;
	busy = 0;
	has_pit = has_pm = true;
	refs[REF_HPET].hz = 0;
	pit_high = false;
	leaf15 = leaf_hv = (struct cpuid_regs){0, 0, 0, 0};
	my_offset = 0;
	hpet = NULL;
}

static double ppm_off(uint64_t got)
{
	double off = ((double)got - hz) / hz * 1e6;

	return off < 0 ? -off : off;
}

static void each_clock_gives_the_rate(void **state)
{
	static const struct {
		struct time_sources src;
		bool pit, pm;
		const char *by;
		double ppm;
	} cases[] = {
		{{0, 0x608}, true, true, "pm-timer", 30},
		{{0, 0}, true, true, "pit", 80},
		/* ACPI lists clocks that stand still. */
		{{0xfed00000, 0x608}, true, true, "pm-timer", 30},
		{{0xfed00000, 0x608}, true, false, "pit", 80},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *by;
		uint32_t error;
		uint64_t got;
		double start;

		reset();
		has_pit = cases[i].pit;
		has_pm = cases[i].pm;
		start = now;
		got = calibrate_tsc(&cases[i].src, &by, &error);
		assert_string_equal(by, cases[i].by);
		CHECK(ppm_off(got) < cases[i].ppm, "case %u off %f ppm", i,
		      ppm_off(got));
		assert_true(ppm_off(got) <= error);
		CHECK(now - start < 0.060, "case %u took %f s", i, now - start);
	}
}

static void a_busy_machine_costs_time_not_truth(void **state)
{
	static const struct time_sources pm = {0, 0x608};
	double worst_pm = 0, worst_pit = 0;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		const char *by;
		uint32_t error;
		uint64_t got;

		reset();
		seed = 1000 + i;
		busy = (unsigned int)chance_in(&seed, 10, 3000);
		got = calibrate_tsc(&pm, &by, &error);
		assert_true(got);
		CHECK(ppm_off(got) <= error, "seed %u off %f", 1000 + i,
		      ppm_off(got));
		if (ppm_off(got) > worst_pm)
			worst_pm = ppm_off(got);
		got = calibrate_tsc(NULL, &by, &error);
		if (!got)
			continue; /* away for 55 ms in each run: nobody's fault */
		CHECK(ppm_off(got) <= error, "seed %u off %f", 1000 + i,
		      ppm_off(got));
		if (ppm_off(got) > worst_pit)
			worst_pit = ppm_off(got);
	}
	CHECK(worst_pm < 60, "pm timer off %f ppm", worst_pm);
	CHECK(worst_pit < 150, "pit off %f ppm", worst_pit);
}

static void what_the_processor_says_is_taken(void **state)
{
	const char *by;
	uint32_t error;

	(void)state;
	reset();
	leaf15 = (struct cpuid_regs){2, 216, 24000000, 0};
	assert_int_equal(calibrate_tsc(NULL, &by, &error), 2592000000u);
	assert_string_equal(by, "cpuid");
	leaf15.c = 0; /* a ratio without the crystal's frequency is no rate */
	leaf_hv.a = 2593906;
	assert_int_equal(calibrate_tsc(NULL, &by, &error), 2593906000u);
}

static void no_clock_at_all_is_an_answer(void **state)
{
	const char *by;
	uint32_t error;

	(void)state;
	reset();
	has_pit = has_pm = false;
	assert_int_equal(calibrate_tsc(NULL, &by, &error), 0);
}

/* ---- the APIC timer ---------------------------------------------------------- */

static void apic_set_count(uint32_t count)
{
	pass(0.5);
	apic_start_at = count ? now : 0;
	pass(0.5);
}

static uint32_t apic_get_count(void)
{
	uint32_t count;

	pass(0.5);
	count = UINT32_MAX -
		(uint32_t)((now - apic_start_at) * (double)apic_hz);
	pass(0.5);
	return count;
}

static const struct apic_timer_ops ops = {NULL, apic_set_count, apic_get_count};

static void the_apic_timer_is_measured(void **state)
{
	static const uint64_t rates[] = {24000000, 100000000, 1000000000};

	(void)state;
	apic_timer = &ops;
	for (unsigned int i = 0; i < 60; i++) {
		double off, rate;

		reset();
		seed = i + 1;
		busy = i < 3 ? 0 : 40000;
		tsc_hz = (uint64_t)hz;
		apic_hz = rates[i % 3];
		rate = (double)apic_hz;
		off = ((double)calibrate_apic_timer() - rate) / rate * 1e6;
		CHECK(off > -700 && off < 700, "seed %u off %f ppm", i + 1,
		      off);
		assert_true(apic_start_at == 0); /* stopped */
	}
}

/* ---- two CPUs ------------------------------------------------------------------ */

static bool serving, answering;

/* The boot CPU polls all the time that this one spends. */
static void serve(void)
{
	int64_t mine = my_offset;

	if (!serving || answering)
		return;
	answering = true;
	my_offset = 0;
	time_sync_serve();
	my_offset = mine;
	answering = false;
}

static void a_tsc_that_differs_is_corrected(void **state)
{
	static const int64_t offsets[] = {1000000000000, -1000000000000,
					  5000000, -70000};

	(void)state;
	serving = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++) {
		reset();
		now = 1000; /* the TSC stays positive */
		tsc_hz = (uint64_t)hz;
		writable = true;
		my_offset = offsets[i];
		assert_true(tsc_sync());
		CHECK(my_offset > -2000 && my_offset < 2000, "left %ld",
		      my_offset);
	}
	serving = false;
}

static void one_that_cannot_be_written_is_told(void **state)
{
	(void)state;
	reset();
	now = 1000;
	tsc_hz = (uint64_t)hz;
	serving = true;
	writable = false;
	my_offset = 123456789;
	assert_false(tsc_sync());
	serving = false;
}

static void equal_tscs_and_a_silent_boot_cpu_change_nothing(void **state)
{
	(void)state;
	reset();
	tsc_hz = (uint64_t)hz;
	writable = true;
	serving = true;
	assert_true(tsc_sync());
	assert_int_equal(my_offset, 0);
	serving = false;
	my_offset = 5000000;
	assert_true(tsc_sync());
	assert_int_equal(my_offset, 5000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_clock_gives_the_rate),
		cmocka_unit_test(a_busy_machine_costs_time_not_truth),
		cmocka_unit_test(what_the_processor_says_is_taken),
		cmocka_unit_test(no_clock_at_all_is_an_answer),
		cmocka_unit_test(the_apic_timer_is_measured),
		cmocka_unit_test(a_tsc_that_differs_is_corrected),
		cmocka_unit_test(one_that_cannot_be_written_is_told),
		cmocka_unit_test(
			equal_tscs_and_a_silent_boot_cpu_change_nothing),
	};

	return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
