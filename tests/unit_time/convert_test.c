/* SPDX-License-Identifier: MIT */
/* Clock arithmetic: scales, rates, samples, dates. */
#include <time.h>

#include "hv/time/pure.h"
#include "tests/unit_time/check.h"

#define YEAR_NS (365ull * 86400 * NS_PER_SEC)

static const uint64_t rates[] = {
	1000000,    25000000,   100000000,  999999999,  1000000000,
	1000000001, 1193182000, 1999999999, 2000000000, 2000000001,
	2593905000, 3579545000, 4000000001, 5800000000, 32000000000,
};

static void a_scale_is_exact_to_its_last_bit(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		struct scale s = scale_from_hz(rates[i]);
		unsigned __int128 ticks = (unsigned __int128)rates[i] * 3600;
		uint64_t ns = scale_ticks(s, (uint64_t)ticks);
		uint64_t hour = 3600 * NS_PER_SEC;
		uint64_t off = ns > hour ? ns - hour : hour - ns;

		assert_true(s.mul >> 31);
		/* 2^-31 of the multiplier, one tick of the shift. */
		CHECK(off <= hour / (1ull << 30) + 2, "hz=%lu off=%lu",
		      rates[i], off);
	}
}

static void a_scale_never_goes_back_nor_overflows(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		struct scale s = scale_from_hz(rates[i]);
		uint64_t last = 0, ticks = 0, ns;

		while (last < 100 * YEAR_NS && ticks < 1ull << 63) {
			ns = scale_ticks(s, ticks);
			CHECK(ns >= last, "hz=%lu ticks=%lu", rates[i], ticks);
			last = ns;
			ticks += chance_in(&seed, 0, ticks / 7 + 3);
		}
	}
}

static void linux_finds_the_rate_in_the_scale(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < ARRAY_SIZE(rates); i++) {
		struct scale s = scale_from_hz(rates[i]);
		uint64_t khz = (1000000ull << 32) / s.mul;
		uint64_t want = rates[i] / 1000;

		khz = s.shift < 0 ? khz << -s.shift : khz >> s.shift;
		CHECK(khz + 1 + want / 1000000 >= want &&
			      khz <= want + 1 + want / 1000000,
		      "hz=%lu khz=%lu", rates[i], khz);
	}
}

static void a_timer_in_ticks_is_never_early_and_hardly_late(void **state)
{
	uint64_t seed = 4711;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		struct scale s = scale_from_hz(rates[i]);
		uint64_t rate = rate_from_hz(rates[i]);

		for (unsigned int n = 0; n < 2000; n++) {
			uint64_t want =
				chance(&seed) >> chance_in(&seed, 20, 60);
			uint64_t at = scale_ticks(s, rate_ticks(rate, want));
			uint64_t tick = NS_PER_SEC / rates[i] + 2;

			CHECK(at >= want, "hz=%lu want=%lu at=%lu", rates[i],
			      want, at);
			CHECK(at - want <= want / (rate / 3) + 2 * tick,
			      "hz=%lu want=%lu at=%lu", rates[i], want, at);
		}
	}
}

static void two_samples_give_the_rate(void **state)
{
	struct sample a = {0xfffff0, 1000, 200};
	struct sample b = {0x000fff & 0xffffff, 0, 300};
	uint64_t hz, pm = 3579545, refs = 0x100f;
	uint32_t error;

	(void)state;
	/* Across the wrap of a 24-bit counter. */
	b.tsc = a.tsc + refs * 3000000000ull / pm;
	hz = rate_between(&a, &b, pm, 0xffffff, &error);
	assert_in_range(hz, 2999000000u, 3001000000u);
	assert_in_range(error, 1, 1000);
	/* Nothing moved. */
	assert_int_equal(rate_between(&a, &a, pm, 0xffffff, &error), 0);
	assert_int_equal(error, UINT32_MAX);
	/* The CPU was away for an hour. */
	b.tsc = a.tsc + 3600 * 3000000000ull;
	assert_int_equal(rate_between(&a, &b, 100000000, ~0ull, &error), 0);
}

