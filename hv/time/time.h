/* SPDX-License-Identifier: MIT */
/* The time room's door: the host clock, calibration, timers. */
#ifndef HV_TIME_TIME_H
#define HV_TIME_TIME_H

#include "hv/lib/types.h"

/* Nanoseconds since boot, the same on every CPU, from the TSC. */
uint64_t now_ns(void);
/* TSC ticks to nanoseconds as the PV clock says it: (ticks << shift) * mul >> 32. */
extern uint32_t tsc_to_ns_mul;
extern int8_t tsc_to_ns_shift;
extern uint64_t tsc_khz;
/* Seconds and nanoseconds since 1970 at now_ns() == 0, UTC, from the RTC. */
void wall_clock_base(uint64_t *sec, uint32_t *nsec);
void wall_clock_set(uint64_t sec, uint32_t nsec, uint64_t system_time);

/* A one-shot timer; fn runs on the CPU that owns it, interrupts off. */
struct timer {
	uint64_t expires; /* now_ns() time                               */
	void (*fn)(void *arg);
	void *arg;
	uint32_t cpu;
	uint32_t slot; /* place in the heap, 0: not set                   */
};
void timer_init(struct timer *t, void (*fn)(void *arg), void *arg,
		unsigned int cpu);
void timer_set(struct timer *t, uint64_t expires);
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, unsigned int cpu);

void time_boot(void); /* boot CPU: calibrate, LAPIC timer       */
void time_boot_cpu(void); /* each further CPU                       */
void time_interrupt(void); /* the LAPIC timer's vector               */
void timers_run(void); /* expired timers of this CPU; on the exit path */

#endif /* HV_TIME_TIME_H */
