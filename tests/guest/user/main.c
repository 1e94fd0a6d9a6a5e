/* SPDX-License-Identifier: MIT */
/*
 * User code is kept in its place: it reads and writes no kernel memory and
 * nothing of the hypervisor, executes no privileged instruction, issues no
 * hypercall, loads no selector of another ring; and what it does have works:
 * system calls, 32-bit code, its own FS and GS.
 */
#include "tests/guest/lib/hostile.h"

CODE(do_syscall, "syscall\n ud2\n");
CODE(do_read, "movb (%rdi), %al\n int3\n");
CODE(do_write, "movb $0x55, (%rdi)\n int3\n");
CODE(do_jump, "jmp *%rdi\n");

/* ---- system calls --------------------------------------------------------- */

static void system_calls_arrive(void)
{
	struct frame f = user_frame();

	user_load(do_syscall);
	f.rax = 0x1234567890;
	f.rdi = 1;
	f.r10 = 2;
	f.r15 = 3;
	f.rflags |= 0x80;
	user_run(&f);
	CHECK_EQ(f.vector, ENTRY_SYSCALL);
	CHECK_EQ(f.rax, 0x1234567890);
	CHECK_EQ(f.rdi, 1);
	CHECK_EQ(f.r10, 2);
	CHECK_EQ(f.r15, 3);
	CHECK_EQ(f.rip, USER_CODE + 2);
	CHECK_EQ(f.rsp, USER_STACK);
	CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS);
	CHECK_EQ(f.ss & 0xffff, FLAT_USER_SS);
	CHECK(f.rflags & RFLAGS_IF);
	CHECK(f.rflags & 0x80);
}

/* A number in rax is no hypercall, whichever it is. */
static void user_code_issues_no_hypercall(void)
{
	unsigned int nr;

	user_load(do_syscall);
	for (nr = 0; nr < 70; nr++) {
		struct frame f = user_frame();

		f.rax = nr;
		f.rdi = USER_DATA;
		f.rsi = 1;
		user_run(&f);
		if (!CHECKF(f.vector == ENTRY_SYSCALL && f.rax == nr,
			    "%u: vector %#lx", nr, f.vector))
			break;
	}
}

static void registers_come_back_through_iret(void)
{
	CODE(code, "cmpq $0x11, %rcx\n jne 1f\n cmpq $0x22, %r11\n jne 1f\n"
		   "cmpq $0x33, %rax\n jne 1f\n syscall\n 1: int3\n");
	struct frame f = user_frame();

	user_load(code);
	f.rcx = 0x11;
	f.r11 = 0x22;
	f.rax = 0x33;
	user_run(&f);
	CHECK_EQ(f.vector, ENTRY_SYSCALL);
	/* As after a system call: rcx and r11 are what SYSRET makes of them. */
	f.rip = USER_CODE;
	user_run(&f);
	CHECK_EQ(f.vector, VEC_BP);
}

/* ---- memory --------------------------------------------------------------- */

static void refused(const char *what, struct code code, uint64_t va,
		    uint64_t error)
{
	struct frame f = user_call(code, va, 0, 0);

	if (f.vector == VEC_GP || f.vector == VEC_SS)
		return; /* not canonical */
	CHECKF(f.vector == VEC_PF && (f.error & ~PF_PRESENT) == error,
	       "%s: vector %#lx error %#lx", what, f.vector, f.error);
}

static void memory_is_out_of_reach(const char *what, uint64_t va)
{
	refused(what, do_read, va, PF_USER);
	refused(what, do_write, va, PF_USER | PF_WRITE);
	user_load(do_jump);
	CHECKF(user_call(do_jump, va, 0, 0).vector != ENTRY_SYSCALL, "%s",
	       what);
}

static uint64_t secret = 0x5ec2e7;

static void kernel_memory_is_out_of_reach(void)
{
	memory_is_out_of_reach("data", P(&secret));
	memory_is_out_of_reach("text", P(memset));
	memory_is_out_of_reach("start info", P(start_info));
	memory_is_out_of_reach("shared info", P(shared_info));
	memory_is_out_of_reach("page tables", P(kernel_root()));
	memory_is_out_of_reach("frame list", start_info->mfn_list);
	memory_is_out_of_reach("stack", P(&(int){0}));
	memory_is_out_of_reach("per-CPU data", P(this_vcpu()));
	CHECK_EQ(secret, 0x5ec2e7);
}

static void hypervisor_memory_is_out_of_reach(void)
{
	for_each_hostile(h) memory_is_out_of_reach(h->name, h->va);
	memory_is_out_of_reach("machine-to-physical", MACH2PHYS_VIRT_START);
}

static void try_page(uint64_t va, void *arg)
{
	(void)arg;
	refused("reserved page", do_read, va, PF_USER);
	refused("reserved page", do_write, va, PF_USER | PF_WRITE);
}

