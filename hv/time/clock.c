/* SPDX-License-Identifier: MIT */
/*
 * The host clock and the wall clock.
 *
 * System time is the TSC since time_boot(), scaled.  The base is one pair of
 * numbers for all CPUs and for ever: a guest's clock words are constant, its
 * clock cannot step where a vcpu moves, and PVCLOCK_TSC_STABLE_BIT is true.  A
 * CPU whose TSC cannot be made to agree (sync.c) is not used.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/bug.h"
#include "hv/lib/log.h"
#include "hv/time/clock.h"

uint32_t tsc_to_ns_mul;
int8_t tsc_to_ns_shift;
uint64_t tsc_khz, tsc_hz;

static uint64_t tsc_boot; /* the TSC at system time 0                       */
static uint64_t ns_to_tsc; /* rate_ticks() rate                             */

static spinlock_t wall_lock = SPINLOCK_INIT(RUNG_TIMER);
static uint64_t wall_ns; /* UTC at system time 0, since 1970               */

uint64_t now_ns(void)
{
	struct scale s = {tsc_to_ns_mul, tsc_to_ns_shift};

	return scale_ticks(s, rdtsc() - tsc_boot);
}

uint64_t clock_tsc_at(uint64_t ns)
{
	return tsc_boot + rate_ticks(ns_to_tsc, ns);
}

void pv_clock_words(struct pv_vcpu_time_info *info)
{
	info->tsc_timestamp = tsc_boot;
	info->system_time = 0;
	info->tsc_to_system_mul = tsc_to_ns_mul;
	info->tsc_shift = tsc_to_ns_shift;
	info->flags = PVCLOCK_TSC_STABLE_BIT;
}

void time_boot(const struct time_sources *src)
{
	struct scale s;
	const char *by;
	uint32_t error;
	uint64_t rtc;

	tsc_hz = calibrate_tsc(src, &by, &error);
	if (!tsc_hz)
		panic("time: no clock to calibrate the TSC with");
	tsc_khz = tsc_hz / 1000;
	ns_to_tsc = rate_from_hz(tsc_hz);
	s = scale_from_hz(tsc_hz);
	tsc_boot = rdtsc();
	tsc_to_ns_shift = s.shift;
	tsc_to_ns_mul = s.mul;
	log_info("time: tsc runs, khz=%lu by=%s error_ppm=%u", tsc_khz, by,
		 error);
	rtc = rtc_read();
	if (!rtc)
		log_warn("time: rtc has no date, wall clock starts at 1970");
	wall_clock_set(rtc, 0, now_ns());
}

void wall_clock_set(uint64_t sec, uint32_t nsec, uint64_t system_time)
{
	uint64_t ns = sec * NS_PER_SEC + nsec;

	spin_lock(&wall_lock);
	wall_ns = ns > system_time ? ns - system_time : 0;
	spin_unlock(&wall_lock);
}

void wall_clock_publish(struct pv_shared_info *s, uint64_t offset_ns)
{
	uint32_t version;
	uint64_t ns;

	/* The lock keeps two publishers of one page apart. */
	spin_lock(&wall_lock);
	ns = wall_ns + offset_ns;
	/* HOSTILE: a guest that writes the version confuses itself alone. */
	version = READ_ONCE(s->wc.version) | 1;
	WRITE_ONCE(s->wc.version, version);
	smp_wmb(); /* ORDER: odd version, words, even version */
	WRITE_ONCE(s->wc.sec, (uint32_t)(ns / NS_PER_SEC));
	WRITE_ONCE(s->wc_sec_hi, (uint32_t)(ns / NS_PER_SEC >> 32));
	WRITE_ONCE(s->wc.nsec, (uint32_t)(ns % NS_PER_SEC));
	smp_wmb();
	WRITE_ONCE(s->wc.version, version + 1);
	spin_unlock(&wall_lock);
}
