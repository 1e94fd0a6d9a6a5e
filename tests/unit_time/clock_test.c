/* SPDX-License-Identifier: MIT */
/*
 * The host clock against the guest's own reading of its words, and the wall
 * clock in the shared page.
 */
#include "tests/unit_time/check.h"
#include "tests/unit_time/fake_asm.h"

#include "hv/time/clock.c"

static struct cpu cpu_struct;
static uint64_t tsc, tsc_rate, rtc_now;

struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus = 1;

struct cpu *test_cpu_get(void)
{
	return &cpu_struct;
}

uint64_t rdtsc(void)
{
	return tsc;
}

uint64_t calibrate_tsc(const struct time_sources *src, const char **by,
		       uint32_t *error)
{
	(void)src;
	*by = "test";
	*error = 0;
	return tsc_rate;
}

uint64_t rtc_read(void)
{
	return rtc_now;
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

static void boot(uint64_t hz, uint64_t rtc)
{
	tsc_rate = hz;
	rtc_now = rtc;
	tsc = 123456789;
	time_boot(NULL);
}

/* As a guest does it: 64 by 32 bits, 96 bits wide. */
static uint64_t guest_reads(const struct pv_vcpu_time_info *i, uint64_t at)
{
	uint64_t delta = at - i->tsc_timestamp;
	unsigned __int128 product;

	delta = i->tsc_shift < 0 ? delta >> -i->tsc_shift
				 : delta << i->tsc_shift;
	product = (unsigned __int128)delta * i->tsc_to_system_mul;
	return i->system_time + (uint64_t)(product >> 32);
}

static void guest_and_hypervisor_read_the_same_for_a_century(void **state)
{
	static const uint64_t hz[] = {800000000, 1000000000, 2593906123,
				      5100000000};
	struct pv_vcpu_time_info info;
	uint64_t seed = 11, start, last;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(hz); i++) {
		boot(hz[i], 1);
		start = tsc;
		last = 0;
		pv_clock_words(&info);
		assert_int_equal(info.flags, PVCLOCK_TSC_STABLE_BIT);
		while (tsc - start < hz[i] * 86400 * 365 * 100) {
			assert_int_equal(guest_reads(&info, tsc), now_ns());
			assert_true(now_ns() >= last);
			last = now_ns();
			tsc += chance_in(&seed, 1, (tsc - start) / 50 + 10);
		}
		/* The hypervisor's deadlines are on the same scale. */
		assert_true(clock_tsc_at(5 * NS_PER_SEC) >=
			    start + 5 * hz[i] - 10);
		assert_true(clock_tsc_at(5 * NS_PER_SEC) <=
			    start + 5 * hz[i] + 1000);
	}
}

/* What a domain that lives @offset ahead sees, in nanoseconds. */
static uint64_t shown(struct pv_shared_info *s, uint64_t offset)
{
	wall_clock_publish(s, offset);
	assert_int_equal(s->wc.version & 1, 0);
	return ((uint64_t)s->wc_sec_hi << 32 | s->wc.sec) * NS_PER_SEC +
	       s->wc.nsec;
}

static void the_wall_clock_is_utc_at_system_time_zero(void **state)
{
	static struct pv_shared_info s;

	(void)state;
	boot(1000000000, 1767225600);
	assert_int_equal(shown(&s, 0), 1767225600 * NS_PER_SEC);
	assert_int_equal(s.wc.version, 2);

	/* The control domain says: it was .25 past, 3 s after boot. */
	wall_clock_set(2000000000, 250000000, 3 * NS_PER_SEC);
	s.wc.version = 7; /* a guest may have written anything */
	assert_int_equal(shown(&s, 0), 1999999997 * NS_PER_SEC + 250000000);
	assert_int_equal(s.wc.version, 8);
	assert_int_equal(shown(&s, 750000000), 1999999998 * NS_PER_SEC);
	/* Beyond 2106. */
	wall_clock_set(5000000000ull, 1, 0);
	assert_int_equal(shown(&s, 0), 5000000000ull * NS_PER_SEC + 1);
	/* Nonsense of the control domain is clamped, not wrapped. */
	wall_clock_set(1, 0, 3 * NS_PER_SEC);
	assert_int_equal(shown(&s, 0), 0);
}

static void without_an_rtc_time_begins_in_1970(void **state)
{
	static struct pv_shared_info s;

	(void)state;
	boot(1000000000, 0);
	assert_int_equal(shown(&s, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			guest_and_hypervisor_read_the_same_for_a_century),
		cmocka_unit_test(the_wall_clock_is_utc_at_system_time_zero),
		cmocka_unit_test(without_an_rtc_time_begins_in_1970),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