static void pages_that_the_kernel_sees_stay_hidden(void)
{
	note("%u readable pages in the reserved range",
	     reserved_for_each(try_page, NULL));
}

/* ---- privileged instructions ------------------------------------------------ */

#define EACH_PRIVILEGED(op)                                                             \
	op(hlt, "hlt") op(cli, "cli") op(sti, "sti") op(in, "inb $0x70, %al") op(       \
		out, "outb %al, $0x80") op(in_dx,                                       \
					   "movw $0x3f8, %dx\n inb %dx, %al")           \
		op(insb, "movw $0x3f8, %dx\n insb") op(rd_cr0, "movq %cr0, %rax") op(   \
			rd_cr3,                                                         \
			"movq %cr3, %rax") op(wr_cr3,                                   \
					      "movq %rax, %cr3") op(wr_cr4,             \
								    "movq %rax, %cr4")  \
			op(rd_dr7, "movq %dr7, %rax") op(                               \
				wr_dr0,                                                 \
				"movq %rax, %dr0") op(rdmsr,                            \
						      "movl $0xc0000102, %ecx\n rdmsr") \
				op(wrmsr, "movl $0xc0000082, %ecx\n wrmsr") op(         \
					clts,                                           \
					"clts") op(lmsw,                                \
						   "lmsw %ax") op(invlpg,               \
								  "invlpg (%rdi)")      \
					op(wbinvd, "wbinvd") op(invd, "invd") op(       \
						swapgs,                                 \
						"swapgs") op(sysret,                    \
							     "sysretq")                 \
						op(lgdt, "lgdt (%rdi)") op(             \
							lidt, "lidt (%rdi)")            \
							op(lldt, "lldt %ax") op(        \
								ltr,                    \
								"ltr %ax")              \
								op(xsetbv,              \
								   "xorl %ecx, %ecx\n xsetbv")

#define PRIVILEGED_CODE(name, text) CODE(priv_##name, text "\n int3\n");
EACH_PRIVILEGED(PRIVILEGED_CODE)

static void privileged_instructions_fault(void)
{
#define PRIVILEGED_ROW(name, text) {#name, &priv_##name},
	static const struct {
		const char *name;
		const struct code *code;
	} t[] = {EACH_PRIVILEGED(PRIVILEGED_ROW)};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame f = user_call(*t[i].code, USER_DATA, 0, 0);

		CHECKF(f.vector == VEC_GP || f.vector == VEC_UD,
		       "%s: vector %#lx", t[i].name, f.vector);
	}
}

CODE(flags_code, "pushfq\n orq $0x3200, (%rsp)\n andq $~0x200, (%rsp)\n"
		 "popfq\n pushfq\n popq %rax\n ud2\n");

static void flags_of_privilege_stay(void)
{
	struct frame f = user_call(flags_code, 0, 0, 0);

	CHECK_EQ(f.rax & RFLAGS_IOPL, 0);
	CHECK_EQ(f.rax & RFLAGS_IF, RFLAGS_IF);
}

/* ---- selectors -------------------------------------------------------------- */

CODE(load_ds, "movw %di, %ds\n int3\n");
CODE(load_ss, "movw %di, %ss\n int3\n");
CODE(load_fs, "movw %di, %fs\n int3\n");
CODE(far_jump, "pushq %rdi\n pushq $0x401000\n lretq\n");
CODE(iret_to, "pushq %rsi\n pushq %rsp\n pushfq\n pushq %rdi\n"
	      "pushq $0x401000\n iretq\n");

static bool public_selector(uint64_t sel)
{
	sel |= 3;
	return sel == FLAT_USER_CS || sel == FLAT_USER_DS32 ||
	       sel == FLAT_USER_CS32;
}

/* All of the hypervisor's part of the GDT, with each privilege level. */
static void selectors_of_the_hypervisor_are_refused(void)
{
	unsigned int sel;
	struct frame f;

	for (sel = FIRST_RESERVED_GDT_BYTE; sel < 0xe100; sel++) {
		if ((sel & 4) || public_selector(sel))
			continue;
		f = user_call(load_ds, sel, 0, 0);
		CHECKF(f.vector == VEC_GP || f.vector == VEC_NP, "ds %#x: %#lx",
		       sel, f.vector);
		f = user_call(load_ss, sel, 0, 0);
		CHECKF(f.vector == VEC_GP || f.vector == VEC_NP ||
			       f.vector == VEC_SS,
		       "ss %#x: %#lx", sel, f.vector);
		f = user_call(far_jump, sel, 0, 0);
		CHECKF(f.vector == VEC_GP || f.vector == VEC_NP, "cs %#x: %#lx",
		       sel, f.vector);
		f = user_call(iret_to, sel, FLAT_USER_SS, 0);
		CHECKF(f.vector == VEC_GP || f.vector == VEC_NP,
		       "iret cs %#x: %#lx", sel, f.vector);
	}
}

