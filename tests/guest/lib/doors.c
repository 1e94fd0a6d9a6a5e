/* SPDX-License-Identifier: MIT */
/*
 * Once around: what the soundness tests do while, or after, they attack.
 */
#include "tests/guest/lib/doors.h"

#define MAGIC 0x5ca1ab1e0ddba11ul

CODE(door_syscall, "movq %rdi, %r8\n movq %rsi, %rsp\n syscall\n ud2\n");
CODE(door_ud2, "movq %rdi, %r8\n ud2\n");
CODE(door_fault, "movq %rdi, %r8\n movq (%rsi), %rax\n");
CODE(door_int80, "movq %rdi, %r8\n int $0x80\n");
CODE(door_gp, "movq %rdi, %r8\n hlt\n");

static evtchn_port_t self;

void doors_init(void)
{
	user_init();
	self = bind_ipi(this_vcpu()->id);
	trap_set(0x80, trap_stub(0x80), 3);
	callback_set(CALLBACKTYPE_nmi, P(nmi_callback), 0);
}

static bool good, quiet;

static void want(bool right, const char *what, long got)
{
	if (!right && good && !quiet)
		check_at(__FILE__, 0, false, "%s: %#lx", what, got);
	good &= right;
}

static void fast_hypercalls(void)
{
	long rc = HYPERVISOR_xen_version(XENVER_version, 0);

	want(rc > 0, "xen_version", rc);
	rc = HYPERVISOR_stack_switch(FLAT_KERNEL_SS, this_vcpu()->entry_stack);
	want(rc == 0, "stack_switch", rc);
	rc = HYPERVISOR_set_segment_base(SEGBASE_GS_USER, MAGIC >> 20);
	want(rc == 0, "set_segment_base", rc);
	rc = HYPERVISOR_vcpu_op(VCPUOP_is_up, this_vcpu()->id, 0);
	want(rc == 1, "is_up", rc);
	rc = HYPERVISOR_set_segment_base(SEGBASE_FS, 1ul << 63);
	want(rc == -EINVAL, "set_segment_base of nonsense", rc);
}

static void slow_hypercalls(void)
{
	struct pv_platform_parameters parameters = {0};
	struct pv_multicall_entry calls[2] = {
		{.op = HC_xen_version, .result = 1},
		{.op = 63, .result = 1},
	};
	long rc;

	rc = HYPERVISOR_xen_version(XENVER_platform_parameters, P(&parameters));
	want(rc == 0, "platform_parameters", rc);
	want(parameters.virt_start == HYPERVISOR_VIRT_START, "virt_start",
	     parameters.virt_start);
	rc = hypercall(63, 0, 0, 0, 0, 0);
	want(rc == -ENOSYS, "no hypercall", rc);
	rc = HYPERVISOR_multicall(P(calls), 2);
	want(rc == 0, "multicall", rc);
	want(calls[0].result > 0, "first of multicall", calls[0].result);
	want(calls[1].result == -ENOSYS, "second of it", calls[1].result);
	rc = HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	want(rc == 0, "yield", rc);
}

static void undefined(void *arg)
{
	__asm__ volatile("ud2");
	(void)arg;
}

static void breakpoint(void *arg)
{
	__asm__ volatile("int3");
	(void)arg;
}

static void own_exceptions(void)
{
	struct fault f = probe(undefined, NULL);
	uint64_t *pte;

	want(f.vector == VEC_UD, "ud2", f.vector);
	f = probe(breakpoint, NULL);
	want(f.vector == VEC_BP, "int3", f.vector);
	f = probe_read(0x7777000);
	want(f.vector == VEC_PF && f.cr2 == 0x7777000 && f.error == 0,
	     "page fault", f.cr2);
	f = probe_read(0x1234567812345678);
	want(f.vector == VEC_GP, "non-canonical read", f.vector);
	pte = walk(kernel_root(), P(user_data_page), 1);
	f = probe_write(P(pte));
	want(f.vector == -1, "store to a page table", f.vector);
}

static void one_exit(struct code code, uint64_t arg, unsigned int vector,
		     const char *what)
{
	struct frame f = user_call(code, MAGIC, arg, 0);

	want(f.vector == vector, what, f.vector);
	want(f.r8 == MAGIC && f.rdi == MAGIC, what, f.r8);
	want((f.cs & 3) == 3, what, f.cs);
	want(f.rip >= USER_CODE && f.rip < USER_CODE + PAGE_SIZE, what, f.rip);
}

static void user_code(void)
{
	struct percpu *p = this_vcpu();

	one_exit(door_syscall, USER_STACK - 64, ENTRY_SYSCALL, "system call");
	one_exit(door_syscall, HYPERVISOR_VIRT_START, ENTRY_SYSCALL,
		 "system call on a bad stack");
	one_exit(door_ud2, 0, VEC_UD, "ud2 of a user");
	one_exit(door_fault, 0x6666000, VEC_PF, "page fault of a user");
	want(p->user_cr2 == 0x6666000, "its address", p->user_cr2);
	one_exit(door_fault, P(p), VEC_PF, "user in kernel memory");
	one_exit(door_int80, 0, 0x80, "int 0x80");
	one_exit(door_gp, 0, VEC_GP, "hlt of a user");
	p->iret_flags = VGCF_in_syscall;
	one_exit(door_syscall, USER_STACK - 64, ENTRY_SYSCALL, "after sysret");
	p->iret_flags = 0;
}

static void events(void)
{
	uint32_t before = event_count[self];
	uint64_t nmis = this_vcpu()->nmis;

	events_unmask();
	port_send(self);
	want(event_count[self] == before + 1, "event", event_count[self]);
	events_mask();
	port_send(self);
	want(event_count[self] == before + 1, "masked event",
	     event_count[self]);
	/* Into user code: it comes first. */
	one_exit(door_syscall, USER_STACK, ENTRY_SYSCALL, "event with iret");
	want(event_count[self] == before + 2, "event with iret",
	     event_count[self]);
	events_mask();
	HYPERVISOR_vcpu_op(VCPUOP_send_nmi, this_vcpu()->id, 0);
	want(this_vcpu()->nmis > nmis, "NMI", this_vcpu()->nmis);
}

bool doors_round(void)
{
	good = true;
	events_mask();
	fast_hypercalls();
	slow_hypercalls();
	own_exceptions();
	user_code();
	events();
	return good;
}

void doors_try(void)
{
	quiet = true;
	doors_round();
	quiet = false;
}
