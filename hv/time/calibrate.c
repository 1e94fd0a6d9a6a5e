/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC and the APIC timer run.
 *
 * The processor may say the TSC's rate itself (CPUID 15h with a crystal
 * frequency, or a hypervisor's leaf 4000_0010h).  Else it is measured against
 * the HPET, the ACPI PM timer or PIT channel 2, the first that works.  A
 * sample is a read of the clock between two TSC reads; the narrower that
 * bracket, the better, so each end of a run takes the narrowest of several.  A
 * machine that takes the CPU away meanwhile (an emulator on a busy host)
 * spoils tries, not the result.
 */
#include "hv/cpu/asm.h"
#include "hv/mm/mm.h"
#include "hv/time/clock.h"

#define MAX_RUNS    2
#define TRIES       12 /* samples at each end of a run                        */
#define GOOD_PPM    120 /* a run that errs by less needs no second            */

#define PIT_HZ      1193182
#define PIT_CH2     0x42
#define PIT_MODE    0x43
#define PIT_GATE    0x61 /* bit 0: count, 1: speaker, 5: OUT2                */
#define GATE_OUT2   0x20

#define HPET_PERIOD (4 / 4) /* femtoseconds                                */
#define HPET_CONFIG (0x10 / 4)
#define HPET_COUNT  (0xf0 / 4)

enum ref {
	REF_HPET,
	REF_PM,
	REF_PIT,
	REF_APIC,
	NR_REFS
};

static struct {
	const char *name;
	uint64_t hz; /* 0: not there */
	uint32_t mask;
} refs[NR_REFS] = {
	{"hpet", 0, 0xffffffff},
	{"pm-timer", 0, 0xffffff},
	{"pit", PIT_HZ, 0xffff},
	{"apic", 1, 0xffffffff},
};
static volatile uint32_t *hpet;
static uint16_t pm_port;

static void ref_start(enum ref ref)
{
	if (ref == REF_HPET)
		hpet[HPET_CONFIG] |= 1;
	if (ref == REF_APIC)
		apic_timer->set_count(UINT32_MAX);
	if (ref != REF_PIT)
		return;
	/* Mode 0: count down once from 65535, 55 ms; speaker off. */
	outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~2) | 1));
	outb(PIT_MODE, 0xb0);
	outb(PIT_CH2, 0xff);
	outb(PIT_CH2, 0xff);
}

/* False: the PIT has wrapped, or is not there. */
static bool ref_read(enum ref ref, struct sample *s)
{
	uint64_t before = rdtsc();

	switch (ref) {
	case REF_HPET:
		s->ref = hpet[HPET_COUNT];
		break;
	case REF_PM:
		s->ref = inl(pm_port);
		break;
	case REF_PIT:
		outb(PIT_MODE, 0x80); /* latch */
		break;
	default:
		s->ref = UINT32_MAX - apic_timer->get_count();
	}
	s->tsc = rdtsc();
	s->width = s->tsc - before;
	if (ref != REF_PIT)
		return true;
	s->ref = 0xffffu - inb(PIT_CH2);
	s->ref -= (uint64_t)inb(PIT_CH2) << 8;
	return !(inb(PIT_GATE) & GATE_OUT2); /* rises at 0 and stays */
}

static bool ref_read_best(enum ref ref, struct sample *best)
{
	struct sample s;

	best->width = UINT64_MAX;
	for (unsigned int i = 0; i < TRIES; i++) {
		if (!ref_read(ref, &s))
			return false;
		if (s.width < best->width)
			*best = s;
	}
	return true;
}

/* Samples @count ticks of the clock or @tsc ticks of the TSC apart. */
static bool ref_run(enum ref ref, struct sample *a, struct sample *b,
		    uint64_t count, uint64_t tsc)
{
	ref_start(ref);
	if (!ref_read_best(ref, a))
		return false;
	for (unsigned int i = 0;; i++) {
		if (!ref_read(ref, b))
			return false;
		if (i == 1000 && b->ref == a->ref)
			return false; /* some boards list a clock that stands */
		if (((b->ref - a->ref) & refs[ref].mask) >= count ||
		    b->tsc - a->tsc >= tsc)
			return ref_read_best(ref, b);
		cpu_relax();
	}
}

static uint64_t measure(enum ref ref, uint32_t *error)
{
	uint64_t best = 0, hz, count = refs[ref].hz * 22 / 1000; /* 22 ms */
	struct sample a, b;
	uint32_t e;

	*error = UINT32_MAX;
	for (unsigned int i = 0; i<MAX_RUNS && * error> GOOD_PPM; i++) {
		if (!ref_run(ref, &a, &b, count, UINT64_MAX))
			continue;
		hz = rate_between(&a, &b, refs[ref].hz, refs[ref].mask, &e);
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

uint64_t calibrate_tsc(const struct time_sources *src, const char **by,
		       uint32_t *error)
{
	uint64_t hz = tsc_from_cpuid();

	*by = "cpuid";
	*error = 0;
	if (src && src->hpet_base)
		hpet = iomap(src->hpet_base, PAGE_SIZE);
	if (hpet && hpet[HPET_PERIOD])
		refs[REF_HPET].hz = 1000000000000000 / hpet[HPET_PERIOD];
	pm_port = src ? src->pm_timer : 0;
	refs[REF_PM].hz = pm_port ? 3579545 : 0;
	for (enum ref ref = REF_HPET; !hz && ref <= REF_PIT; ref++) {
		if (!refs[ref].hz)
			continue;
		*by = refs[ref].name;
		hz = measure(ref, error);
	}
	return hz;
}

/* The TSC is the reference now; a run of 4 ms. */
uint64_t calibrate_apic_timer(void)
{
	struct sample a, b;
	uint64_t ticks;

	if (!ref_run(REF_APIC, &a, &b, UINT64_MAX, tsc_hz / 256))
		return 0;
	apic_timer->set_count(0);
	ticks = b.tsc - a.tsc;
	return (b.ref - a.ref) * (tsc_hz >> 10) / ticks << 10;
}