static void public_selectors_load(void)
{
	struct frame f;

	CHECK_EQ(user_call(load_ds, FLAT_USER_DS32, 0, 0).vector, VEC_BP);
	CHECK_EQ(user_call(load_ds, 0, 0, 0).vector, VEC_BP);
	CHECK_EQ(user_call(load_ss, FLAT_USER_SS, 0, 0).vector, VEC_BP);
	f = user_call(load_fs, FLAT_USER_DS32, 0, 0);
	CHECK_EQ(f.vector, VEC_BP);
	CHECK_EQ(user_call(load_fs, 0, 0, 0).vector, VEC_BP);
}

/* ---- 32-bit code ------------------------------------------------------------ */

CODE(run_32, "pushq $0xe023\n leaq 1f(%rip), %rax\n pushq %rax\n lretq\n"
	     ".code32\n 1: movl $0x12345678, %eax\n movl %edi, %ecx\n"
	     "pushl %eax\n popl %edx\n int $0x80\n .code64\n");

static void code_of_32_bits_runs(void)
{
	struct frame f;

	CHECK_EQ(trap_set(0x80, trap_stub(0x80), 3), 0);
	f = user_call(run_32, 0x55, 0, 0);
	CHECK_EQ(f.vector, 0x80);
	CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS32);
	CHECK_EQ(f.rax, 0x12345678);
	CHECK_EQ(f.rdx, 0x12345678);
	CHECK_EQ(f.rcx, 0x55);
	CHECK_EQ(f.rsp, USER_STACK);
	CHECK_EQ(f.ss & 0xffff, FLAT_USER_SS);
	/* And goes on where it was. */
	user_load(run_32);
	f.rip = USER_CODE + (run_32.end - run_32.start) - 2;
	user_run(&f);
	CHECK_EQ(f.vector, 0x80);
	CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS32);
}

/* ---- FS and GS --------------------------------------------------------------- */

CODE(read_fs_gs, "movq %fs:0, %rax\n movq %gs:0, %rdx\n syscall\n int3\n");

static void users_have_their_own_fs_and_gs(void)
{
	struct frame f;

	user_data_page[0] = 0x11;
	user_data_page[64] = 0x22;
	CHECK_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, USER_DATA), 0);
	CHECK_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER, USER_DATA + 64),
		 0);
	f = user_call(read_fs_gs, 0, 0, 0);
	CHECK_EQ(f.vector, ENTRY_SYSCALL);
	CHECK_EQ(f.rax & 0xff, 0x11);
	CHECK_EQ(f.rdx & 0xff, 0x22);
	/* The kernel's own is still there, and comes back each time. */
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
	f.rip = USER_CODE;
	user_run(&f);
	CHECK_EQ(f.rdx & 0xff, 0x22);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
}

static void segment_bases_are_checked(void)
{
	static const uint64_t bad[] = {0x800000000000, 0x8000000000000000,
				       0xffff7fffffffffff};
	unsigned int which, i;

	for (which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++)
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			CHECK_EQ(HYPERVISOR_set_segment_base(which, bad[i]),
				 -EINVAL);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
}

CODE(gs_selector, "movw %di, %gs\n movq $1, %rax\n int3\n");

static void a_user_that_loads_gs_harms_itself_only(void)
{
	struct frame f = user_call(gs_selector, FLAT_USER_DS32, 0, 0);

	CHECK_EQ(f.vector, VEC_BP);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
	f = user_call(gs_selector, 0, 0, 0);
	CHECK_EQ(f.vector, VEC_BP);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
	CHECK_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
}

static void init(void)
{
	user_init();
	CHECK(user_root != NULL);
}

const struct test tests[] = {
	{"user space can be made", init},
	{"system calls arrive with their registers", system_calls_arrive},
	{"user code issues no hypercall", user_code_issues_no_hypercall},
	{"all registers come back through iret",
	 registers_come_back_through_iret},
	{"kernel memory is out of reach", kernel_memory_is_out_of_reach},
	{"hypervisor memory is out of reach",
	 hypervisor_memory_is_out_of_reach},
	{"what the kernel sees of the hypervisor, users do not",
	 pages_that_the_kernel_sees_stay_hidden},
	{"privileged instructions fault", privileged_instructions_fault},
	{"the interrupt flag and IOPL stay", flags_of_privilege_stay},
	{"the hypervisor's selectors are refused",
	 selectors_of_the_hypervisor_are_refused},
	{"public selectors load", public_selectors_load},
	{"32-bit code runs", code_of_32_bits_runs},
	{"users have FS and GS of their own", users_have_their_own_fs_and_gs},
	{"segment bases are checked", segment_bases_are_checked},
	{"a user that loads GS harms itself only",
	 a_user_that_loads_gs_harms_itself_only},
	{},
};
