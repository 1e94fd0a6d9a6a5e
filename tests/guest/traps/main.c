/* SPDX-License-Identifier: MIT */
/*
 * Exceptions reach the guest kernel as the CPU would deliver them: the right
 * vector, error code, address and registers, from its own code and from user
 * code, nested, and with events masked where the table says so.
 */
#include "tests/guest/lib/guest.h"

/* ---- in the kernel -------------------------------------------------------- */

static void divide(void *arg)
{
	__asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx"
			 :
			 : "a"(1), "d"(0)
			 : "rcx", "cc");
	(void)arg;
}

static void breakpoint(void *arg)
{
	__asm__ volatile("int3");
	(void)arg;
}

static void undefined(void *arg)
{
	__asm__ volatile("ud2");
	(void)arg;
}

static void overflow(void *arg)
{
	__asm__ volatile("int $4");
	(void)arg;
}

static void non_canonical(void *arg)
{
	(void)*(volatile char *)0x1000000000000000;
	(void)arg;
}

static void stack_fault(void *arg)
{
	__asm__ volatile("movq %%rbp, %%rdx; movq %0, %%rbp\n"
			 "movq (%%rbp), %%rax; movq %%rdx, %%rbp"
			 :
			 : "r"(0x1000000000000000)
			 : "rax", "rdx");
	(void)arg;
}

static void null_selector(void *arg)
{
	__asm__ volatile("movw %w0, %%fs" : : "r"(0x1f00));
	(void)arg;
}

static void no_fpu(void *arg)
{
	__asm__ volatile("fnop");
	(void)arg;
}

static void kernel_exceptions_are_delivered(void)
{
	static const struct {
		void (*fn)(void *);
		int vector;
		uint64_t error;
	} t[] = {
		{divide, VEC_DE, 0},
		{breakpoint, VEC_BP, 0},
		{undefined, VEC_UD, 0},
		{overflow, VEC_OF, 0},
		{non_canonical, VEC_GP, 0},
		{stack_fault, VEC_SS, 0},
		{null_selector, VEC_GP, 0x1f00},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct fault f = probe(t[i].fn, NULL);

		/* Some emulators know no stack fault. */
		if (t[i].vector == VEC_SS && f.vector == VEC_GP)
			f.vector = VEC_SS;
		CHECKF(f.vector == t[i].vector && f.error == t[i].error,
		       "%u: vector %d error %#lx", i, f.vector, f.error);
	}
}

static void store_zero(void *at)
{
	*(volatile uint8_t *)at = 0;
}

static void page_faults_tell_address_and_cause(void)
{
	uint8_t *page = page_alloc();
	struct fault f;

	f = probe_read(0x12345);
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.cr2, 0x12345);
	CHECK_EQ(f.error, 0);
	f = probe(store_zero, (void *)0x54321);
	CHECK_EQ(f.cr2, 0x54321);
	CHECK_EQ(f.error, PF_WRITE);
	CHECK_EQ(page_set(page, PTE_P), 0);
	f = probe_write(P(page) + 7);
	CHECK_EQ(f.cr2, P(page) + 7);
	CHECK_EQ(f.error, PF_PRESENT | PF_WRITE);
	f = probe_exec(0x4444);
	CHECK_EQ(f.cr2, 0x4444);
	CHECK_EQ(f.rip, 0x4444);
	CHECK_EQ(f.error & ~PF_FETCH, 0);
	page_free(page);
}

static void the_fpu_can_be_taken_away(void)
{
	struct fault f;

	CHECK_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
	f = probe(no_fpu, NULL);
	CHECK_EQ(f.vector, VEC_NM);
	/* Delivering it gives the FPU back, as a native kernel's clts. */
	CHECK_EQ(probe(no_fpu, NULL).vector, -1);
	CHECK_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
	CHECK_EQ(HYPERVISOR_fpu_taskswitch(0), 0);
	CHECK_EQ(probe(no_fpu, NULL).vector, -1);
}

/* ---- frames -------------------------------------------------------------- */

static struct frame seen;
static unsigned int depth;
static uint8_t mask_in_handler;

static bool keep_and_skip(struct frame *f)
{
	if (f->vector != VEC_UD)
		return false;
	seen = *f;
	mask_in_handler = vcpu_info()->evtchn_upcall_mask;
	f->rip += 2;
	f->rax = 0x77;
	return true;
}