struct date {
	uint8_t field[RTC_FIELDS];
	bool bcd, hours24;
};

static struct date date_of(time_t t, bool bcd, bool hours24)
{
	struct date d = {.bcd = bcd, .hours24 = hours24};
	struct tm tm;

	gmtime_r(&t, &tm);
	d.field[RTC_SEC] = (uint8_t)tm.tm_sec;
	d.field[RTC_MIN] = (uint8_t)tm.tm_min;
	d.field[RTC_HOUR] = (uint8_t)tm.tm_hour;
	d.field[RTC_DAY] = (uint8_t)tm.tm_mday;
	d.field[RTC_MONTH] = (uint8_t)(tm.tm_mon + 1);
	d.field[RTC_YEAR] = (uint8_t)(tm.tm_year % 100);
	d.field[RTC_CENTURY] = (uint8_t)((tm.tm_year + 1900) / 100);
	if (!hours24)
		d.field[RTC_HOUR] = (uint8_t)((tm.tm_hour + 11) % 12 + 1);
	for (unsigned int i = 0; bcd && i < RTC_FIELDS; i++)
		d.field[i] = (uint8_t)(d.field[i] / 10 << 4 | d.field[i] % 10);
	if (!hours24 && tm.tm_hour >= 12)
		d.field[RTC_HOUR] |= 0x80;
	return d;
}

static uint64_t seconds(const struct date *d)
{
	return rtc_seconds(d->field, d->bcd, d->hours24);
}

static void dates_are_those_of_the_c_library(void **state)
{
	uint64_t seed = 1582;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		/* 1970 to 2999. */
		time_t t = (time_t)chance_in(&seed, 1, 32503679999ull);
		struct date d = date_of(t, i & 1, i & 2);

		CHECK(seconds(&d) == (uint64_t)t, "t=%ld", (long)t);
	}
}

static void a_board_without_a_century_has_a_date(void **state)
{
	struct date d = date_of(1767225599, true, true); /* 2025-12-31 */

	(void)state;
	d.field[RTC_CENTURY] = 0;
	assert_int_equal(seconds(&d), 1767225599);
	d.field[RTC_CENTURY] = 0xff;
	assert_int_equal(seconds(&d), 1767225599);
	d.field[RTC_YEAR] = 0x99;
	assert_int_equal(seconds(&d), 946684799);
}

static void nonsense_is_no_date(void **state)
{
	static const struct {
		enum rtc_field field;
		uint8_t value;
	} bad[] = {{RTC_MONTH, 0},  {RTC_MONTH, 0x13}, {RTC_DAY, 0},
		   {RTC_DAY, 0x32}, {RTC_HOUR, 0x24},  {RTC_MIN, 0x60},
		   {RTC_SEC, 0x61}};
	struct date d;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		d = date_of(1767225599, true, true);
		d.field[bad[i].field] = bad[i].value;
		assert_int_equal(seconds(&d), 0);
	}
	memset(d.field, 0xff, sizeof(d.field));
	assert_int_equal(seconds(&d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scale_is_exact_to_its_last_bit),
		cmocka_unit_test(a_scale_never_goes_back_nor_overflows),
		cmocka_unit_test(linux_finds_the_rate_in_the_scale),
		cmocka_unit_test(
			a_timer_in_ticks_is_never_early_and_hardly_late),
		cmocka_unit_test(two_samples_give_the_rate),
		cmocka_unit_test(dates_are_those_of_the_c_library),
		cmocka_unit_test(a_board_without_a_century_has_a_date),
		cmocka_unit_test(nonsense_is_no_date),
	};

	return cmocka_run_group_tests_name("clock arithmetic", tests, NULL,
					   NULL);
}
