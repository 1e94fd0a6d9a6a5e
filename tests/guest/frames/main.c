/* SPDX-License-Identifier: MIT */
/*
 * Rule 5: however a return frame is filled in, what runs next runs in ring 1 or
 * ring 3 with the flags that a guest may have.  Every selector, hostile
 * instruction pointers, every flag; and addresses of handlers that lead nowhere
 * or into the hypervisor.
 */
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

/* Tells where it is: its CS and flags, and that it ran. */
CODE(tell, "movw %cs, %ax\n movw %ss, %bx\n pushfq\n popq %rdx\n"
	   "movl $0x600d, %ecx\n ud2\n");

/* How a frame is made: others than the first are for SYSRET. */
enum way {
	BY_IRETQ,
	BY_HINT, /* rcx and r11 are lost                             */
	AS_LEFT, /* by a system call                                 */
	WAYS,
};

static void go(struct frame *f, enum way way)
{
	if (way != BY_IRETQ) {
		f->cs = LINUX_USER_CS;
		f->ss = LINUX_USER_SS;
	}
	if (way == AS_LEFT) {
		f->rflags |= 2;
		f->rcx = f->rip;
		f->r11 = f->rflags;
	}
	this_vcpu()->iret_flags = way == BY_HINT ? VGCF_in_syscall : 0;
	user_run(f);
	this_vcpu()->iret_flags = 0;
}

static struct frame user_with(uint64_t cs, uint64_t ss)
{
	struct frame f = user_frame();

	f.cs = cs;
	f.ss = ss;
	user_run(&f);
	return f;
}

/* It ran in ring 3 or not at all. */
static bool harmless(const struct frame *f)
{
	if ((f->cs & 3) != 3)
		return f->vector == ENTRY_FAILSAFE;
	return true;
}

static void every_code_selector_is_tried(void)
{
	unsigned int cs, ran = 0, failed = 0;
	struct frame f;

	user_init();
	user_load(tell);
	for (cs = 3; cs < 0x10000; cs += 4) {
		f = user_with(cs, FLAT_USER_SS);
		if (!CHECKF(harmless(&f), "cs %#x: vector %#lx at %#lx:%#lx",
			    cs, f.vector, f.cs, f.rip))
			break;
		if (f.vector == VEC_UD && f.rcx == 0x600d) {
			ran++;
			CHECK_EQ(f.rax & 3, 3);
		} else {
			failed++;
		}
	}
	note("%u ran, %u failed", ran, failed);
	CHECK(ran >= 1 && failed > 16000);
}

static void every_stack_selector_is_tried(void)
{
	unsigned int ss, ran = 0;
	struct frame f;

	for (ss = 0; ss < 0x10000; ss++) {
		f = user_with(FLAT_USER_CS, ss);
		if (!CHECKF(harmless(&f), "ss %#x: vector %#lx at %#lx:%#lx",
			    ss, f.vector, f.cs, f.rip))
			break;
		ran += f.vector == VEC_UD;
	}
	note("%u ran", ran);
	CHECK(ran >= 1 && ran < 64);
}

/* With the flag that lets the hypervisor use SYSRET, too. */
static void sysret_takes_no_other_selectors(void)
{
	unsigned int sel;
	struct frame f;

	this_vcpu()->iret_flags = VGCF_in_syscall;
	for (sel = 3; sel < 0x10000; sel += 244) {
		f = user_with(sel, sel);
		CHECKF(harmless(&f), "%#x: vector %#lx at %#lx", sel, f.vector,
		       f.cs);
	}
	this_vcpu()->iret_flags = 0;
}

/* Whichever instruction leaves: all registers are as the frame says. */
CODE(see, "movw %cs, %ax\n movw %ss, %bx\n pushfq\n popq %rdx\n ud2\n");

