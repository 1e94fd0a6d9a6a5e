/* SPDX-License-Identifier: MIT */
/* What this room decides without the machine: heap.c, convert.c. */
#ifndef HV_TIME_PURE_H
#define HV_TIME_PURE_H

#include "hv/time/time.h"

#define NS_PER_SEC 1000000000ull

/* A heap is a pointer to its earliest timer, NULL when empty. */
void heap_insert(struct timer **heap, struct timer *t);
void heap_remove(struct timer **heap, struct timer *t);

/* Ticks of a clock to nanoseconds, in the PV clock's terms. */
struct scale {
	uint32_t mul;
	int8_t shift;
};
struct scale scale_from_hz(uint64_t hz);

static inline uint64_t scale_ticks(struct scale s, uint64_t ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (uint64_t)((unsigned __int128)ticks * s.mul >> 32);
}

/* Nanoseconds to ticks, rounded up: @rate is rate_from_hz(). */
uint64_t rate_from_hz(uint64_t hz);
uint64_t rate_ticks(uint64_t rate, uint64_t ns);

/* A reference clock read at about @tsc; the read took @width TSC ticks. */
struct sample {
	uint64_t ref, tsc, width;
};
/*
 * The TSC's rate between two samples of a clock of @ref_hz; 0 if they tell
 * nothing.  *error: the bound of the relative error, parts per million.
 */
uint64_t rate_between(const struct sample *a, const struct sample *b,
		      uint64_t ref_hz, uint64_t ref_mask, uint32_t *error);

/* Seconds since 1970 from a PC's RTC, or 0 if that is no date. */
enum rtc_field {
	RTC_SEC,
	RTC_MIN,
	RTC_HOUR,
	RTC_DAY,
	RTC_MONTH,
	RTC_YEAR,
	RTC_CENTURY,
	RTC_FIELDS,
};
uint64_t rtc_seconds(const uint8_t field[RTC_FIELDS], bool bcd, bool hours24);

#endif /* HV_TIME_PURE_H */
