/* SPDX-License-Identifier: MIT */
/*
 * Flushing guests' translations on other CPUs.
 *
 * Two flags decide, in the manner of Dekker:
 *
 *   the flusher        flush_wanted++ ; full barrier ; in_guest?
 *   a CPU that leaves  in_guest = 1   ; full barrier ; flush_wanted?
 *
 * Either the flusher sees in_guest and interrupts that CPU, or that CPU sees
 * the request and loads CR3 with a flush.  A CPU inside the hypervisor is never
 * waited for: it holds no translation that it uses.
 *
 * A load of CR3 flushes everything.  There is one on each way out, and on each
 * way in, but for shared roots (mm/root.c): a CPU that comes and goes on the
 * same root loads it only if somebody wants a flush.  So such a CPU, also inside
 * the hypervisor, may hold translations as old as its last flush.
 */
#include "hv/cpu/tlb.h"
#include "hv/cpu/asm.h"

#define CLOCK_QUARTER 0x3fffffffu

static uint32_t flush_clock = 1;

void (*tlb_interrupt_cpu)(unsigned int cpu);

uint64_t tlb_root(void)
{
	return read_cr3();
}

void tlb_flush_local(void)
{
	this_cpu->flush_wanted++;
}

void tlb_flush_mask(cpumask_t mask)
{
	struct cpu *c;

	for_each_cpu (c) {
		if (!(mask >> c->id & 1))
			continue;
		atomic_fetch_add(&c->flush_wanted, 1); /* ORDER: tlb_leaving */
		if (c->id != this_cpu->id && READ_ONCE(c->in_guest))
			tlb_interrupt_cpu(c->id);
	}
	for_each_cpu (c) {
		uint32_t wanted = READ_ONCE(c->flush_wanted);

		if (!(mask >> c->id & 1) || c->id == this_cpu->id)
			continue;
		while (READ_ONCE(c->in_guest) &&
		       (int32_t)(READ_ONCE(c->flush_done) - wanted) < 0)
			cpu_relax();
	}
}

void tlb_leaving(void)
{
	struct cpu *c = this_cpu;
	bool kept = c->guest_cr3 == tlb_root();
	uint32_t wanted;

	WRITE_ONCE(c->in_guest, 1);
	smp_mb(); /* ORDER: in_guest before flush_wanted, tlb_flush_mask */
	wanted = READ_ONCE(c->flush_wanted);
	if (kept && !c->tlb_clean && wanted == c->flush_done) {
		c->exit_cr3 = 0;
		return;
	}
	c->exit_cr3 = kept && c->tlb_clean ? 0 : c->guest_cr3;
	WRITE_ONCE(c->flush_done, wanted);
	WRITE_ONCE(c->flush_time, READ_ONCE(flush_clock));
}

void tlb_entered(uint64_t cr3)
{
	this_cpu->tlb_clean = cr3 != tlb_root();
	store_release(&this_cpu->in_guest, 0);
}

/* Those inside the hypervisor flush before a guest runs. */
static void flush_all(uint32_t now)
{
	struct cpu *c;

	tlb_flush_mask(~0ull);
	for_each_cpu (c)
		WRITE_ONCE(c->flush_time, now);
}

uint32_t tlb_now(void)
{
	uint32_t now = atomic_fetch_add(&flush_clock, 1);

	/* No CPU's stamp may grow older than half the clock's range. */
	if (!(now & CLOCK_QUARTER))
		flush_all(now);
	return now;
}

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
	cpumask_t stale = 0;
	struct cpu *c;

	for_each_cpu (c) {
		if (!(mask >> c->id & 1))
			continue;
		if (!READ_ONCE(c->in_guest) && !READ_ONCE(c->root_shared))
			continue;
		if ((int32_t)(READ_ONCE(c->flush_time) - stamp) <= 0)
			stale |= 1ull << c->id;
	}
	return stale;
}