static void frames_are_loaded_as_they_are(void)
{
	static const struct {
		uint64_t cs, ss, rcx, r11, flags; /* what is different */
		bool hint;
	} t[] = {
		{0},
		{.rcx = 8},
		{.r11 = 0x80},
		{.rcx = 1ul << 63, .r11 = 1ul << 40},
		{.cs = LINUX_USER_CS ^ FLAT_USER_CS},
		{.ss = LINUX_USER_SS ^ FLAT_USER_SS},
		{.cs = LINUX_USER_CS ^ FLAT_USER_CS,
		 .ss = LINUX_USER_SS ^ FLAT_USER_SS},
		{.flags = RFLAGS_RF},
		{.flags = RFLAGS_AC | 0x8d5},
		{.hint = true},
		{.cs = LINUX_USER_CS ^ FLAT_USER_CS, .hint = true},
		{.ss = LINUX_USER_SS ^ FLAT_USER_SS, .hint = true},
	};
	unsigned int i;

	user_linux_selectors();
	user_load(see);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame f = user_frame(), want;

		f.rflags |= t[i].flags | 2;
		f.cs = LINUX_USER_CS ^ t[i].cs;
		f.ss = LINUX_USER_SS ^ t[i].ss;
		f.rcx = f.rip ^ t[i].rcx;
		f.r11 = f.rflags ^ t[i].r11;
		want = f;
		this_vcpu()->iret_flags = t[i].hint ? VGCF_in_syscall : 0;
		user_run(&f);
		CHECKF(f.vector == VEC_UD, "%u: vector %#lx", i, f.vector);
		CHECKF(f.rax == want.cs && f.rbx == want.ss, "%u: %#lx %#lx", i,
		       f.rax, f.rbx);
		CHECKF(f.rdx == (want.rflags & ~RFLAGS_RF), "%u: %#lx", i,
		       f.rdx);
		CHECKF(f.rcx == want.rcx && f.r11 == want.r11, "%u: %#lx %#lx",
		       i, f.rcx, f.r11);
	}
	this_vcpu()->iret_flags = 0;
}

/* TF: a step after the first instruction, not before it. */
static void steps_are_after_an_instruction(void)
{
	struct frame f = user_frame();

	f.rflags |= RFLAGS_TF;
	go(&f, AS_LEFT);
	CHECK_EQ(f.vector, VEC_DB);
	CHECK_EQ(f.rip, USER_CODE + 3);
}

/* RPL 0 to 2 stay in the kernel: the frame's selectors mean nothing. */
static volatile unsigned int landed;
static uint16_t landed_cs;

static void __attribute__((used)) land(void)
{
	landed++;
	landed_cs = read_cs();
}

static void to_kernel(uint64_t cs, uint64_t ss)
{
	__asm__ volatile("movq %%rsp, %%rbx\n"
			 "pushq %1\n pushq %%rbx\n pushq $2\n pushq %0\n"
			 "leaq 1f(%%rip), %%rax\n pushq %%rax\n"
			 "pushq $0\n pushq $0\n pushq $0\n pushq $0\n"
			 "movl %2, %%eax\n syscall\n"
			 "1: call land"
			 :
			 : "r"(cs), "r"(ss), "i"(HC_iret)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
			   "r10", "r11", "memory", "cc");
}

static void kernel_selectors_are_ours(void)
{
	unsigned int sel, n = 0, rpl;

	if (!on_parapet()) {
		skip("others load what the frame says");
		return;
	}
	landed = 0;
	for (sel = 0; sel < 0x10000; sel += 52)
		for (rpl = 0; rpl < 2; rpl++) {
			to_kernel((sel & ~3) | rpl, sel);
			n++;
			CHECK_EQ(landed_cs & 3, read_cs() & 3);
		}
	CHECK_EQ(landed, n);
}

/* ---- instruction pointers ------------------------------------------------------ */

static void user_instruction_pointers_may_be_anything(void)
{
	unsigned int k;

	for (k = 0; k < WAYS; k++) {
		for_each_hostile(h)
		{
			struct frame f = user_frame();

			f.rip = h->va;
			go(&f, k);
			CHECKF(f.vector == VEC_PF || f.vector == VEC_GP ||
				       f.vector == ENTRY_FAILSAFE,
			       "%s: %#lx", h->name, f.vector);
			CHECKF((f.cs & 3) == 3, "%s: cs %#lx", h->name, f.cs);
			CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
		}
	}
}

/*
 * SYSCALL in the last two bytes of the lower half: the address to return to is
 * not canonical, and SYSRET to it would fault in ring 0 on some processors.
 */
