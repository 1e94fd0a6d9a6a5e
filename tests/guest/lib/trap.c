/* SPDX-License-Identifier: MIT */
/*
 * What a test kernel does with what it is entered for.
 *
 * In this order: a hook of the running test; user code that ran under
 * user_run() has left; an event; a fault under probe(), which resumes where
 * probe() was called; anything else ends the test run.
 */
#include "tests/guest/lib/guest.h"

#define STUB_SIZE 16

_Static_assert(offsetof(struct percpu, self) == PERCPU_SELF, "offsets.h");
_Static_assert(offsetof(struct percpu, user_sp) == PERCPU_USER_SP, "offsets.h");
_Static_assert(offsetof(struct percpu, probe_sp) == PERCPU_PROBE_SP,
	       "offsets.h");
_Static_assert(offsetof(struct percpu, iret_flags) == PERCPU_IRET_FLAGS,
	       "offsets.h");
_Static_assert(offsetof(struct frame, vector) == FRAME_VECTOR, "offsets.h");
_Static_assert(offsetof(struct frame, rip) == FRAME_RIP, "offsets.h");
_Static_assert(offsetof(struct frame, ss) == FRAME_SS, "offsets.h");
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "offsets.h");

extern const uint8_t trap_stubs[], probe_fault[];
int probe_call(void (*fn)(void *arg), void *arg);
void user_enter(const struct frame *f);
void user_leave(void) __attribute__((noreturn));
void trap_entry(struct frame *f);
void event_upcall(void);

uint64_t trap_stub(unsigned int vector)
{
	return P(trap_stubs) + vector * STUB_SIZE;
}

int trap_set(unsigned int vector, uint64_t address, unsigned int flags)
{
	struct pv_trap_info table[2] = {
		{.vector = vector,
		 .flags = flags,
		 .cs = FLAT_KERNEL_CS,
		 .address = address},
	};

	return HYPERVISOR_set_trap_table(P(table));
}

int callback_set(unsigned int type, uint64_t address, unsigned int flags)
{
	struct pv_callback_register reg = {
		.type = type,
		.flags = flags,
		.address = address,
	};

	return HYPERVISOR_callback_op(CALLBACKOP_register, P(&reg));
}

static void must(int rc, const char *what)
{
	if (rc)
		die("traps_init: %s: %d", what, rc);
}

void traps_init(void)
{
	unsigned int vector;

	/* Elsewhere a vcpu starts with one. */
	HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, this_vcpu()->id, 0);
	must(HYPERVISOR_stack_switch(FLAT_KERNEL_SS, this_vcpu()->entry_stack),
	     "stack_switch");
	for (vector = 0; vector < 32; vector++)
		must(trap_set(vector, trap_stub(vector),
			      vector == VEC_BP || vector == VEC_OF ? 3 : 0),
		     "set_trap_table");
	must(callback_set(CALLBACKTYPE_event, P(event_callback), 0), "event");
	must(callback_set(CALLBACKTYPE_failsafe, P(failsafe_callback),
			  CALLBACKF_mask_events),
	     "failsafe");
	must(callback_set(CALLBACKTYPE_syscall, P(syscall_callback),
			  CALLBACKF_mask_events),
	     "syscall");
}

/* Where the callback is an entry of the trap table, it comes as vector 2. */
static bool is_nmi(const struct frame *f)
{
	return f->vector == ENTRY_NMI || f->vector == VEC_NMI;
}

static bool is_event(const struct frame *f)
{
	return f->vector == ENTRY_EVENT || is_nmi(f);
}

static void take_event(const struct frame *f)
{
	if (is_nmi(f)) {
		this_vcpu()->nmis++;
	} else {
		this_vcpu()->events++;
		event_upcall();
	}
}

static void resume_probe(struct percpu *p, struct frame *f)
{
	p->fault = (struct fault){.vector = (int)f->vector,
				  .error = f->error,
				  .cr2 = vcpu_info()->arch.cr2,
				  .rip = f->rip};
	p->probing = false;
	f->rip = P(probe_fault);
	f->rsp = p->probe_sp;
	f->cs = FLAT_KERNEL_CS & ~3ul;
	f->ss = FLAT_KERNEL_SS & ~3ul;
	f->rflags = (f->rflags & RFLAGS_IF) | 2;
}

void trap_entry(struct frame *f)
{
	struct percpu *p = this_vcpu();
	bool user = (f->cs & 3) == 3;

	if (p->hook && p->hook(f))
		return;
	if (is_event(f)) {
		take_event(f);
		return;
	}
	if (user && p->user) {
		*p->user = *f;
		p->user = NULL;
		p->user_cr2 = vcpu_info()->arch.cr2;
		user_leave();
	}
	if (!user && p->probing) {
		resume_probe(p, f);
		return;
	}
	die("vector %#lx error %#lx at %lx:%lx cr2 %#lx rsp %#lx flags %#lx",
	    f->vector, f->error, f->cs & 0xffff, f->rip, vcpu_info()->arch.cr2,
	    f->rsp, f->rflags);
}

/* ---- probes -------------------------------------------------------------- */

struct fault probe(void (*fn)(void *arg), void *arg)
{
	struct percpu *p = this_vcpu();

	p->fault = (struct fault){.vector = -1};
	p->probing = true;
	probe_call(fn, arg);
	p->probing = false;
	return p->fault;
}

static void do_read(void *arg)
{
	(void)*(volatile uint8_t *)arg;
}

static void do_write(void *arg)
{
	__asm__ volatile("lock orb $0, (%0)" : : "r"(arg) : "memory");
}

struct fault probe_read(uint64_t va)
{
	return probe(do_read, (void *)va);
}

struct fault probe_write(uint64_t va)
{
	return probe(do_write, (void *)va);
}

struct fault probe_exec(uint64_t va)
{
	return probe((void (*)(void *))va, NULL);
}

/* ---- user code ----------------------------------------------------------- */

struct frame user_frame(void)
{
	bool sysret = this_vcpu()->iret_flags;

	return (struct frame){
		.rip = USER_CODE,
		.cs = sysret ? LINUX_USER_CS : FLAT_USER_CS,
		.rflags = RFLAGS_IF | 2,
		.rsp = USER_STACK,
		.ss = sysret ? LINUX_USER_SS : FLAT_USER_SS,
	};
}

void user_run(struct frame *f)
{
	struct percpu *p = this_vcpu();
	uint8_t mask = vcpu_info()->evtchn_upcall_mask;

	p->user = f;
	user_enter(f);
	vcpu_info()->evtchn_upcall_mask = mask;
}

struct frame user_call(struct code code, uint64_t rdi, uint64_t rsi,
		       uint64_t rdx)
{
	struct frame f = user_frame();

	user_load(code);
	f.rdi = rdi;
	f.rsi = rsi;
	f.rdx = rdx;
	user_run(&f);
	return f;
}