static void frames_hold_the_registers(void)
{
	uint64_t sp, rax = 0x11, rcx = 0x22, rdx = 0x33;
	register uint64_t r11 __asm__("r11") = 0x44;

	this_vcpu()->hook = keep_and_skip;
	__asm__ volatile("movq %%rsp, %0; ud2"
			 : "=&r"(sp), "+a"(rax), "+c"(rcx), "+d"(rdx), "+r"(r11)
			 :
			 : "memory");
	this_vcpu()->hook = NULL;
	CHECK_EQ(seen.rax, 0x11);
	CHECK_EQ(seen.rcx, 0x22);
	CHECK_EQ(seen.rdx, 0x33);
	CHECK_EQ(seen.r11, 0x44);
	CHECK_EQ(seen.rsp, sp);
	CHECK_EQ(seen.cs & 3, 0);
	CHECK_EQ(rax, 0x77);
	CHECK_EQ(rcx, 0x22);
	CHECK_EQ(r11, 0x44);
}

/* Bits 32-39 of CS and IF of the flags tell the mask at the exception. */
static void frames_tell_the_event_mask(void)
{
	unsigned int masked, handler;
	uint8_t was = vcpu_info()->evtchn_upcall_mask;

	this_vcpu()->hook = keep_and_skip;
	for (handler = 0; handler < 2; handler++) {
		CHECK_EQ(trap_set(VEC_UD, trap_stub(VEC_UD),
				  handler ? TI_IF : 0),
			 0);
		for (masked = 0; masked < 2; masked++) {
			uint64_t rax;

			vcpu_info()->evtchn_upcall_mask = masked;
			__asm__ volatile("ud2" : "=a"(rax) : : "memory");
			CHECK_EQ(seen.cs >> 32 & 0xff, masked);
			CHECK_EQ(!(seen.rflags & RFLAGS_IF), masked);
			CHECK_EQ(mask_in_handler, masked | handler);
			CHECK_EQ(vcpu_info()->evtchn_upcall_mask, masked);
		}
	}
	this_vcpu()->hook = NULL;
	vcpu_info()->evtchn_upcall_mask = was;
	CHECK_EQ(trap_set(VEC_UD, trap_stub(VEC_UD), 0), 0);
}

static bool nest(struct frame *f)
{
	if (f->vector != VEC_UD)
		return false;
	f->rip += 2;
	if (++depth < 10)
		__asm__ volatile("ud2");
	return true;
}

static void exceptions_nest(void)
{
	depth = 0;
	this_vcpu()->hook = nest;
	__asm__ volatile("ud2");
	this_vcpu()->hook = NULL;
	CHECK_EQ(depth, 10);
}

/* An odd stack pointer is aligned down for the frame and comes back odd. */
static void odd_stack_pointers_survive(void)
{
	uint64_t sp, back;

	this_vcpu()->hook = keep_and_skip;
	__asm__ volatile("movq %%rsp, %%rbx; subq $3, %%rsp; movq %%rsp, %0\n"
			 "ud2; movq %%rsp, %1; movq %%rbx, %%rsp"
			 : "=&r"(sp), "=&r"(back)
			 :
			 : "rax", "rbx", "memory");
	this_vcpu()->hook = NULL;
	CHECK_EQ(seen.rsp, sp);
	CHECK_EQ(back, sp);
}

/* ---- from user code ------------------------------------------------------- */

CODE(user_divide, "xorl %ecx, %ecx; movl $1, %eax; cdq; divl %ecx\n");
CODE(user_breakpoint, "int3\n");
CODE(user_undefined, "ud2\n");
CODE(user_overflow, "int $4\n");
CODE(user_non_canonical, "movq $1, %rax; shlq $60, %rax; movq (%rax), %rax\n");
CODE(user_stack, "movq $1, %rbp; shlq $60, %rbp; movq (%rbp), %rax\n");
CODE(user_privileged, "hlt\n");
CODE(user_selector, "movw $0x1f00, %ax; movw %ax, %fs\n");
CODE(user_read, "movq (%rdi), %rax\n");
CODE(user_write, "movq %rax, (%rdi)\n");
CODE(user_jump, "jmp *%rdi\n");
CODE(user_unaligned, "pushfq; orq $0x40000, (%rsp); popfq\n"
		     "movq 1(%rdi), %rax\n");

