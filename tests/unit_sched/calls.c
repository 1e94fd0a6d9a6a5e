/* SPDX-License-Identifier: MIT */
/* The rooms around the scheduler's calls, and a guest that makes them. */
#include "tests/unit_sched/calls.h"

#include "hv/cpu/features.h"
#include "hv/cpu/fpu.h"

struct domain *d, *control;
struct vcpu *self, *other;
uint64_t now;
unsigned int events[4];
uint64_t ports_pending;

struct cpu_features features;

/* ---- the rooms around ----------------------------------------------------------- */

static uint64_t get_now(void)
{
	return now;
}

static void kick(unsigned int cpu)
{
	(void)cpu;
}

static void arm(uint32_t count)
{
	(void)count;
}

static void switched(struct vcpu *prev, struct vcpu *next)
{
	(void)prev;
	(void)next;
}

static void timer_event(struct vcpu *v)
{
	events[v->id]++;
	v->info->evtchn_upcall_pending = 1;
	vcpu_wake(v);
}

static int port_pending(struct domain *dom, uint32_t port)
{
	assert_ptr_equal(dom, d);
	return port < 64 ? (int)(ports_pending >> port & 1) : -EINVAL;
}

static int register_info(struct vcpu *v, uint64_t mfn, uint32_t offset)
{
	(void)v;
	return mfn == 7 && !offset ? 0 : -EINVAL;
}

static int debugreg(struct vcpu *v, unsigned int reg, uint64_t value)
{
	if (reg < 4 && value >> 47)
		return -EINVAL;
	v->debugreg[reg] = value;
	return 0;
}

uint64_t gdt_frame;
unsigned int gdt_entries;
int root_rc, gdt_rc;

int desc_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int entries)
{
	(void)v;
	gdt_frame = mfns[0];
	gdt_entries = entries;
	return gdt_rc;
}

int desc_set_ldt(struct vcpu *v, uint64_t base, unsigned int entries)
{
	(void)v;
	(void)base;
	(void)entries;
	return 0;
}

int root_set(struct vcpu *v, mfn_t kernel)
{
	if (!root_rc)
		v->kernel_root = kernel;
	return root_rc;
}

int root_set_user(struct vcpu *v, mfn_t user)
{
	v->user_root = user;
	return 0;
}

void fpu_area_init(void *area)
{
	memset(area, 0, 1024);
}

/* ---- set-up --------------------------------------------------------------------- */

void exit_path(void)
{
	do {
		timers_run();
		if (this_cpu->need_resched)
			schedule();
	} while (this_cpu->need_resched);
}

void wait_until(uint64_t t)
{
	for (uint64_t step = (t - now) / 64 + 1; now < t;) {
		now = min(now + step, t);
		for (unsigned int i = 0; i < nr_cpus; i++) {
			machine_here(i);
			time_interrupt();
			exit_path();
		}
	}
	machine_here(0);
}

int setup(void **state)
{
	(void)state;
	machine_now = get_now;
	machine_kick = kick;
	machine_arm = arm;
	machine_switched = switched;
	sched_timer_event = timer_event;
	sched_port_pending = port_pending;
	vcpu_info_register_hook = register_info;
	vcpu_debugreg_hook = debugreg;
	now = 1000;
	root_rc = gdt_rc = 0;
	ports_pending = 0;
	features.xsave = true;
	shutdowns = 0;
	memset(events, 0, sizeof(events));
	memset(guest_memory, 0, sizeof(guest_memory));
	for (unsigned int i = 0; i < GUEST_PAGES; i++) {
		guest_mapped[i] = guest_writable[i] = guest_owned[i] = true;
		guest_holds[i] = 0;
	}
	machine_boot(2);
	control = machine_domain(0, 1, 256, 0);
	control->privileged = true;
	d = machine_domain(3, 2, 256, 0);
	for (unsigned int i = 0; i < 2; i++)
		d->vcpu[i]->fpu = calloc(1, 1024);
	self = d->vcpu[0];
	other = d->vcpu[1];
	self->initialised = true;
	vcpu_up(self);
	exit_path();
	assert_ptr_equal(current, self);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		free(d->vcpu[i]->fpu);
	self->running = false;
	machine_end();
	for (unsigned int i = 0; i < GUEST_PAGES; i++)
		assert_int_equal(guest_holds[i], 0);
	return 0;
}
