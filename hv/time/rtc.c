/* SPDX-License-Identifier: MIT */
/*
 * The PC's CMOS clock, read once at boot.  It is assumed to hold UTC; the
 * control domain corrects the wall clock (XENPF_settime64) if it knows better.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/atomic.h"
#include "hv/lib/string.h"
#include "hv/time/clock.h"

#define RTC_A 0x0a /* bit 7: an update begins within 244 us            */
#define RTC_B 0x0b /* bit 1: 24 hours, 2: binary                       */

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

/* False while an update is near or under way. */
static bool rtc_read_once(uint8_t field[RTC_FIELDS])
{
	static const uint8_t at[RTC_FIELDS] = {0, 2, 4, 7, 8, 9, 0x32};

	if (cmos(RTC_A) & 0x80)
		return false;
	for (unsigned int i = 0; i < RTC_FIELDS; i++)
		field[i] = cmos(at[i]);
	return true;
}

uint64_t rtc_read(void)
{
	uint8_t a[RTC_FIELDS], b[RTC_FIELDS], mode;
	uint64_t start = rdtsc();

	/* An update lasts 2 ms; a board without an RTC reads as all ones. */
	while (!rtc_read_once(a) || !rtc_read_once(b) ||
	       memcmp(a, b, sizeof(a))) {
		if (rdtsc() - start > tsc_hz / 50)
			return 0;
		cpu_relax();
	}
	mode = cmos(RTC_B);
	return rtc_seconds(a, !(mode & 4), mode & 2);
}
