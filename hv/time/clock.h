/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef HV_TIME_CLOCK_H
#define HV_TIME_CLOCK_H

#include "hv/cpu/cpu.h"
#include "hv/time/convert.h"
#include "hv/time/time.h"

/* One CPU's timers, at cpu->timers. */
struct cpu_timers {
	spinlock_t lock; /* RUNG_TIMER: heap, armed, due, running            */
	struct timer *heap;
	struct timer *running; /* whose fn is being called                   */
	uint64_t armed; /* when the APIC timer will fire, TIME_NEVER: not    */
	bool due; /* timers_run() has to look                                */
	int64_t tsc_offset; /* add to this CPU's TSC to get the boot CPU's    */
};

extern uint64_t tsc_hz;

/* calibrate.c */
uint64_t calibrate_tsc(const struct time_sources *src, const char **by,
		       uint32_t *error);
/* Ticks per second of the APIC timer. */
uint64_t calibrate_apic_timer(void);
/* sync.c: this CPU's offset to the boot CPU, corrected if that is possible. */
int64_t tsc_sync(void);
/* rtc.c: seconds since 1970, 0 if it cannot be read. */
uint64_t rtc_read(void);
/* clock.c: a CPU whose TSC could not be corrected. */
void clock_skew(void);
/* The TSC value of this CPU at a system time. */
uint64_t clock_tsc_at(uint64_t ns);

#endif /* HV_TIME_CLOCK_H */
