/* SPDX-License-Identifier: MIT */
/*
 * Starting the other processors, one after the other, and how CPUs interrupt
 * each other.
 */
#include "hv/smp/smp.h"
#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/tlb.h"
#include "hv/dev/dev.h"
#include "hv/entry/entry.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"
#include "hv/mm/mm.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

/* A page of conventional memory that firmware does not use while we start. */
#define AP_PAGE      0x8u
#define START_WAIT   1000000000ull /* ns until a CPU counts as dead */
#define INIT_WAIT    10000000ull
#define STARTUP_WAIT 200000ull

extern char ap_start16[], ap_start16_end[];
uint64_t ap_cr3;
static struct cpu *starting;

void ap_main(void) NORETURN;

static void wait_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		time_sync_serve();
}

void ap_main(void)
{
	struct cpu *c = READ_ONCE(starting);

	cpu_enter(c);
	lapic_boot_cpu();
	time_boot_cpu();
	sched_boot_cpu(c);
	c->curr = c->idle;
	store_release(&c->online, true);
	hv_restart_stack(entry_begin);
}

static bool start(struct cpu *c)
{
	uint64_t end;

	ap_cr3 = c->hv_cr3;
	WRITE_ONCE(starting, c);
	smp_mb();
	lapic_send_init(c->apic_id);
	wait_ns(INIT_WAIT);
	for (int i = 0; i < 2 && !READ_ONCE(c->online); i++) {
		lapic_send_startup(c->apic_id, AP_PAGE);
		wait_ns(STARTUP_WAIT);
	}
	end = now_ns() + START_WAIT;
	while (!load_acquire(&c->online) && now_ns() < end)
		time_sync_serve();
	return READ_ONCE(c->online);
}

static void interrupt_cpu_flush(unsigned int cpu)
{
	lapic_send_ipi(cpus[cpu]->apic_id, VEC_FLUSH);
}

static void interrupt_cpu_kick(unsigned int cpu)
{
	lapic_send_ipi(cpus[cpu]->apic_id, VEC_KICK);
}

void smp_boot(void)
{
	struct cpu *c;

	tlb_interrupt_cpu = interrupt_cpu_flush;
	sched_kick_cpu = interrupt_cpu_kick;
	memcpy(direct_map(mfn_of(AP_PAGE)), ap_start16,
	       ap_start16_end - ap_start16);
	for (unsigned int i = 0; i < acpi.nr_cpus && i < MAX_CPUS; i++) {
		if (acpi.apic_id[i] == this_cpu->apic_id)
			continue;
		c = cpu_create(acpi.apic_id[i]);
		nr_cpus++;
		if (start(c))
			continue;
		nr_cpus--;
		cpus[nr_cpus] = NULL;
		log_warn("smp: CPU does not start, apic_id=%#x",
			 acpi.apic_id[i]);
	}
	log_info("smp: %u CPUs run", nr_cpus);
}
