/* SPDX-License-Identifier: MIT */
/* Arithmetic of clocks: rates, scales, dates. */
#ifndef HV_TIME_CONVERT_H
#define HV_TIME_CONVERT_H

#include "hv/lib/types.h"

#define NS_PER_SEC 1000000000ull

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

/* Nanoseconds to ticks: @rate is rate_from_hz().  Rounds up. */
uint64_t rate_from_hz(uint64_t hz);
uint64_t rate_ticks(uint64_t rate, uint64_t ns);

/* A reference clock read at about @tsc; the read took @width TSC ticks. */
struct sample {
	uint64_t ref, tsc, width;
};
/*
 * The TSC's rate between two samples of a clock of @ref_hz; 0 if they tell
 * nothing.  *error gets the bound of the relative error, parts per million.
 */
uint64_t rate_between(const struct sample *a, const struct sample *b,
		      uint64_t ref_hz, uint64_t ref_mask, uint32_t *error);

/* What a PC's RTC holds. */
struct rtc_date {
	uint8_t sec, min, hour, day, month, year, century;
	bool bcd, hours24;
};
/* Seconds since 1970, or 0 if that is no date. */
uint64_t rtc_seconds(const struct rtc_date *d);

#endif /* HV_TIME_CONVERT_H */
