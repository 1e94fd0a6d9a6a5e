/* SPDX-License-Identifier: MIT */
/*
 * Software interrupts and far calls: INT n for every n from both rings, with
 * and without a handler, with a handler that is not for users; far transfers
 * to every selector; the 32-bit doors of both makers of processors.
 */
#include "tests/guest/lib/doors.h"

/* "int $n" for every n, 16 bytes apart; user code and kernel code. */
#define INT_CODE                                                               \
	".set vec, 0\n.rept 256\n.balign 16\n.byte 0xcd, vec\nud2\n"           \
	".set vec, vec + 1\n.endr\n"
CODE(user_ints, INT_CODE);

extern const uint8_t kernel_ints[];
__asm__(".pushsection .text\n.balign 16\nkernel_ints:\n"
	".set vec, 0\n.rept 256\n.balign 16\n.byte 0xcd, vec\nret\n"
	".set vec, vec + 1\n.endr\n.popsection");

/* Elsewhere the emulated CPU's wrong error codes show through. */
static bool comparable(void)
{
	if (!on_parapet())
		skip("others show the CPU's own error code");
	return on_parapet();
}

static struct frame user_int(unsigned int n)
{
	struct frame f = user_frame();

	f.rip += 16 * n;
	user_run(&f);
	return f;
}

static void no_handler_is_gp(void)
{
	unsigned int n;

	user_init();
	user_load(user_ints);
	if (!comparable())
		return;
	for (n = 32; n < 256; n++) {
		struct frame f = user_int(n);

		CHECKF(f.vector == VEC_GP && f.error == (n << 3 | 2),
		       "int %#x: vector %#lx error %#lx", n, f.vector, f.error);
		CHECK_EQ(f.rip, USER_CODE + 16 * n);
	}
}

/* Handlers of exceptions are there, with a level that is the kernel's. */
static void handlers_of_the_kernel_are_not_for_users(void)
{
	unsigned int n;

	if (!comparable())
		return;
	for (n = 0; n < 256; n++)
		CHECK_EQ(trap_set(n, trap_stub(n), 0), 0);
	for (n = 0; n < 256; n++) {
		struct frame f = user_int(n);

		CHECKF(f.vector == VEC_GP && f.error == (n << 3 | 2),
		       "int %#x: vector %#lx error %#lx", n, f.vector, f.error);
	}
}

static void handlers_for_users_are_called(void)
{
	unsigned int n;

	if (!comparable())
		return;
	for (n = 0; n < 256; n++)
		CHECK_EQ(trap_set(n, trap_stub(n), 3), 0);
	for (n = 0; n < 256; n++) {
		struct frame f;

		if (n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 ||
		    n == VEC_NMI)
			continue; /* their stubs expect an error code */
		f = user_int(n);
		CHECKF(f.vector == n, "int %#x: vector %#lx error %#lx", n,
		       f.vector, f.error);
		CHECK_EQ(f.rip, USER_CODE + 16 * n + 2);
	}
	for (n = 0; n < 256; n++)
		CHECK_EQ(trap_set(n, trap_stub(n), 0), 0);
}

static void do_int(void *where)
{
	((void (*)(void))where)();
}

static void the_kernel_calls_its_own(void)
{
	unsigned int n;

	if (!on_parapet()) {
		skip("others want a level of 1");
		return;
	}
	for (n = 0; n < 256; n++) {
		struct fault f;

		if (n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 ||
		    n == VEC_NMI)
			continue;
		f = probe(do_int, (void *)(kernel_ints + 16 * n));
		CHECKF(f.vector == (int)n, "int %#x: vector %d error %#lx", n,
		       f.vector, f.error);
	}
}

/* NMI, double fault and machine check by INT are no such thing. */
static void machine_vectors_do_not_reach_the_machine(void)
{
	static const unsigned int vectors[] = {VEC_DB, VEC_NMI, VEC_DF, VEC_MC,
					       0xf0,   0xf1,    0xf2,   0xff};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct frame f = user_int(vectors[i]);

		CHECKF(f.vector == VEC_GP, "int %#x: %#lx", vectors[i],
		       f.vector);
	}
	/* Left out: what has no error code goes to a stub that expects none. */
	probe(do_int, (void *)(kernel_ints + 16 * 0xf0));
	probe(do_int, (void *)(kernel_ints + 16 * 0xff));
	doors_init();
	CHECK(doors_round());
}

/* ---- far transfers -------------------------------------------------------------- */

CODE(far_jump, "movl $0x400080, -8(%rsp)\n movw %di, -4(%rsp)\n"
	       "ljmp *-8(%rsp)\n .balign 128\n movw %cs, %ax\n ud2\n");
CODE(far_call, "movl $0x400080, -8(%rsp)\n movw %di, -4(%rsp)\n"
	       "lcall *-8(%rsp)\n .balign 128\n movw %cs, %ax\n ud2\n");
CODE(far_return, "pushq %rdi\n pushq $0x400080\n lretq\n"
		 ".balign 128\n movw %cs, %ax\n ud2\n");

