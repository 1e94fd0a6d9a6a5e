/* SPDX-License-Identifier: MIT */
/*
 * Timers: a heap per CPU, and the APIC timer armed for its head.
 *
 * The APIC timer is touched only when it would fire too late.  A head that
 * moves later leaves it armed: the early interrupt finds nothing expired and
 * arms again.  So a guest that pushes its deadline out at each tick costs no
 * register write, and an idle CPU is interrupted once too often at most.
 *
 * LOCKING  A timer is in the heap of its t->cpu, under that CPU's lock; the
 * owner changes t->cpu while it is in no heap.  timers_run() drops the lock
 * around fn.
 */
#include "hv/cpu/asm.h"
#include "hv/lib/bug.h"
#include "hv/lib/log.h"
#include "hv/mm/mm.h"
#include "hv/time/clock.h"

const struct apic_timer_ops *apic_timer;
void (*sched_kick_cpu)(unsigned int cpu);

/* One CPU's timers, at cpu->timers. */
struct cpu_timers {
	spinlock_t lock; /* RUNG_TIMER: heap, armed, due, running            */
	struct timer *heap;
	struct timer *running; /* whose fn is being called                   */
	uint64_t armed; /* when the APIC timer will fire, TIME_NEVER: not    */
	bool due; /* timers_run() has to look                                */
};

static bool deadline_mode;
static uint64_t apic_rate; /* rate_ticks() rate of the APIC timer */

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg,
		unsigned int cpu)
{
	*t = (struct timer){.fn = fn, .arg = arg, .cpu = cpu};
}

/* Make the hardware fire at @expires or, if it cannot wait so long, before. */
static void timer_program(struct cpu_timers *ct, uint64_t expires)
{
	uint64_t now, ticks;

	ct->armed = expires;
	if (deadline_mode) {
		wrmsr(MSR_TSC_DEADLINE, clock_tsc_at(expires));
		return;
	}
	now = now_ns();
	ticks = expires > now ? rate_ticks(apic_rate, expires - now) : 1;
	apic_timer->set_count((uint32_t)min(ticks, (uint64_t)UINT32_MAX));
}

/* After the head of @ct changed. */
static void timer_arm(struct cpu_timers *ct, unsigned int cpu)
	MUST_HOLD(ct->lock)
{
	struct timer *head = ct->heap;

	if (!head || head->expires >= ct->armed)
		return;
	if (cpu == this_cpu->id) {
		timer_program(ct, head->expires);
	} else if (!ct->due) {
		ct->due = true;
		sched_kick_cpu(cpu);
	}
}

/* Lock the CPU that has @t. */
static struct cpu_timers *timer_lock(struct timer *t) NO_ANALYSIS
{
	struct cpu_timers *ct;
	uint32_t cpu;

	for (;;) {
		cpu = READ_ONCE(t->cpu);
		ct = cpus[cpu]->timers;
		spin_lock(&ct->lock);
		if (likely(t->cpu == cpu))
			return ct;
		spin_unlock(&ct->lock);
	}
}

void timer_set(struct timer *t, uint64_t expires) NO_ANALYSIS
{
	struct cpu_timers *ct = timer_lock(t);

	if (t->set)
		heap_remove(&ct->heap, t);
	t->expires = min(expires, (uint64_t)TIME_NEVER - 1);
	heap_insert(&ct->heap, t);
	timer_arm(ct, t->cpu);
	spin_unlock(&ct->lock);
}

void timer_stop(struct timer *t) NO_ANALYSIS
{
	struct cpu_timers *ct = timer_lock(t);

	if (t->set)
		heap_remove(&ct->heap, t);
	spin_unlock(&ct->lock);
}

void timer_migrate(struct timer *t, unsigned int cpu) NO_ANALYSIS
{
	struct cpu_timers *ct;
	bool set;

	if (t->cpu == cpu)
		return;
	ct = timer_lock(t);
	set = t->set;
	if (set)
		heap_remove(&ct->heap, t);
	WRITE_ONCE(t->cpu, cpu);
	spin_unlock(&ct->lock);
	if (set)
		timer_set(t, t->expires);
}

void timer_kill(struct timer *t)
{
	struct cpu *c;

	timer_stop(t);
	for_each_cpu (c) {
		struct cpu_timers *ct = c->timers;

		while (ct && c->id != this_cpu->id &&
		       load_acquire(&ct->running) == t)
			cpu_relax();
	}
	timer_stop(t); /* fn may have set it again */
}

void time_interrupt(void)
{
	struct cpu_timers *ct = this_cpu->timers;

	ct->armed = TIME_NEVER;
	WRITE_ONCE(ct->due, true);
}

void timers_run(void) NO_ANALYSIS
{
	struct cpu_timers *ct = this_cpu->timers;
	struct timer *t;

	if (!ct || likely(!READ_ONCE(ct->due)))
		return;
	spin_lock(&ct->lock);
	ct->due = false;
	while ((t = ct->heap) && t->expires <= now_ns()) {
		heap_remove(&ct->heap, t);
		ct->running = t;
		spin_unlock(&ct->lock);
		t->fn(t->arg);
		spin_lock(&ct->lock);
		store_release(&ct->running, NULL);
	}
	timer_arm(ct, this_cpu->id);
	spin_unlock(&ct->lock);
}

/* The boot CPU decides for all: they are alike. */
static void apic_timer_choose(void)
{
	uint64_t hz = 0;

	deadline_mode = cpuid(1, 0).c >> 24 & 1;
	apic_timer->setup(deadline_mode);
	if (!deadline_mode) {
		hz = calibrate_apic_timer();
		if (!hz)
			panic("time: apic timer does not count");
		apic_rate = rate_from_hz(hz);
	}
	log_info("time: apic timer runs, mode=%s khz=%lu",
		 deadline_mode ? "tsc-deadline" : "count", hz / 1000);
}

void time_boot_cpu(void)
{
	struct cpu_timers *ct = hv_alloc(sizeof(*ct));

	if (!ct)
		panic("time: cpu%u has no memory for its timers", this_cpu->id);
	spin_lock_init(&ct->lock, RUNG_TIMER);
	ct->armed = TIME_NEVER;
	if (this_cpu->id == 0) {
		apic_timer_choose();
	} else {
		if (!tsc_sync()) {
			log_err("time: cpu%u tsc cannot be set", this_cpu->id);
			for (;;)
				__asm__ volatile("cli; hlt");
		}
		apic_timer->setup(deadline_mode);
	}
	store_release(&this_cpu->timers, (void *)ct);
}
