/* SPDX-License-Identifier: MIT */
/*
 * Rule 4: ring 0 never trusts a stack pointer of the guest's.  Hypercalls and
 * exceptions with a stack pointer that leads nowhere or into the hypervisor:
 * where the stack is not needed nothing happens, where it is the domain ends,
 * and nothing is ever written to where it points.
 */
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

/* More of them than hostile_addresses: mapped, but not for this. */
static uint64_t more[8];

static void fill_more(void)
{
	uint64_t *page = page_alloc();

	page_set(page, PTE_P);
	more[0] = P(page) + 2048; /* read-only */
	more[1] = start_info->pt_base + 2048;
	more[2] = MACH2PHYS_VIRT_START + 2048;
	more[3] = HYPERVISOR_VIRT_END;
	more[4] = USER_STACK;
	more[5] = ring0_stack_top;
	more[6] = ring0_stack_top - 176;
	more[7] = 8;
}

static uint64_t stack_of(unsigned int i)
{
	unsigned int n = 0;

	for_each_hostile(h) if (n++ == i) return h->va;
	return i - n < ARRAY_SIZE(more) ? more[i - n] : 1;
}

static long call_on(uint64_t sp, uint64_t nr, uint64_t a, uint64_t b)
{
	uint64_t kept;
	long rc;

	__asm__ volatile("movq %%rsp, %1; movq %2, %%rsp\n"
			 "syscall\n movq %1, %%rsp"
			 : "=a"(rc), "=&b"(kept)
			 : "r"(sp), "0"(nr), "D"(a), "S"(b)
			 : "rcx", "r11", "rdx", "r10", "r8", "memory");
	return rc;
}

/* Events are masked and nothing faults, so the stack is not used. */
static void hypercalls_do_not_use_the_stack(void)
{
	static struct pv_platform_parameters parameters;
	struct pv_sched_poll poll = {.timeout = 1};
	unsigned int i;
	uint64_t sp;

	user_init();
	fill_more();
	events_mask();
	for (i = 0; (sp = stack_of(i)) != 1; i++) {
		CHECK(call_on(sp, HC_xen_version, XENVER_version, 0) > 0);
		CHECK_EQ(call_on(sp, HC_xen_version, XENVER_platform_parameters,
				 P(&parameters)),
			 0);
		CHECK_EQ(call_on(sp, HC_vcpu_op, VCPUOP_is_up, 0), 1);
		CHECK_EQ(call_on(sp, HC_stack_switch, FLAT_KERNEL_SS,
				 this_vcpu()->entry_stack),
			 0);
		CHECK_EQ(call_on(sp, HC_set_segment_base, SEGBASE_GS_USER, 0),
			 0);
		CHECK_EQ(call_on(sp, 63, 0, 0), -ENOSYS);
		CHECK_EQ(call_on(sp, HC_sched_op, SCHEDOP_yield, 0), 0);
		CHECK_EQ(call_on(sp, HC_sched_op, SCHEDOP_poll, P(&poll)), 0);
	}
	CHECK_EQ(parameters.virt_start, HYPERVISOR_VIRT_START);
}

CODE(with_stack, "movq %rdi, %rsp\n syscall\n");
CODE(with_stack_ud2, "movq %rdi, %rsp\n ud2\n");
CODE(with_stack_fault, "movq %rdi, %rsp\n movq 0x3000, %rax\n");
CODE(with_stack_push, "movq %rdi, %rsp\n pushq %rax\n");
CODE(with_stack_int, "movq %rdi, %rsp\n int $0x80\n");
CODE(with_stack_call, "movq %rdi, %rsp\n call 1f\n 1: int3\n");

/* User code's stack pointer is only told to its kernel. */
static void user_stacks_may_be_anything(void)
{
	static const struct {
		const struct code *code;
		unsigned int vector, other;
	} t[] = {
		{&with_stack, ENTRY_SYSCALL, ENTRY_SYSCALL},
		{&with_stack_ud2, VEC_UD, VEC_UD},
		{&with_stack_fault, VEC_PF, VEC_PF},
		{&with_stack_int, 0x80, 0x80},
	};
	unsigned int i, k;
	struct frame f;
	uint64_t sp;

	CHECK_EQ(trap_set(0x80, trap_stub(0x80), 3), 0);
	for (i = 0; (sp = stack_of(i)) != 1; i++) {
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			f = user_call(*t[k].code, sp, 0, 0);
			CHECKF(f.vector == t[k].vector, "%u, %#lx: %#lx", k, sp,
			       f.vector);
			CHECKF(f.rsp == sp, "%u: %#lx, not %#lx", k, f.rsp, sp);
		}
		if (sp == USER_STACK)
			continue;
		f = user_call(with_stack_push, sp, 0, 0);
		CHECKF(f.vector == VEC_PF || f.vector == VEC_SS ||
			       f.vector == VEC_GP,
		       "%#lx: %#lx", sp, f.vector);
		f = user_call(with_stack_call, sp, 0, 0);
		CHECKF(f.vector == VEC_PF || f.vector == VEC_SS ||
			       f.vector == VEC_GP,
		       "%#lx: %#lx", sp, f.vector);
	}
}