static void user_exceptions_are_delivered(void)
{
	const struct {
		struct code code;
		unsigned int vector;
		uint64_t error;
		unsigned int rip;
	} t[] = {
		{user_divide, VEC_DE, 0, 8},
		{user_breakpoint, VEC_BP, 0, 1},
		{user_undefined, VEC_UD, 0, 0},
		{user_overflow, VEC_OF, 0, 2},
		{user_non_canonical, VEC_GP, 0, 11},
		{user_stack, VEC_SS, 0, 11},
		{user_privileged, VEC_GP, 0, 0},
		{user_selector, VEC_GP, 0x1f00, 4},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame f = user_call(t[i].code, 0, 0, 0);

		if (t[i].vector == VEC_SS && f.vector == VEC_GP)
			f.vector = VEC_SS;
		CHECKF(f.vector == t[i].vector && f.error == t[i].error,
		       "%u: vector %#lx error %#lx", i, f.vector, f.error);
		CHECKF(f.rip == USER_CODE + t[i].rip, "%u: rip %#lx", i, f.rip);
		CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS);
		CHECK_EQ(f.ss & 0xffff, FLAT_USER_SS);
		CHECK_EQ(f.rsp, USER_STACK);
		CHECK(f.rflags & RFLAGS_IF);
	}
}

static void user_page_faults_tell_address_and_cause(void)
{
	struct frame f;

	f = user_call(user_read, 0x3000, 0, 0);
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.error, PF_USER);
	CHECK_EQ(this_vcpu()->user_cr2, 0x3000);
	f = user_call(user_write, USER_DATA + 0x2000, 0, 0);
	CHECK_EQ(f.error, PF_USER | PF_WRITE);
	CHECK_EQ(user_map(USER_DATA, va_to_mfn(user_data_page), PTE_P | PTE_U),
		 0);
	f = user_call(user_write, USER_DATA + 5, 0, 0);
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.error, PF_USER | PF_WRITE | PF_PRESENT);
	CHECK_EQ(this_vcpu()->user_cr2, USER_DATA + 5);
	CHECK_EQ(user_map(USER_DATA, va_to_mfn(user_data_page), PTE_USER), 0);
	f = user_call(user_jump, 0x5000, 0, 0);
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.rip, 0x5000);
}

/* The frame goes to the stack that stack_switch named, whatever rsp is. */
static void user_frames_go_to_the_kernel_stack(void)
{
	uint64_t page = P(page_alloc()), here = this_vcpu()->entry_stack;
	uint64_t *top = (uint64_t *)(page + PAGE_SIZE);

	CHECK_EQ(HYPERVISOR_stack_switch(FLAT_KERNEL_SS, P(top)), 0);
	user_call(user_undefined, 0, 0, 0);
	CHECK_EQ(top[-1] & 0xffff, FLAT_USER_SS);
	CHECK_EQ(top[-2], USER_STACK);
	CHECK_EQ(top[-4] & 0xffff, FLAT_USER_CS);
	CHECK_EQ(top[-5], USER_CODE);
	CHECK_EQ(HYPERVISOR_stack_switch(FLAT_KERNEL_SS, here), 0);
	page_free((void *)page);
}

static void alignment_is_checked_for_users_that_want_it(void)
{
	struct frame f = user_call(user_unaligned, USER_DATA, 0, 0);

	/* Some emulators never check: then the next instruction traps. */
	CHECK(f.vector == VEC_AC || f.vector == VEC_BP);
	CHECK_EQ(f.error, 0);
	CHECK(f.rflags & RFLAGS_AC);
	CHECK_EQ(read_flags() & RFLAGS_AC, 0);
}

/* ---- native returns --------------------------------------------------------- */

static uint64_t iretq_to(uint64_t cs, uint64_t ss)
{
	uint64_t landed;

	__asm__ volatile("movq %%rsp, %%rbx\n"
			 "pushq %2\n pushq %%rbx\n pushfq\n pushq %1\n"
			 "leaq 1f(%%rip), %%rax\n pushq %%rax\n iretq\n"
			 "1: movq %%cs, %0"
			 : "=&r"(landed)
			 : "r"(cs), "r"(ss)
			 : "rax", "rbx", "memory", "cc");
	return landed;
}

/* As a kernel does to have its own instruction stream serialised. */
static void the_kernel_returns_to_itself(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		CHECK_EQ(iretq_to(read_cs(), read_ss()), read_cs());
	CHECK(HYPERVISOR_xen_version(XENVER_version, 0) > 0);
}

