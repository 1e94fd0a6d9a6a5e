/* SPDX-License-Identifier: MIT */
/*
 * Is a starting CPU's TSC that of the boot CPU?
 *
 * The starting CPU asks, the boot CPU answers with its TSC, a few dozen times.
 * The answer was read between the question and its arrival, so the narrowest
 * exchange bounds the offset best.  An offset within the bracket is none:
 * nobody can see it through memory.  A real one is written away.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/log.h"
#include "hv/time/clock.h"

#define MSR_TSC        0x10
#define MSR_TSC_ADJUST 0x3b
#define ROUNDS         32
#define ATTEMPTS       3

/* One CPU starts at a time. */
static uint32_t sync_asked, sync_answered;
static uint64_t sync_tsc;

void time_sync_serve(void)
{
	uint32_t asked = load_acquire(&sync_asked);

	if (asked != READ_ONCE(sync_answered)) {
		sync_tsc = rdtsc();
		store_release(&sync_answered,
			      asked); /* ORDER: after sync_tsc */
	}
	cpu_relax();
}

/* What to add to our TSC; 0 if it is right, or if nobody answers. */
static int64_t sync_measure(void)
{
	uint64_t start = rdtsc(), width = UINT64_MAX, t0, t1;
	int64_t offset = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t ask = READ_ONCE(sync_asked) + 1;

		t0 = rdtsc();
		store_release(&sync_asked, ask);
		while (load_acquire(&sync_answered) != ask)
			if (rdtsc() - start > tsc_hz / 20)
				return 0;
		t1 = rdtsc();
		if (t1 - t0 < width) {
			width = t1 - t0;
			offset = (int64_t)(sync_tsc - (t0 + width / 2));
		}
	}
	return (uint64_t)(offset + (int64_t)width / 2) <= width ? 0 : offset;
}

bool tsc_sync(void)
{
	int64_t offset = sync_measure();

	for (unsigned int i = 0; offset && i < ATTEMPTS; i++) {
		log_warn("time: cpu%u tsc differs, ticks=%ld", this_cpu->id,
			 offset);
		if (cpuid(0, 0).a >= 7 && cpuid(7, 0).b & 2)
			wrmsr(MSR_TSC_ADJUST,
			      rdmsr(MSR_TSC_ADJUST) + (uint64_t)offset);
		else
			wrmsr(MSR_TSC, rdtsc() + (uint64_t)offset);
		offset = sync_measure();
	}
	return !offset;
}
