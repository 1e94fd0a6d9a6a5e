/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: our vectors, IPIs, the timer.  SDM 3A 10.
 *
 * As xAPIC (a page of registers) or, when the firmware or an AP's state has
 * it so, as x2APIC (MSRs); every CPU is put into the mode of the boot CPU.
 * Interrupts are addressed by physical APIC id, one CPU each.
 */
#include "hv/cpu/asm.h"
#include "hv/dev/dev.h"
#include "hv/lib/bug.h"
#include "hv/lib/log.h"
#include "hv/time/time.h"

enum { /* byte offsets in the xAPIC page; an x2APIC MSR is 0x800 + reg / 16 */
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_PERF = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INIT = 0x380,
	APIC_TIMER_NOW = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define BASE_ENABLE   (1u << 11)
#define BASE_X2APIC   (1u << 10)
#define LVT_MASKED    (1u << 16)
#define LVT_NMI       (4u << 8)
#define LVT_DEADLINE  (2u << 17)
#define ICR_BUSY      (1u << 12)
#define ICR_ASSERT    (1u << 14)
#define ICR_LEVEL     (1u << 15)
#define ICR_INIT      (5u << 8)
#define ICR_STARTUP   (6u << 8)
#define SVR_ENABLE    (1u << 8)
#define MSR_X2APIC(r) (0x800 + (r) / 16)

static volatile uint32_t *page; /* NULL: x2APIC */

static uint32_t lapic_read(unsigned int reg)
{
	return page ? page[reg / 4] : (uint32_t)rdmsr(MSR_X2APIC(reg));
}

static void lapic_write(unsigned int reg, uint32_t v)
{
	if (page)
		page[reg / 4] = v;
	else
		wrmsr(MSR_X2APIC(reg), v);
}

static uint32_t lapic_id(void)
{
	return page ? lapic_read(APIC_ID) >> 24 : lapic_read(APIC_ID);
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

/*
 * An xAPIC takes the next command only when the last one is delivered; two
 * writes make one, but interrupts are off and NMIs send none.
 */
static void send(uint32_t apic_id, uint32_t command)
{
	if (!page) {
		smp_mb(); /* ORDER: x2APIC writes do not serialise stores */
		wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)apic_id << 32 | command);
		return;
	}
	while (lapic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	lapic_write(APIC_ICR_HIGH, apic_id << 24);
	lapic_write(APIC_ICR, command);
}

void lapic_send_ipi(uint32_t apic_id, uint8_t vector)
{
	send(apic_id, ICR_ASSERT | vector);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_ASSERT | ICR_LEVEL | ICR_INIT);
	send(apic_id, ICR_LEVEL | ICR_INIT); /* old CPUs want the release */
}

void lapic_send_startup(uint32_t apic_id, uint8_t start_page)
{
	send(apic_id, ICR_ASSERT | ICR_STARTUP | start_page);
}

/* ---- the timer, for the time room ----------------------------------------- */

static void timer_setup(bool deadline)
{
	lapic_write(APIC_TIMER_DIVIDE, 0xb); /* by 1 */
	lapic_write(APIC_LVT_TIMER, VEC_TIMER | (deadline ? LVT_DEADLINE : 0));
	smp_mb(); /* ORDER: the mode before the first write of the MSR */
}

static void timer_set_count(uint32_t count)
{
	lapic_write(APIC_TIMER_INIT, count);
}

static uint32_t timer_get_count(void)
{
	return lapic_read(APIC_TIMER_NOW);
}

static const struct apic_timer_ops timer_ops = {
	.setup = timer_setup,
	.set_count = timer_set_count,
	.get_count = timer_get_count,
};

/* ---- start ---------------------------------------------------------------- */

static void choose_mode(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (base & BASE_X2APIC) {
		log_info("lapic: x2apic mode, as the firmware left it");
	} else {
		page = iomap(base & 0xffffffffff000, PAGE_SIZE);
		BUG_ON(!page);
	}
	apic_timer = &timer_ops;
}

/*
 * Each CPU, on itself, the boot CPU first.  All local sources are masked but
 * LINT1, which is the NMI line; the old interrupt controller's line is shut.
 */
void lapic_boot_cpu(void)
{
	static bool chosen;
	uint64_t base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

	if (!chosen)
		choose_mode();
	chosen = true;
	wrmsr(MSR_APIC_BASE, base);
	if (!page)
		wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
	lapic_write(APIC_TPR, 0);
	lapic_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	lapic_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	lapic_write(APIC_LVT_PERF, LVT_MASKED | VEC_SPURIOUS);
	lapic_write(APIC_LVT_LINT0, LVT_MASKED | VEC_SPURIOUS);
	lapic_write(APIC_LVT_LINT1, LVT_NMI);
	lapic_write(APIC_LVT_ERROR, LVT_MASKED | VEC_SPURIOUS);
	lapic_write(APIC_ESR, 0);
	/* What the firmware left in service. */
	for (unsigned int i = 0; i < 8; i++)
		for (uint32_t isr = lapic_read(APIC_ISR + i * 16); isr;
		     isr &= isr - 1)
			lapic_eoi();
	this_cpu->apic_id = lapic_id();
}