static void a_system_call_at_the_end_of_the_lower_half(void)
{
	const uint64_t page = 0x00007ffffffff000;
	uint64_t *l3 = table_alloc(), *l2 = table_alloc(), *l1 = table_alloc();
	uint8_t *code = page_alloc();
	unsigned int k;

	memset(code, 0x90, PAGE_SIZE);
	code[PAGE_SIZE - 2] = 0x0f;
	code[PAGE_SIZE - 1] = 0x05;
	CHECK_EQ(mmuext(MMUEXT_PIN_L3_TABLE, va_to_mfn(l3), 0), 0);
	CHECK_EQ(pte_write(&l3[511], va_to_mfn(l2) * PAGE_SIZE | PTE_TABLE), 0);
	CHECK_EQ(pte_write(&l2[511], va_to_mfn(l1) * PAGE_SIZE | PTE_TABLE), 0);
	CHECK_EQ(pte_write(&l1[511], va_to_mfn(code) * PAGE_SIZE | PTE_USER),
		 0);
	CHECK_EQ(pte_write(&kernel_root()[255],
			   va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
		 0);
	CHECK_EQ(pte_write(&user_root[255],
			   va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
		 0);
	for (k = 0; k < WAYS; k++) {
		struct frame f = user_frame();

		f.rip = page + PAGE_SIZE - 2;
		user_run(&f);
		CHECK_EQ(f.vector, ENTRY_SYSCALL);
		CHECK_EQ(f.rip, page + PAGE_SIZE);
		go(&f, k);
		CHECKF(f.vector == ENTRY_FAILSAFE || f.vector == VEC_GP ||
			       f.vector == VEC_PF,
		       "%#lx", f.vector);
		CHECK_EQ(f.cs & 3, 3);
	}
	CHECK_EQ(pte_write(&kernel_root()[255], 0), 0);
	CHECK_EQ(pte_write(&user_root[255], 0), 0);
}

static void jump(void *rip)
{
	__asm__ volatile("pushq %0\n ret" : : "r"(rip));
}

static void iret_kernel(void *rip)
{
	__asm__ volatile(
		"movq %%rsp, %%rbx\n"
		"pushq $0xe028\n pushq %%rbx\n pushq $2\n pushq $0xe030\n"
		"pushq %0\n"
		"pushq $0\n pushq $0\n pushq $0\n pushq $0\n"
		"movl %1, %%eax\n syscall"
		:
		: "r"(rip), "i"(HC_iret)
		: "memory");
}

/* Not executable, or not there, for ring 1 as for any other. */
static bool not_code(const struct hostile *h)
{
	return probe_read(h->va).vector != -1;
}

static void kernel_instruction_pointers_may_be_anything(void)
{
	for_each_hostile(h)
	{
		struct fault f;

		if (!not_code(h))
			continue;
		f = probe(jump, (void *)h->va);
		CHECKF(f.vector == VEC_PF || f.vector == VEC_GP, "%s: %d",
		       h->name, f.vector);
		f = probe(iret_kernel, (void *)h->va);
		CHECKF(f.vector == VEC_PF || f.vector == VEC_GP ||
			       f.vector == ENTRY_FAILSAFE,
		       "%s: %d", h->name, f.vector);
	}
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
}

/* ---- flags ---------------------------------------------------------------------- */

static void user_flags_are_limited(void)
{
	unsigned int bit, k;

	user_load(tell);
	for (k = 0; k < WAYS; k++) {
		for (bit = 0; bit < 64; bit++) {
			struct frame f = user_frame();

			f.rflags |= 1ul << bit;
			go(&f, k);
			if (bit == 8 && f.vector == VEC_DB)
				continue; /* TF: it was stepped */
			if (!CHECKF(f.vector == VEC_UD, "bit %u: %#lx", bit,
				    f.vector))
				continue;
			CHECKF((f.rdx & (RFLAGS_IOPL | 1ul << 17 |
					 RFLAGS_IF)) == RFLAGS_IF,
			       "bit %u: %#lx", bit, f.rdx);
			CHECKF(!(f.rdx & RFLAGS_NT) || !on_parapet(),
			       "bit %u: %#lx", bit, f.rdx);
			CHECK_EQ(f.rax & 3, 3);
		}
	}
}

/* ---- handlers -------------------------------------------------------------------- */

static void handlers_are_canonical(void)
{
	static const uint64_t bad[] = {0x800000000000, 0x8000000000000000,
				       0xffff7fffffffffff};
	static const unsigned int types[] = {
		CALLBACKTYPE_event,    CALLBACKTYPE_failsafe,
		CALLBACKTYPE_syscall,  CALLBACKTYPE_nmi,
		CALLBACKTYPE_sysenter, CALLBACKTYPE_syscall32,
	};
	unsigned int i, k;

	if (!on_parapet()) {
		skip("others find out when they use them");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ(trap_set(VEC_UD, bad[i], 0), -EINVAL);
		for (k = 0; k < ARRAY_SIZE(types); k++)
			CHECKF(callback_set(types[k], bad[i], 0) == -EINVAL,
			       "type %u", types[k]);
	}
	CHECK_EQ(callback_set(77, P(event_callback), 0), -ENOSYS);
	traps_init();
	CHECK(doors_round());
}

static void doors_open(void)
{
	doors_init();
	CHECK(doors_round());
}

/* The handler's address is in the hypervisor: the fault there has none. */
static void trap_into(uint64_t va)
{
	trap_set(VEC_PF, va, 0);
	trap_set(VEC_GP, va, 0);
	trap_set(VEC_UD, va, 0);
	__asm__ volatile("ud2");
}

static void trap_into_text(void)
{
	trap_into(0xffff878000000000);
}

static void trap_into_stack(void)
{
	trap_into(ring0_stack_top - 2048);
}

static void trap_into_m2p(void)
{
	trap_into(MACH2PHYS_VIRT_START);
}

static void trap_into_user(void)
{
	user_init();
	/* The handler is user code, in ring 1: its own affair. */
	user_load(tell);
	trap_into(USER_CODE);
}

static void syscall_into_stack(void)
{
	user_init();
	callback_set(CALLBACKTYPE_syscall, ring0_stack_top - 2048, 0);
	trap_set(VEC_PF, ring0_stack_top - 2048, 0);
	user_load(tell);
	CODE(call, "syscall\n");
	user_call(call, 0, 0, 0);
}

static void event_into_stack(void)
{
	callback_set(CALLBACKTYPE_event, ring0_stack_top - 2048, 0);
	trap_set(VEC_PF, ring0_stack_top - 2048, 0);
	port_send(bind_ipi(0));
	events_unmask();
}

static void failsafe_into_stack(void)
{
	struct frame f;

	user_init();
	callback_set(CALLBACKTYPE_failsafe, ring0_stack_top - 2048, 0);
	trap_set(VEC_PF, ring0_stack_top - 2048, 0);
	f = user_with(0xffff, FLAT_USER_SS);
	(void)f;
}

RUN("seconds=90");

const struct test tests[] = {
	{"every code selector is tried", every_code_selector_is_tried},
	{"every stack selector is tried", every_stack_selector_is_tried},
	{"SYSRET takes no other selectors", sysret_takes_no_other_selectors},
	{"frames are loaded as they are", frames_are_loaded_as_they_are},
	{"steps are after an instruction", steps_are_after_an_instruction},
	{"the kernel's selectors are the hypervisor's choice",
	 kernel_selectors_are_ours},
	{"user instruction pointers may be anything",
	 user_instruction_pointers_may_be_anything},
	{"a system call at the end of the lower half",
	 a_system_call_at_the_end_of_the_lower_half},
	{"kernel instruction pointers may be anything",
	 kernel_instruction_pointers_may_be_anything},
	{"user flags are limited", user_flags_are_limited},
	{"every door is open", doors_open},
	{"addresses of handlers are canonical", handlers_are_canonical},
	{"handlers in the hypervisor's text", trap_into_text, CRASHES},
	{"handlers on its stack", trap_into_stack, CRASHES},
	{"handlers in the machine-to-physical table", trap_into_m2p, CRASHES},
	{"handlers in user memory", trap_into_user, MAY_CRASH},
	{"a system call handler on its stack", syscall_into_stack, CRASHES},
	{"an event handler on its stack", event_into_stack, CRASHES},
	{"a failsafe handler on its stack", failsafe_into_stack, CRASHES},
	{},
};
