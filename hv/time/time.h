/* SPDX-License-Identifier: MIT */
/*
 * The time room's door: the host clock, calibration, timers.
 *
 * System time is nanoseconds since boot, read from the TSC, the same on every
 * CPU.  Guests compute it themselves from the words of pv_clock_words().
 */
#ifndef HV_TIME_TIME_H
#define HV_TIME_TIME_H

#include <pv/start_info.h>

#include "hv/lib/types.h"

#define TIME_NEVER INT64_MAX

/* ---- the clock */
/* Nanoseconds since boot; 0 until time_boot() has run. */
uint64_t now_ns(void);
/* Ticks to nanoseconds as the PV clock says it: (ticks << shift) * mul >> 32. */
extern uint32_t tsc_to_ns_mul;
extern int8_t tsc_to_ns_shift;
extern uint64_t tsc_khz;
/* What a guest needs to read it: all but the version.  It never changes. */
void pv_clock_words(struct pv_vcpu_time_info *info);

/* UTC is sec.nsec when the system time is @system_time (XENPF_settime64). */
void wall_clock_set(uint64_t sec, uint32_t nsec, uint64_t system_time);
/* Show it to a domain that lives @offset_ns ahead; after wall_clock_set() too. */
void wall_clock_publish(struct pv_shared_info *s, uint64_t offset_ns);

/* ---- timers */
/*
 * A one-shot timer: fn runs once, on the CPU that owns the timer, interrupts
 * off, no lock held, at or after @expires; it may set the timer again.  Any
 * lock below RUNG_TIMER may be held for set, stop and migrate; a migration may
 * not race with another call.
 */
struct timer {
	uint64_t expires; /* system time                                     */
	void (*fn)(void *arg);
	void *arg;
	struct timer *child, *next, *prev; /* heap.c                         */
	uint32_t cpu;
	bool set;
};
void timer_init(struct timer *t, void (*fn)(void *arg), void *arg,
		unsigned int cpu);
void timer_set(struct timer *t, uint64_t expires);
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, unsigned int cpu);
/* Stop, and wait until fn is not running on another CPU: before freeing. */
void timer_kill(struct timer *t);

void time_interrupt(void); /* the APIC timer's vector                        */
/* Expired timers of this CPU; on every exit path, cheap when none is due. */
void timers_run(void);
/*
 * Interrupt another CPU so that it passes its exit path (timers_run,
 * schedule).  Set at boot.
 */
extern void (*sched_kick_cpu)(unsigned int cpu);

/* ---- boot */
/* Clocks of known rate, from ACPI; 0: not there.  The PIT is the fallback. */
struct time_sources {
	uint64_t hpet_base; /* machine address                               */
	uint16_t pm_timer; /* I/O port                                       */
};
/* Boot CPU, first: calibrate the TSC, read the RTC.  At most about 60 ms. */
void time_boot(const struct time_sources *src);

/* The local APIC's timer at divide 1; set by dev before time_boot_cpu(). */
struct apic_timer_ops {
	void (*setup)(bool deadline); /* unmask, as one-shot or TSC deadline */
	void (*set_count)(uint32_t count); /* 0 stops it                     */
	uint32_t (*get_count)(void);
};
extern const struct apic_timer_ops *apic_timer;

/*
 * Each CPU, on itself, the boot CPU included: its heap, its APIC timer.  A
 * CPU whose TSC is not the boot CPU's and cannot be set stops here.
 */
void time_boot_cpu(void);
/* The boot CPU, all the time that it waits for a CPU to start: compare TSCs. */
void time_sync_serve(void);

#endif /* HV_TIME_TIME_H */
