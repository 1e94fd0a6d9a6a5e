/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints, single steps and what hostile code makes of them: MOV SS and
 * SYSCALL with a breakpoint on the way, ICEBP, the trap flag across every door
 * into the hypervisor.
 */
#include "tests/guest/lib/hostile.h"

#define DR7_EXEC(n)  (1ul << (2 * (n)))
#define DR7_WRITE(n) (1ul << (2 * (n)) | 1ul << (16 + 4 * (n)))
#define DR7_RW(n)    (1ul << (2 * (n)) | 3ul << (16 + 4 * (n)))
#define DR7_LEN8(n)  (2ul << (18 + 4 * (n)))

static long set(unsigned int reg, uint64_t value)
{
	return HYPERVISOR_set_debugreg(reg, value);
}

static uint64_t get(unsigned int reg)
{
	return HYPERVISOR_get_debugreg(reg);
}

static void clear_all(void)
{
	unsigned int n;

	set(7, 0x400);
	for (n = 0; n < 4; n++)
		set(n, 0);
	set(6, 0xffff0ff0);
}

static volatile unsigned int hits;
static volatile uint64_t last_rip, last_dr6, last_cs;

static bool count_debug(struct frame *f)
{
	if (f->vector != VEC_DB)
		return false;
	hits++;
	last_rip = f->rip;
	last_cs = f->cs;
	last_dr6 = get(6);
	set(6, 0xffff0ff0);
	/* An instruction breakpoint would fire for ever. */
	if (last_dr6 & 15 && !(get(7) >> 16 & 0xffff))
		set(7, 0x400);
	if (hits > 200)
		f->rflags &= ~RFLAGS_TF;
	return true;
}

static void watch(bool on)
{
	if (on)
		hits = 0;
	this_vcpu()->hook = on ? count_debug : NULL;
}

/* ---- the registers --------------------------------------------------------- */

static void registers_keep_their_values(void)
{
	unsigned int n;

	for (n = 0; n < 4; n++) {
		CHECK_EQ(set(n, 0x1000 * (n + 1)), 0);
		CHECK_EQ(get(n), 0x1000 * (n + 1));
	}
	CHECK_EQ(set(7, DR7_EXEC(1)), 0);
	CHECK_EQ(get(7) & 0xff, DR7_EXEC(1));
	CHECK(set(8, 0) < 0);
	CHECK(set(100, 0) < 0);
	CHECK((long)get(8) < 0);
	clear_all();
}

static void addresses_in_the_hole_are_refused(void)
{
	unsigned int n;

	for (n = 0; n < 4; n++)
		for_each_hostile(h)
		{
			bool mine = h->va < 0x800000000000 ||
				    h->va >= HYPERVISOR_VIRT_END;
			long rc = set(n, h->va);

			CHECKF(mine ? rc == 0 : rc < 0, "dr%u, %s: %ld", n,
			       h->name, rc);
		}
	/* Every page of it that the guest can see, too. */
	CHECK(set(0, MACH2PHYS_VIRT_START) < 0);
	CHECK(set(0, HYPERVISOR_VIRT_END - 1) < 0);
	clear_all();
}

static void refuse_va(uint64_t va, void *arg)
{
	(void)arg;
	CHECKF(set(0, va) < 0, "%#lx", va);
}

static void addresses_of_the_trampoline_are_refused(void)
{
	note("%u pages", reserved_for_each(refuse_va, NULL));
	clear_all();
}

static void dangerous_control_bits_are_refused(void)
{
	static const uint64_t bad[] = {
		1ul << 13 | 1, /* GD */
		1ul << 32 | 1, /* reserved */
		1ul << 1 | 2ul << 16, /* an I/O breakpoint */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set(7, bad[i]);
		CHECK_EQ(get(7) & (1ul << 13 | ~0xfffffffful), 0);
		if (i == 2)
			CHECK(!(get(7) & 0xff) || (get(7) >> 16 & 3) != 2);
	}
	/* GD would make this trap, in the hypervisor. */
	CHECK_EQ(get(0), 0);
	clear_all();
}

/* ---- breakpoints in the kernel ------------------------------------------------ */

static void __attribute__((noinline)) victim(void)
{
	__asm__ volatile("nop");
}

static uint64_t word;

static void kernel_breakpoints_fire(void)
{
	watch(true);
	CHECK_EQ(set(0, P(victim)), 0);
	CHECK_EQ(set(7, DR7_EXEC(0)), 0);
	victim();
	CHECK_EQ(hits, 1);
	CHECK_EQ(last_rip, P(victim));
	CHECK_EQ(last_dr6 & 15, 1);
	CHECK_EQ(last_cs & 3, 0);
	watch(true);
	CHECK_EQ(set(2, P(&word)), 0);
	CHECK_EQ(set(7, DR7_WRITE(2) | DR7_LEN8(2)), 0);
	*(volatile uint64_t *)&word = 1;
	CHECK_EQ(hits, 1);
	CHECK_EQ(last_dr6 & 15, 4);
	watch(false);
	clear_all();
}