/*
 * Down to ring 3, but in kernel mode still: the first page without the user
 * bit brings it back to ring 1, and hypercalls work throughout.
 */
static void a_kernel_that_drops_to_ring_3_comes_back(void)
{
	iretq_to(FLAT_USER_CS, FLAT_USER_SS);
	CHECK(HYPERVISOR_xen_version(XENVER_version, 0) > 0);
	CHECK_EQ(probe_read(0x12345).vector, VEC_PF);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
	CHECK_EQ(user_call(user_undefined, 0, 0, 0).vector, VEC_UD);
	CHECK_EQ(read_cs() & 3, on_parapet() ? 1 : 3);
}

static void iretq_ring_0(void *cs)
{
	iretq_to(P(cs), 0xe010);
}

static void ring_0_is_not_reached(void)
{
	struct fault f = probe(iretq_ring_0, (void *)0xe008);

	CHECK_EQ(f.vector, VEC_GP);
	f = probe(iretq_ring_0, (void *)0xe030);
	CHECK_EQ(f.vector, VEC_GP);
	CHECK(read_cs() & 3);
}

/* ---- the table ------------------------------------------------------------ */

static void the_table_ends_at_address_0(void)
{
	struct pv_trap_info table[] = {
		{VEC_UD, 0, FLAT_KERNEL_CS, trap_stub(VEC_UD)},
		{0, 0, 0, 0},
		{VEC_BP, 0, FLAT_KERNEL_CS, trap_stub(VEC_UD)},
	};

	CHECK_EQ(HYPERVISOR_set_trap_table(P(table)), 0);
	CHECK_EQ(probe(breakpoint, NULL).vector, VEC_BP);
	CHECK_EQ(probe(undefined, NULL).vector, VEC_UD);
}

/* ---- ends of the domain ---------------------------------------------------- */

static void without_a_handler(void)
{
	CHECK_EQ(HYPERVISOR_set_trap_table(0), 0);
	__asm__ volatile("ud2");
}

static void without_a_handler_for_users(void)
{
	user_init();
	CHECK_EQ(HYPERVISOR_set_trap_table(0), 0);
	user_call(user_undefined, 0, 0, 0);
}

static bool fault_again(struct frame *f)
{
	(void)f;
	__asm__ volatile("ud2");
	return true;
}

/* Until the stack is at its end, in a hole: a frame does not fit any more. */
static void recursion(void)
{
	uint8_t *page = pages_alloc(2);

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(page), 0, UVMF_INVLPG), 0);
	this_vcpu()->hook = fault_again;
	__asm__ volatile("movq %0, %%rsp; ud2" : : "r"(page + 2 * PAGE_SIZE));
}

static void init(void)
{
	user_init();
	CHECK(user_root != NULL);
}

const struct test tests[] = {
	{"user space can be made", init},
	{"exceptions of the kernel are delivered",
	 kernel_exceptions_are_delivered},
	{"page faults tell address and cause",
	 page_faults_tell_address_and_cause},
	{"the FPU can be taken away", the_fpu_can_be_taken_away},
	{"a frame holds the registers", frames_hold_the_registers},
	{"a frame tells the event mask", frames_tell_the_event_mask},
	{"exceptions nest", exceptions_nest},
	{"odd stack pointers survive", odd_stack_pointers_survive},
	{"exceptions of user code are delivered",
	 user_exceptions_are_delivered},
	{"page faults of user code tell address and cause",
	 user_page_faults_tell_address_and_cause},
	{"frames of user code go to the kernel's stack",
	 user_frames_go_to_the_kernel_stack},
	{"alignment is checked for users that want it",
	 alignment_is_checked_for_users_that_want_it},
	{"the kernel returns to itself", the_kernel_returns_to_itself},
	{"a kernel that drops to ring 3 comes back",
	 a_kernel_that_drops_to_ring_3_comes_back},
	{"no return leads to ring 0", ring_0_is_not_reached},
	{"the trap table ends at address 0", the_table_ends_at_address_0},
	{"an exception without a handler ends the domain", without_a_handler,
	 CRASHES},
	{"so does one of user code", without_a_handler_for_users, CRASHES},
	{"endless recursion ends the domain", recursion, CRASHES},
	{},
};
