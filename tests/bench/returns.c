/* SPDX-License-Identifier: MIT */
/*
 * What an empty system call costs, by each way back to ring 3: the hypervisor's
 * iret call, which ends in IRETQ or, where a system call left the frame, in
 * SYSRET; and an IRETQ of the kernel itself, which would save the call.
 *
 * The last needs two things that guests do not have.  The hypervisor must learn
 * that user code runs: here the word is stored where it keeps it (mode=ADDRESS).
 * GS must be exchanged, which takes RDGSBASE and WRGSBASE: with gs=1, under a
 * hypervisor that sets CR4.FSGSBASE.  There are no critical sections here, so it
 * is the least that such a way could cost.
 */
#include "tests/guest/lib/guest.h"

enum {
	CALLS = 200000,
	ROUNDS = 2,
	TRIES = 7,
};

/* rdi = the event mask, rsi = the hypervisor's word, r8 = GS, rbp = calls */
CODE(many, "1: syscall\n decl %ebp\n jnz 1b\n int3\n");
CODE(none, "1: decl %ebp\n jnz 1b\n int3\n");

#define WAY(name, text)                                                        \
	__asm__(".pushsection .text\n.balign 64\n" #name ":\n popq %rcx\n"     \
		" popq %r11\n" text " ud2\n.popsection");                      \
	extern const uint8_t name[]

/* As Linux does it: the selectors are its own. */
#define SELECTORS "movq $0x2b, 32(%rsp)\n movq $0x33, 8(%rsp)\n"
#define IRET(flags)                                                            \
	"pushq $" flags "\n pushq %rcx\n pushq %r11\n pushq %rax\n"            \
	" movl $23, %eax\n syscall\n"
#define UNMASK "movb $0, (%rdi)\n cmpb $0, -1(%rdi)\n jne 1f\n"
#define LEAVE  "movq $0, (%rsi)\n iretq\n 1: " IRET("0")

WAY(by_iretq, SELECTORS "xorl %ecx, %ecx\n" IRET("0"));
WAY(by_sysret, SELECTORS IRET("0"));
WAY(by_hint, SELECTORS IRET("0x100"));
WAY(by_own, SELECTORS UNMASK LEAVE);
WAY(by_own_gs,
    SELECTORS "rdgsbase %r9\n wrgsbase %r8\n" UNMASK "wrgsbase %r9\n" LEAVE);

static uint64_t run(struct code code)
{
	struct frame f = user_frame();
	uint64_t from;

	user_load(code);
	f.rdi = P(&vcpu_info()->evtchn_upcall_mask);
	f.rsi = option("mode", 0);
	f.r8 = P(this_vcpu());
	f.rbp = CALLS;
	from = rdtsc();
	user_run(&f);
	CHECK_EQ(f.vector, VEC_BP);
	return rdtsc() - from;
}

static void measure(const char *name, const uint8_t *way)
{
	uint64_t base = run(none), best = ~0ul, worst = 0;

	CHECK_EQ(callback_set(CALLBACKTYPE_syscall, P(way),
			      CALLBACKF_mask_events),
		 0);
	for (unsigned int i = 0; i < TRIES; i++) {
		uint64_t took = run(many) - base;

		best = took < best ? took : best;
		worst = took > worst ? took : worst;
	}
	note("%s: %lu to %lu ticks", name, best / CALLS, worst / CALLS);
}

static void every_way_back(void)
{
	user_init();
	user_linux_selectors();
	HYPERVISOR_set_segment_base(SEGBASE_GS_USER, P(this_vcpu()));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		measure("iret call, ends in IRETQ", by_iretq);
		measure("iret call, ends in SYSRET", by_sysret);
		measure("the same, by VGCF_in_syscall", by_hint);
		if (option("mode", 0))
			measure("own IRETQ, GS left alone", by_own);
		if (option("gs", 0))
			measure("own IRETQ, WRGSBASE", by_own_gs);
	}
}

const struct test tests[] = {
	{"every way back from a system call", every_way_back},
	{},
};
