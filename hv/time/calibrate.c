/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC and the APIC timer run.
 *
 * The processor may say the TSC's rate itself (CPUID 15h with a crystal
 * frequency, or a hypervisor's leaf 4000_0010h).  Else it is measured against
 * the HPET, the ACPI PM timer or PIT channel 2, whichever there is, best
 * first.  A sample is a read of the clock between two TSC reads; the narrower
 * that bracket, the better the sample, so each end of a run takes the
 * narrowest of several.  A machine that takes the CPU away meanwhile (an
 * emulator on a busy host) spoils tries, not the result.
 */
#include "hv/cpu/asm.h"
#include "hv/mm/mm.h"
#include "hv/time/clock.h"

#define RUN_NS       22000000ull /* one run                                   */
#define MAX_RUNS     2
#define TRIES        12 /* samples per end                                     */
#define GOOD_PPM     120 /* a run whose bound is below needs no second         */

#define PIT_HZ       1193182
#define PM_HZ        3579545
#define PIT_CH2      0x42
#define PIT_MODE     0x43
#define PIT_GATE     0x61
#define GATE_CH2     0x01
#define GATE_SPEAKER 0x02
#define GATE_OUT2    0x20

#define HPET_PERIOD  0x04 /* femtoseconds, the upper half of capabilities    */
#define HPET_CONFIG  0x10
#define HPET_COUNT   0xf0
#define HPET_ENABLE  1u

struct clock_ref {
	const char *name;
	uint64_t hz, mask;
	/* False: this clock cannot answer (any more). */
	bool (*start)(void);
	bool (*read)(struct sample *s);
};

static volatile uint32_t *hpet;
static uint16_t pm_port;

static bool hpet_start(void)
{
	hpet[HPET_CONFIG / 4] = hpet[HPET_CONFIG / 4] | HPET_ENABLE;
	return true;
}

static bool hpet_read(struct sample *s)
{
	uint64_t before = rdtsc();

	s->ref = hpet[HPET_COUNT / 4];
	s->tsc = rdtsc();
	s->width = s->tsc - before;
	return true;
}

static bool pm_start(void)
{
	return true;
}

static bool pm_read(struct sample *s)
{
	uint64_t before = rdtsc();

	s->ref = inl(pm_port);
	s->tsc = rdtsc();
	s->width = s->tsc - before;
	return true;
}

/* Channel 2, mode 0: count down once from 65535, 55 ms; speaker off. */
static bool pit_start(void)
{
	outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~GATE_SPEAKER) | GATE_CH2));
	outb(PIT_MODE, 0xb0);
	outb(PIT_CH2, 0xff);
	outb(PIT_CH2, 0xff);
	return true;
}

static bool pit_read(struct sample *s)
{
	uint64_t before = rdtsc();
	uint32_t count;

	outb(PIT_MODE, 0x80); /* latch */
	s->tsc = rdtsc();
	s->width = s->tsc - before;
	count = inb(PIT_CH2);
	count |= (uint32_t)inb(PIT_CH2) << 8;
	s->ref = 0xffff - count;
	/* OUT2 rises at zero and stays: the count has wrapped, or lies. */
	return !(inb(PIT_GATE) & GATE_OUT2);
}

/* The narrowest of several samples; false if the clock gave up. */
static bool sample_best(const struct clock_ref *ref, struct sample *best)
{
	struct sample s;

	best->width = UINT64_MAX;
	for (unsigned int i = 0; i < TRIES; i++) {
		if (!ref->read(&s))
			return false;
		if (s.width < best->width)
			*best = s;
	}
	return true;
}

/* Does it advance at all?  Some boards list clocks that are not there. */
static bool clock_moves(const struct clock_ref *ref)
{
	struct sample a, b;

	if (!ref->read(&a))
		return false;
	for (unsigned int i = 0; i < 1000; i++)
		if (ref->read(&b) && ((b.ref ^ a.ref) & ref->mask))
			return true;
	return false;
}

static uint64_t measure_run(const struct clock_ref *ref, uint32_t *error)
{
	uint64_t refs = ref->hz * (RUN_NS / 1000) / 1000000;
	struct sample a, b;

	*error = UINT32_MAX;
	if (!ref->start() || !clock_moves(ref) || !sample_best(ref, &a))
		return 0;
	do {
		cpu_relax();
		if (!ref->read(&b))
			return 0;
	} while (((b.ref - a.ref) & ref->mask) < refs);
	if (!sample_best(ref, &b))
		return 0;
	return rate_between(&a, &b, ref->hz, ref->mask, error);
}

static uint64_t measure(const struct clock_ref *ref, uint32_t *error)
{
	uint64_t best = 0, hz;
	uint32_t e;

	*error = UINT32_MAX;
	for (unsigned int i = 0; i<MAX_RUNS && * error> GOOD_PPM; i++) {
		hz = measure_run(ref, &e);
		if (hz && e < *error) {
			best = hz;
			*error = e;
		}
	}
	return best;
}

/* What the processor or the hypervisor below us says; 0: nothing. */
static uint64_t tsc_from_cpuid(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	if (r.a >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.a && r.b && r.c)
			return (uint64_t)r.c * r.b / r.a;
	}
	if (cpuid(1, 0).c >> 31) {
		r = cpuid(0x40000000, 0);
		if (r.a >= 0x40000010 && r.a < 0x40010000)
			return cpuid(0x40000010, 0).a * 1000ull;
	}
	return 0;
}

static const struct clock_ref pit_ref = {"pit", PIT_HZ, 0xffff, pit_start,
					 pit_read};

uint64_t calibrate_tsc(const struct time_sources *src, const char **by,
		       uint32_t *error)
{
	struct clock_ref refs[3];
	unsigned int n = 0;
	uint64_t hz = tsc_from_cpuid();

	*by = "cpuid";
	*error = 0;
	if (hz)
		return hz;
	if (src && src->hpet_base)
		hpet = iomap(src->hpet_base, 1024);
	if (hpet && hpet[HPET_PERIOD / 4])
		refs[n++] = (struct clock_ref){
			"hpet", 1000000000000000ull / hpet[HPET_PERIOD / 4],
			0xffffffff, hpet_start, hpet_read};
	pm_port = src ? src->pm_timer : 0;
	if (pm_port)
		refs[n++] = (struct clock_ref){"pm-timer", PM_HZ, 0xffffff,
					       pm_start, pm_read};
	refs[n++] = pit_ref;
	for (unsigned int i = 0; i < n; i++) {
		*by = refs[i].name;
		hz = measure(&refs[i], error);
		if (hz)
			return hz;
	}
	return 0;
}

uint64_t calibrate_apic_timer(void)
{
	uint64_t run = tsc_hz / 256; /* about 4 ms */
	uint64_t best = UINT64_MAX, hz = 0, start, before, after;
	uint32_t count;

	for (unsigned int i = 0; i < 3; i++) {
		before = rdtsc();
		apic_timer->set_count(UINT32_MAX);
		start = rdtsc();
		while (rdtsc() - start < run)
			cpu_relax();
		after = rdtsc();
		count = UINT32_MAX - apic_timer->get_count();
		/* Blur: how long the two accesses took. */
		before = (start - before) + (rdtsc() - after);
		if (before < best && after - start < tsc_hz) {
			best = before;
			hz = (uint64_t)count * (tsc_hz / 1000) /
			     (after - start) * 1000;
		}
		if (best < run / 2000)
			break;
	}
	apic_timer->set_count(0);
	return hz;
}
