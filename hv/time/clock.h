/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef HV_TIME_CLOCK_H
#define HV_TIME_CLOCK_H

#include "hv/cpu/cpu.h"
#include "hv/time/pure.h"

extern uint64_t tsc_hz;
/* The TSC value at a system time. */
uint64_t clock_tsc_at(uint64_t ns);

/* calibrate.c; the APIC timer's answer is in ticks per second. */
uint64_t calibrate_tsc(const struct time_sources *src, const char **by,
		       uint32_t *error);
uint64_t calibrate_apic_timer(void);
/* sync.c: make this CPU's TSC the boot CPU's; false if that fails. */
bool tsc_sync(void);
/* rtc.c: seconds since 1970, 0 if it cannot be read. */
uint64_t rtc_read(void);

#endif /* HV_TIME_CLOCK_H */