/* A return to user code with such a stack, by both kinds of return. */
static void returns_load_any_user_stack(void)
{
	unsigned int i, k;
	uint64_t sp;

	CODE(at_once, "syscall\n");
	user_load(at_once);
	for (k = 0; k < 2; k++) {
		this_vcpu()->iret_flags = k ? VGCF_in_syscall : 0;
		for (i = 0; (sp = stack_of(i)) != 1; i++) {
			struct frame f = user_frame();

			f.rsp = sp;
			user_run(&f);
			/* An IRETQ may refuse one that is not canonical. */
			CHECKF(f.vector == ENTRY_SYSCALL ||
				       f.vector == ENTRY_FAILSAFE ||
				       f.vector == VEC_SS || f.vector == VEC_GP,
			       "%#lx: %#lx", sp, f.vector);
		}
	}
	this_vcpu()->iret_flags = 0;
}

/* ---- ends --------------------------------------------------------------------- */

static void on_stack(uint64_t sp, void (*then)(void))
{
	__asm__ volatile("movq %0, %%rsp; jmp *%1" : : "r"(sp), "r"(then));
}

static void then_ud2(void)
{
	__asm__ volatile("ud2");
}

static void then_fault(void)
{
	__asm__ volatile("movq 0x3000, %rax");
}

static void then_iret(void)
{
	__asm__ volatile("movl %0, %%eax; syscall" : : "i"(HC_iret));
}

static void then_event(void)
{
	__asm__ volatile("1: jmp 1b");
}

/* One case per door and address; the address is chosen by the case. */
#define CASE(door, name, sp)                                                   \
	static void door##_##name(void)                                        \
	{                                                                      \
		user_init();                                                   \
		fill_more();                                                   \
		door(sp);                                                      \
	}
#define EACH_STACK(op, door)                                                   \
	op(door, nothing, 0) op(door, non_canonical, 0x8000000000000000)       \
		op(door, ring_0, ring0_stack_top)                              \
			op(door, table, start_info->pt_base + 2048)            \
				op(door, above_hole, HYPERVISOR_VIRT_END)      \
					op(door, wraps, 8)

static void exception_on(uint64_t sp)
{
	on_stack(sp, then_ud2);
}

static void fault_on(uint64_t sp)
{
	on_stack(sp, then_fault);
}

static void iret_on(uint64_t sp)
{
	on_stack(sp, then_iret);
}

/* A timer that rings again: it may have rung before the stack is gone. */
static void event_on(uint64_t sp)
{
	struct pv_vcpu_set_periodic_timer t = {.period_ns = 2000000};

	bind_virq(VIRQ_TIMER, 0);
	HYPERVISOR_vcpu_op(VCPUOP_set_periodic_timer, 0, P(&t));
	events_unmask();
	on_stack(sp, then_event);
}

static void syscall_to(uint64_t sp)
{
	HYPERVISOR_stack_switch(FLAT_KERNEL_SS, sp);
	user_call(with_stack, 0, 0, 0);
}

static void user_fault_to(uint64_t sp)
{
	HYPERVISOR_stack_switch(FLAT_KERNEL_SS, sp);
	user_call(with_stack_fault, 0, 0, 0);
}

static void user_trap_to(uint64_t sp)
{
	HYPERVISOR_stack_switch(FLAT_KERNEL_SS, sp);
	user_call(with_stack_ud2, 0, 0, 0);
}

EACH_STACK(CASE, exception_on)
EACH_STACK(CASE, fault_on)
EACH_STACK(CASE, iret_on)
EACH_STACK(CASE, syscall_to)
EACH_STACK(CASE, user_fault_to)
CASE(event_on, nothing, 0)
CASE(event_on, ring_0, ring0_stack_top)
CASE(user_trap_to, nothing, 0)
CASE(user_trap_to, ring_0, ring0_stack_top)

#define ROW(door, name, sp) {#door ": " #name, door##_##name, CRASHES},

const struct test tests[] = {
	{"hypercalls do not use the stack", hypercalls_do_not_use_the_stack},
	{"user stacks may be anything", user_stacks_may_be_anything},
	{"returns load any user stack", returns_load_any_user_stack},
	/* clang-format off */
	EACH_STACK(ROW, exception_on)
	EACH_STACK(ROW, fault_on)
	EACH_STACK(ROW, syscall_to)
	EACH_STACK(ROW, user_fault_to)
	ROW(event_on, nothing, 0)
	ROW(event_on, ring_0, 0)
	ROW(user_trap_to, nothing, 0)
	ROW(user_trap_to, ring_0, 0)
	ROW(iret_on, nothing, 0)
	ROW(iret_on, non_canonical, 0)
	ROW(iret_on, above_hole, 0)
	/* clang-format on */
	/* What can be read there is no frame. */
	{"iret_on: ring_0", iret_on_ring_0, MAY_CRASH},
	{"iret_on: table", iret_on_table, MAY_CRASH},
	{"iret_on: wraps", iret_on_wraps, CRASHES},
	{},
};