static void far_transfers_stay_in_ring_3(void)
{
	static const struct code *const codes[] = {&far_jump, &far_call,
						   &far_return};
	unsigned int k, sel, ran = 0;

	for (k = 0; k < ARRAY_SIZE(codes); k++) {
		user_load(*codes[k]);
		for (sel = 0; sel < 0x10000; sel += sel < 0xdf00 ? 61 : 1) {
			struct frame f = user_frame();

			f.rdi = sel;
			user_run(&f);
			CHECKF((f.cs & 3) == 3, "%u, %#x: cs %#lx", k, sel,
			       f.cs);
			if (f.vector == VEC_UD && f.rip == USER_CODE + 0x83)
				ran++;
			else if (!CHECKF(f.vector == VEC_GP ||
						 f.vector == VEC_NP ||
						 f.vector == VEC_UD ||
						 f.vector == VEC_BP ||
						 f.vector == VEC_PF,
					 "%u, %#x: %#lx", k, sel, f.vector))
				return;
		}
	}
	note("%u transfers ran", ran);
	CHECK(ran >= 3);
}

/* ---- 32-bit doors ---------------------------------------------------------------- */

#define CODE32(name, text)                                                     \
	CODE(name, "pushq $0xe023\n leaq 1f(%rip), %rax\n pushq %rax\n"        \
		   "lretq\n .code32\n 1: movl $0x1234, %eax\n" text            \
		   "\n ud2\n .code64\n")
CODE32(syscall_32, "syscall");
CODE32(sysenter_32, "sysenter");
CODE32(into_32, "movl $0x7fffffff, %ecx\n addl $1, %ecx\n into");
CODE32(int80_32, "int $0x80");

static void system_calls_of_32_bits_arrive(void)
{
	struct frame f;

	CHECK_EQ(callback_set(CALLBACKTYPE_syscall32, P(syscall32_callback),
			      CALLBACKF_mask_events),
		 0);
	CHECK_EQ(callback_set(CALLBACKTYPE_sysenter, P(sysenter_callback),
			      CALLBACKF_mask_events),
		 0);
	f = user_call(syscall_32, 0, 0, 0);
	/* Intel's processors know no SYSCALL there; AMD's no SYSENTER. */
	CHECKF(f.vector == ENTRY_SYSCALL32 || f.vector == VEC_UD, "%#lx",
	       f.vector);
	if (f.vector == ENTRY_SYSCALL32) {
		CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS32);
		CHECK_EQ(f.rax, 0x1234);
		CHECK(f.rip > USER_CODE && f.rip < USER_CODE + 64);
	}
	f = user_call(sysenter_32, 0, 0, 0);
	CHECKF(f.vector == ENTRY_SYSENTER || f.vector == VEC_UD ||
		       f.vector == VEC_GP,
	       "%#lx", f.vector);
	CHECK_EQ(f.rax, 0x1234);
	CHECK_EQ(trap_set(VEC_OF, trap_stub(VEC_OF), 3), 0);
	f = user_call(into_32, 0, 0, 0);
	CHECK_EQ(f.vector, VEC_OF);
	CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS32);
	CHECK_EQ(trap_set(0x80, trap_stub(0x80), 3), 0);
	f = user_call(int80_32, 0, 0, 0);
	CHECK_EQ(f.vector, 0x80);
	CHECK_EQ(f.cs & 0xffff, FLAT_USER_CS32);
}

static void without_callbacks_they_fault(void)
{
	struct pv_callback_unregister u = {.type = CALLBACKTYPE_syscall32};
	struct frame f;

	HYPERVISOR_callback_op(CALLBACKOP_unregister, P(&u));
	u.type = CALLBACKTYPE_sysenter;
	HYPERVISOR_callback_op(CALLBACKOP_unregister, P(&u));
	f = user_call(syscall_32, 0, 0, 0);
	CHECKF(f.vector == VEC_UD || f.vector == VEC_GP, "%#lx", f.vector);
	f = user_call(sysenter_32, 0, 0, 0);
	CHECKF(f.vector == VEC_GP || f.vector == VEC_UD, "%#lx", f.vector);
}

CODE(sysenter_64, "sysenter\n ud2\n");
CODE(int3_long, ".byte 0xcd, 3\n ud2\n");
CODE(prefixed_int, ".byte 0x66, 0xcd, 0x81\n ud2\n");

static void odd_encodings_are_harmless(void)
{
	struct frame f = user_call(sysenter_64, 0, 0, 0);

	CHECK_EQ(f.cs & 3, 3);
	f = user_call(int3_long, 0, 0, 0);
	CHECK(f.vector == VEC_GP || f.vector == VEC_BP);
	f = user_call(prefixed_int, 0, 0, 0);
	CHECK_EQ(f.vector, VEC_GP);
}

RUN("seconds=90");

const struct test tests[] = {
	{"INT n without a handler is a protection fault", no_handler_is_gp},
	{"the kernel's handlers are not for users",
	 handlers_of_the_kernel_are_not_for_users},
	{"handlers for users are called", handlers_for_users_are_called},
	{"the kernel calls its own handlers", the_kernel_calls_its_own},
	{"vectors of the machine do not reach it",
	 machine_vectors_do_not_reach_the_machine},
	{"far transfers stay in ring 3", far_transfers_stay_in_ring_3},
	{"system calls of 32-bit code arrive", system_calls_of_32_bits_arrive},
	{"without callbacks they fault", without_callbacks_they_fault},
	{"odd encodings are harmless", odd_encodings_are_harmless},
	{},
};