/* Hypercalls that read a watched argument do not trap in the hypervisor. */
static void watched_arguments_are_read(void)
{
	watch(true);
	word = 0;
	CHECK_EQ(set(0, P(&word)), 0);
	CHECK_EQ(set(7, DR7_RW(0) | DR7_LEN8(0)), 0);
	HYPERVISOR_event_channel_op(EVTCHNOP_send, P(&word));
	HYPERVISOR_xen_version(XENVER_platform_parameters, P(&word));
	watch(false);
	clear_all();
	CHECK_EQ(word, HYPERVISOR_VIRT_START);
}

/* The stack on which the hypervisor pushes frames is watched. */
static void watched_stacks_are_pushed_to(void)
{
	struct frame f = user_frame();
	unsigned int i;

	CODE(code, "syscall\n int3\n");
	user_load(code);
	watch(true);
	CHECK_EQ(set(0, this_vcpu()->entry_stack - 8), 0);
	CHECK_EQ(set(1, this_vcpu()->entry_stack - 40), 0);
	CHECK_EQ(set(7, DR7_RW(0) | DR7_LEN8(0) | DR7_RW(1) | DR7_LEN8(1)), 0);
	for (i = 0; i < 3; i++) {
		f = user_frame();
		user_run(&f);
		CHECK_EQ(f.vector, ENTRY_SYSCALL);
	}
	watch(false);
	clear_all();
}

/* ---- single steps ------------------------------------------------------------ */

static void the_kernel_steps_through_hypercalls(void)
{
	long rc;

	watch(true);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "nop; nop\n"
			 "xorl %%edi, %%edi; xorl %%esi, %%esi\n"
			 "syscall\n"
			 "nop\n"
			 "pushfq; andq $~0x100, (%%rsp); popfq\n"
			 : "=a"(rc)
			 : "0"(HC_xen_version)
			 : "rcx", "r11", "rdi", "rsi", "memory", "cc");
	watch(false);
	CHECK(rc > 0);
	CHECKF(hits >= 8 && hits <= 12, "%u steps", hits);
	CHECK(last_dr6 & 1 << 14);
	CHECK_EQ(read_flags() & RFLAGS_TF, 0);
	clear_all();
}

CODE(stepped, "nop\n nop\n syscall\n nop\n int3\n");

static void user_code_is_stepped(void)
{
	struct frame f = user_frame();
	unsigned int steps = 0;

	user_load(stepped);
	f.rflags |= RFLAGS_TF;
	while (steps < 20) {
		user_run(&f);
		if (f.vector == ENTRY_SYSCALL) {
			/* The kernel is not stepped; the user goes on to be. */
			CHECK_EQ(read_flags() & RFLAGS_TF, 0);
			CHECK(f.rflags & RFLAGS_TF);
			continue;
		}
		if (f.vector != VEC_DB)
			break;
		CHECK(get(6) & 1 << 14);
		set(6, 0xffff0ff0);
		steps++;
	}
	CHECK_EQ(f.vector, VEC_BP);
	CHECKF(steps >= 3 && steps <= 5, "%u", steps);
	clear_all();
}

CODE(set_tf, "pushfq\n orq $0x100, (%rsp)\n popfq\n nop\n int3\n");

static void user_code_steps_itself(void)
{
	struct frame f = user_call(set_tf, 0, 0, 0);

	CHECK_EQ(f.vector, VEC_DB);
	CHECK_EQ(f.rip, USER_CODE + (set_tf.end - set_tf.start) - 1);
	clear_all();
}

static void user_breakpoints_fire(void)
{
	struct frame f = user_frame();

	user_load(stepped);
	CHECK_EQ(set(3, USER_CODE + 1), 0);
	CHECK_EQ(set(7, DR7_EXEC(3)), 0);
	user_run(&f);
	CHECK_EQ(f.vector, VEC_DB);
	CHECK_EQ(f.rip, USER_CODE + 1);
	CHECK_EQ(get(6) & 15, 8);
	clear_all();
}

/* ---- hostile combinations ----------------------------------------------------- */

CODE(icebp, ".byte 0xf1\n nop\n ud2\n");

static void kernel_icebp(void *arg)
{
	__asm__ volatile(".byte 0xf1");
	(void)arg;
}

