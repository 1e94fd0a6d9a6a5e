/* SPDX-License-Identifier: MIT */
/*
 * The PC's CMOS clock, read once at boot.  It is assumed to hold UTC; the
 * control domain corrects the wall clock (XENPF_settime64) if it knows better.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/atomic.h"
#include "hv/lib/string.h"
#include "hv/time/clock.h"

#define CMOS_INDEX  0x70
#define CMOS_DATA   0x71
#define RTC_A       0x0a
#define RTC_A_UIP   0x80 /* an update begins within 244 us */
#define RTC_B       0x0b
#define RTC_B_24H   0x02
#define RTC_B_BIN   0x04
#define RTC_CENTURY 0x32

static uint8_t cmos(uint8_t reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

/* An update lasts 2 ms; a board without an RTC reads as all ones. */
static bool rtc_wait(void)
{
	uint64_t start = rdtsc();

	while (cmos(RTC_A) & RTC_A_UIP) {
		if (rdtsc() - start > tsc_hz / 100)
			return false;
		cpu_relax();
	}
	return true;
}

static void rtc_read_once(struct rtc_date *d)
{
	uint8_t b = cmos(RTC_B);

	memset(d, 0, sizeof(*d));
	d->sec = cmos(0);
	d->min = cmos(2);
	d->hour = cmos(4);
	d->day = cmos(7);
	d->month = cmos(8);
	d->year = cmos(9);
	d->century = cmos(RTC_CENTURY);
	d->bcd = !(b & RTC_B_BIN);
	d->hours24 = b & RTC_B_24H;
}

uint64_t rtc_read(void)
{
	struct rtc_date a, b;

	for (unsigned int i = 0; i < 8; i++) {
		if (!rtc_wait())
			return 0;
		rtc_read_once(&a);
		rtc_read_once(&b);
		if (!memcmp(&a, &b, sizeof(a)))
			return rtc_seconds(&a);
	}
	return 0;
}
