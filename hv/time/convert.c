/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of clocks: rates, scales, dates.
 *
 * A guest turns TSC ticks into nanoseconds by a shift and a 32.32 multiply.
 * The multiplier is kept in [2^31, 2^32), so that its rounding is below one
 * part in 2^31, two seconds in a century; the hypervisor uses the same words,
 * so both sides read the same clock to the nanosecond.
 *
 * PURE  Built for tests/unit_time too.
 */
#include "hv/time/pure.h"

struct scale scale_from_hz(uint64_t hz)
{
	struct scale s = {0, 0};

	while (hz > 2 * NS_PER_SEC) {
		hz >>= 1;
		s.shift--;
	}
	while (hz <= NS_PER_SEC) {
		hz <<= 1;
		s.shift++;
	}
	s.mul = (uint32_t)((NS_PER_SEC << 32) / hz);
	return s;
}

/*
 * Ticks per nanosecond with 28 bits of fraction: good up to 2^35 Hz.  Rounded
 * up, so that a timer is never early by what now_ns() rounds down.
 */
uint64_t rate_from_hz(uint64_t hz)
{
	return (hz << 28) / NS_PER_SEC + 2;
}

uint64_t rate_ticks(uint64_t rate, uint64_t ns)
{
	return (uint64_t)((unsigned __int128)(ns + 1) * rate >> 28) + 1;
}

uint64_t rate_between(const struct sample *a, const struct sample *b,
		      uint64_t ref_hz, uint64_t ref_mask, uint32_t *error)
{
	uint64_t refs = (b->ref - a->ref) & ref_mask;
	uint64_t ticks = b->tsc - a->tsc;
	uint64_t blur;

	*error = UINT32_MAX;
	/* Too long a wait would overflow below; it is repeated anyway. */
	if (refs == 0 || ticks == 0 || ticks > UINT64_MAX / ref_hz)
		return 0;
	/* Each end is off by half its read and by less than one ref tick. */
	blur = (a->width + b->width) / 2 + 2 * ticks / refs;
	if (blur < ticks)
		*error = (uint32_t)(blur * 1000 / (ticks / 1000 + 1));
	return ticks * ref_hz / refs;
}

/* Days from 1970-01-01 in the Gregorian calendar; years begin in March. */
static uint64_t rtc_days(unsigned int year, unsigned int month,
			 unsigned int day)
{
	unsigned int y = month <= 2 ? year - 1 : year;
	unsigned int m = month <= 2 ? month + 9 : month - 3;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	       day - 1 - 719468;
}

uint64_t rtc_seconds(const uint8_t field[RTC_FIELDS], bool bcd, bool hours24)
{
	bool pm = !hours24 && field[RTC_HOUR] & 128;
	unsigned int n[RTC_FIELDS], i;

	for (i = 0; i < RTC_FIELDS; i++) {
		n[i] = field[i] & (i == RTC_HOUR && pm ? 127 : 255);
		if (bcd)
			n[i] = (n[i] >> 4) * 10 + (n[i] & 15);
	}
	if (!hours24)
		n[RTC_HOUR] = n[RTC_HOUR] % 12 + (pm ? 12 : 0);
	/* The century register is not on every board. */
	if (n[RTC_CENTURY] < 19 || n[RTC_CENTURY] > 29)
		n[RTC_CENTURY] = n[RTC_YEAR] < 70 ? 20 : 19;
	n[RTC_YEAR] += n[RTC_CENTURY] * 100;
	if (n[RTC_YEAR] < 1970 || n[RTC_MONTH] < 1 || n[RTC_MONTH] > 12 ||
	    n[RTC_DAY] < 1 || n[RTC_DAY] > 31 || n[RTC_HOUR] > 23 ||
	    n[RTC_MIN] > 59 || n[RTC_SEC] > 60)
		return 0;
	return rtc_days(n[RTC_YEAR], n[RTC_MONTH], n[RTC_DAY]) * 86400 +
	       n[RTC_HOUR] * 3600 + n[RTC_MIN] * 60 + n[RTC_SEC];
}