static void icebp_is_an_exception_of_the_guest(void)
{
	struct frame f = user_call(icebp, 0, 0, 0);

	/* Some emulators do not know it. */
	CHECKF(f.vector == VEC_DB || f.vector == VEC_UD, "%#lx", f.vector);
	probe(kernel_icebp, NULL);
	clear_all();
}

#define MOV_SS "movw (%rdi), %ss\n "
CODE(ss_syscall, MOV_SS "syscall\n int3\n");
CODE(ss_int3, MOV_SS "int3\n ud2\n");
CODE(ss_int80, MOV_SS "int $0x80\n ud2\n");
CODE(ss_int1, MOV_SS "int $1\n ud2\n");
CODE(ss_icebp, MOV_SS ".byte 0xf1\n ud2\n");
CODE(ss_ud2, MOV_SS "ud2\n");
CODE(ss_hlt, MOV_SS "hlt\n");
CODE(ss_sysenter, MOV_SS "sysenter\n ud2\n");

/* A debug trap held back by MOV SS comes in the first instruction of ring 0. */
static void mov_ss_holds_a_trap_back_until_ring_0(void)
{
	static const struct {
		const char *name;
		const struct code *code;
	} t[] = {
		{"syscall", &ss_syscall}, {"int3", &ss_int3},
		{"int 0x80", &ss_int80},  {"int 1", &ss_int1},
		{"icebp", &ss_icebp},     {"ud2", &ss_ud2},
		{"hlt", &ss_hlt},         {"sysenter", &ss_sysenter},
	};
	unsigned int i, step;

	*(uint16_t *)user_data_page = FLAT_USER_SS;
	CHECK_EQ(trap_set(0x80, trap_stub(0x80), 3), 0);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		for (step = 0; step < 2; step++) {
			struct frame f = user_frame();

			user_load(*t[i].code);
			CHECK_EQ(set(0, USER_DATA), 0);
			CHECK_EQ(set(7, DR7_RW(0)), 0);
			f.rdi = USER_DATA;
			f.rflags |= step ? RFLAGS_TF : 0;
			user_run(&f);
			CHECKF(f.vector != (uint64_t)-1 && (f.cs & 3) == 3,
			       "%s: cs %#lx", t[i].name, f.cs);
			CHECKF(f.rip >= USER_CODE && f.rip < USER_CODE + 16,
			       "%s: rip %#lx", t[i].name, f.rip);
			clear_all();
		}
}

static void kernel_ss_syscall(void *arg)
{
	__asm__ volatile("movw %%ss, %%ax; movw %%ax, %0; movw %0, %%ss\n"
			 "movl %1, %%eax; syscall"
			 : "=m"(word)
			 : "i"(HC_xen_version)
			 : "rax", "rcx", "r11", "memory");
	(void)arg;
}

static void kernel_ss_int3(void *arg)
{
	__asm__ volatile("movw %%ss, %%ax; movw %%ax, %0; movw %0, %%ss\n"
			 "int3"
			 : "=m"(word)
			 :
			 : "rax", "memory");
	(void)arg;
}

static void the_kernel_may_try_it_too(void)
{
	watch(true);
	CHECK_EQ(set(0, P(&word)), 0);
	CHECK_EQ(set(7, DR7_RW(0)), 0);
	probe(kernel_ss_syscall, NULL);
	CHECK_EQ(probe(kernel_ss_int3, NULL).vector, VEC_BP);
	watch(false);
	clear_all();
	CHECK(HYPERVISOR_xen_version(XENVER_version, 0) > 0);
}

static void init(void)
{
	user_init();
	CHECK(user_root != NULL);
}

const struct test tests[] = {
	{"user space can be made", init},
	{"debug registers keep their values", registers_keep_their_values},
	{"addresses in the hole are refused",
	 addresses_in_the_hole_are_refused},
	{"addresses of the trampoline are refused",
	 addresses_of_the_trampoline_are_refused},
	{"dangerous control bits are refused",
	 dangerous_control_bits_are_refused},
	{"breakpoints in the kernel fire", kernel_breakpoints_fire},
	{"watched arguments are read without a trap",
	 watched_arguments_are_read},
	{"watched stacks are pushed to without a trap",
	 watched_stacks_are_pushed_to},
	{"the kernel steps through hypercalls",
	 the_kernel_steps_through_hypercalls},
	{"user code is stepped", user_code_is_stepped},
	{"user code steps itself", user_code_steps_itself},
	{"breakpoints in user code fire", user_breakpoints_fire},
	{"ICEBP is an exception of the guest",
	 icebp_is_an_exception_of_the_guest},
	{"MOV SS holds no trap back until ring 0",
	 mov_ss_holds_a_trap_back_until_ring_0},
	{"nor when the kernel tries it", the_kernel_may_try_it_too},
	{},
};
