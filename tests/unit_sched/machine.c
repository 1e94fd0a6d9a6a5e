/* SPDX-License-Identifier: MIT */
/*
 * The rooms below the scheduler, as far as it sees them.  The timers are the
 * real ones, on a fake APIC.
 */
#include "tests/unit_sched/machine.h"
#include "tests/unit_time/fake_asm.h"

#include "hv/time/timer.c"

#define MAX_DOMAINS 64

uint64_t (*machine_now)(void);
void (*machine_kick)(unsigned int cpu);
void (*machine_switched)(struct vcpu *prev, struct vcpu *next);
void (*machine_arm)(uint32_t count);
unsigned int shutdowns, shutdown_code;
struct domain *shutdown_domain;

struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus;
uint64_t tsc_hz = 1000000000;

static _Thread_local struct cpu *here;
static struct domain *domains[MAX_DOMAINS];
static unsigned int nr_domains;

struct cpu *test_cpu_get(void)
{
	return here;
}

void machine_here(unsigned int cpu)
{
	here = cpus[cpu];
}

/* ---- instructions and the clock ------------------------------------------------ */

struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
	(void)leaf;
	(void)sub;
	return (struct cpuid_regs){0, 0, 0, 0};
}

void wrmsr(uint32_t msr, uint64_t v)
{
	(void)v;
	panic("wrmsr %x", msr);
}

uint64_t now_ns(void)
{
	return machine_now();
}

uint64_t clock_tsc_at(uint64_t ns)
{
	return ns;
}

void pv_clock_words(struct pv_vcpu_time_info *info)
{
	info->tsc_to_system_mul = 1u << 31;
	info->tsc_shift = 1;
	info->flags = PVCLOCK_TSC_STABLE_BIT;
}

bool tsc_sync(void)
{
	return true;
}

uint64_t calibrate_apic_timer(void)
{
	return 1000000000;
}

static void apic_setup(bool deadline)
{
	(void)deadline;
}

static void apic_set_count(uint32_t count)
{
	machine_arm(count);
}

static uint32_t apic_get_count(void)
{
	return 0;
}

static const struct apic_timer_ops ops = {apic_setup, apic_set_count,
					  apic_get_count};

/* ---- memory, log, domains -------------------------------------------------------- */

void *hv_alloc(size_t size)
{
	return calloc(1, size);
}

void hv_free(void *p)
{
	free(p);
}

void *heap_alloc(unsigned int order)
{
	return calloc(1, PAGE_SIZE << order);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

void domain_shutdown(struct domain *d, unsigned int code)
{
	shutdowns++;
	shutdown_code = code;
	shutdown_domain = d;
}

struct domain *domain_get(domid_t id)
{
	for (unsigned int i = 0; i < nr_domains; i++)
		if (domains[i]->id == id)
			return domains[i];
	return NULL;
}

void domain_put(struct domain *d)
{
	(void)d;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
	machine_switched(prev, next);
	this_cpu->curr = next;
}

static void no_event(struct vcpu *v)
{
	(void)v;
}

static void *page(void)
{
	void *p = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	memset(p, 0, PAGE_SIZE);
	return p;
}

void machine_boot(unsigned int n)
{
	apic_timer = &ops;
	sched_kick_cpu = machine_kick;
	if (!sched_timer_event)
		sched_timer_event = no_event;
	nr_cpus = n;
	for (unsigned int i = 0; i < n; i++) {
		cpus[i] = calloc(1, sizeof(struct cpu));
		cpus[i]->id = i;
		cpus[i]->self = cpus[i];
		cpus[i]->online = true;
		machine_here(i);
		time_boot_cpu();
		sched_boot_cpu(here);
	}
	machine_here(0);
}

struct domain *machine_domain(domid_t id, unsigned int vcpus,
			      unsigned int weight, unsigned int cap)
{
	struct domain *d = aligned_alloc(64, ROUND_UP(sizeof(*d), 64ul));
	struct vcpu *v;

	memset(d, 0, sizeof(*d));
	d->id = id;
	d->max_vcpus = vcpus;
	d->weight = weight;
	d->cap = cap;
	d->tramp = calloc(1, sizeof(*d->tramp));
	d->shared_info = page();
	for (unsigned int i = 0; i < vcpus; i++) {
		v = calloc(1, sizeof(*v));
		v->domain = d;
		v->id = i;
		v->info = &d->shared_info->vcpu_info[i];
		v->kernel_root = v->user_root = MFN_INVALID;
		d->vcpu[i] = v;
		d->tramp->vcpus |= 1ull << i;
		if (sched_vcpu_init(v, i % nr_cpus))
			panic("no memory");
	}
	domains[nr_domains++] = d;
	return d;
}

void machine_end(void)
{
	struct vcpu *v;

	for (unsigned int i = 0; i < nr_domains; i++) {
		for_each_vcpu (domains[i], v) {
			sched_vcpu_destroy(v);
			sched_vcpu_free(v);
			free(v);
		}
		free(domains[i]->shared_info);
		free(domains[i]->tramp);
		free(domains[i]);
	}
	nr_domains = 0;
	for (unsigned int i = 0; i < nr_cpus; i++) {
		free(cpus[i]->sched);
		free(cpus[i]->timers);
		free(cpus[i]->idle);
		free(cpus[i]);
		cpus[i] = NULL;
	}
	nr_cpus = 0;
}
