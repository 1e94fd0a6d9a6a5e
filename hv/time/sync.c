/* SPDX-License-Identifier: MIT */
/*
 * Is a starting CPU's TSC that of the boot CPU?
 *
 * The starting CPU asks, the boot CPU answers with its TSC, a few dozen times.
 * The answer was read between the question and its arrival, so the narrowest
 * exchange bounds the offset best.  An offset within the bracket is no offset:
 * nobody can see it through memory.  A real one is written away; if the
 * processor does not let it, it is kept and the clock is no longer stable.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/log.h"
#include "hv/time/clock.h"

#define MSR_TSC        0x10
#define MSR_TSC_ADJUST 0x3b
#define ROUNDS         32

/* One CPU starts at a time. */
static uint32_t sync_asked, sync_answered;
static uint64_t sync_tsc;

void time_sync_serve(void)
{
	uint32_t asked = load_acquire(&sync_asked);

	if (asked == READ_ONCE(sync_answered))
		return;
	sync_tsc = rdtsc();
	store_release(&sync_answered, asked); /* ORDER: sync_tsc first */
}

/* True if the boot CPU answered; offset is boot's minus ours. */
static bool sync_measure(int64_t *offset, uint64_t *width)
{
	uint64_t start = rdtsc(), t0, t1;

	*width = UINT64_MAX;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t ask = READ_ONCE(sync_asked) + 1;

		t0 = rdtsc();
		store_release(&sync_asked, ask);
		while (load_acquire(&sync_answered) != ask) {
			if (rdtsc() - start > tsc_hz / 20)
				return *width != UINT64_MAX;
			cpu_relax();
		}
		t1 = rdtsc();
		if (t1 - t0 < *width) {
			*width = t1 - t0;
			*offset = (int64_t)(sync_tsc - (t0 + *width / 2));
		}
	}
	return true;
}

static bool sync_within(int64_t offset, uint64_t width)
{
	return (uint64_t)(offset < 0 ? -offset : offset) <= width / 2 + 1;
}

static void sync_write(int64_t offset)
{
	if (cpuid(0, 0).a >= 7 && cpuid(7, 0).b & 2)
		wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) + (uint64_t)offset);
	else
		wrmsr(MSR_TSC, rdtsc() + (uint64_t)offset);
}

int64_t tsc_sync(void)
{
	uint64_t width;
	int64_t offset = 0;

	if (!sync_measure(&offset, &width)) {
		log_warn("time: cpu%u tsc not compared, no answer",
			 this_cpu->id);
		return 0;
	}
	if (sync_within(offset, width))
		return 0;
	log_warn("time: cpu%u tsc differs, ticks=%ld", this_cpu->id, offset);
	sync_write(offset);
	if (!sync_measure(&offset, &width) || sync_within(offset, width))
		return 0;
	log_warn("time: cpu%u tsc cannot be written, clock is not stable",
		 this_cpu->id);
	return offset;
}
