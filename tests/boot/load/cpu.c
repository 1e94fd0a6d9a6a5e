/* SPDX-License-Identifier: MIT */
/*
 * State of the CPU that belongs to a process: floating point and vector
 * registers, segment bases, descriptors, debug registers, port permissions.
 * Several processes hold different values and give way to each other; each
 * must find its own again.
 */
#include "tests/boot/load/load.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOLDERS 4
#define YIELDS  1500

/* Give way with all vector registers set, and read them back after. */
#define HOLD(insn, reg, in, out)                                               \
	asm volatile(insn " (%1), %%" reg "0; " insn " 64(%1), %%" reg         \
			  "7; " insn " 128(%1), %%" reg "15\n\t"               \
			  "syscall\n\t" insn " %%" reg "0, (%2); " insn        \
			  " %%" reg "7, 64(%2); " insn " %%" reg "15, 128(%2)" \
		     : "+a"(nr)                                                \
		     : "r"(in), "r"(out)                                       \
		     : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15")

static void hold_vectors(long me, int wide)
{
	uint64_t in[24] __attribute__((aligned(64)));
	uint64_t out[24] __attribute__((aligned(64)));
	const int words = wide ? 4 : 2;

	for (int round = 0; round < YIELDS; round++) {
		long nr = SYS_sched_yield;

		for (int i = 0; i < 24; i++)
			in[i] = (uint64_t)me << 32 | (uint64_t)(round + i);
		memset(out, 0, sizeof(out));
		if (wide)
			HOLD("vmovdqu", "ymm", in, out);
		else
			HOLD("movdqu", "xmm", in, out);
		for (int r = 0; r < 24; r += 8)
			for (int i = r; i < r + words; i++)
				if (in[i] != out[i])
					bad("holder %ld: %016llx became %016llx",
					    me, (unsigned long long)in[i],
					    (unsigned long long)out[i]);
	}
}

static int has_avx(void)
{
	unsigned int a, b, c, d, low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_AVX) ||
	    !(c & bit_OSXSAVE))
		return 0;
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

/* Rounding mode, x87 stack and vectors at once. */
static void hold_registers(long me)
{
	uint16_t control = (uint16_t)(0x037f | (me & 3) << 10), after;
	uint32_t mxcsr = 0x1f80 | (uint32_t)(me & 3) << 13, mxcsr_after;
	double value = 1.0 / (double)(me + 3), popped = 0;

	asm volatile("fldcw %0; ldmxcsr %1" ::"m"(control), "m"(mxcsr));
	asm volatile("fldl %0" ::"m"(value));
	hold_vectors(me, 0);
	if (has_avx())
		hold_vectors(me, 1);
	asm volatile("fstpl %0" : "=m"(popped));
	asm volatile("fnstcw %0; stmxcsr %1" : "=m"(after), "=m"(mxcsr_after));
	if (after != control || popped != value ||
	    (mxcsr_after & 0x6000) != (mxcsr & 0x6000))
		bad("holder %ld: x87 or mxcsr changed", me);
}

static void run_holders(void (*fn)(long))
{
	int pids[HOLDERS];

	for (long i = 0; i < HOLDERS; i++)
		pids[i] = start(fn, i);
	for (int i = 0; i < HOLDERS; i++)
		finish(pids[i]);
}

void load_registers(void)
{
	run_holders(hold_registers);
	say("%d processes, %s", HOLDERS, has_avx() ? "sse avx" : "sse");
}

static uint64_t gs_word(void)
{
	uint64_t value;

	asm volatile("movq %%gs:0, %0" : "=r"(value));
	return value;
}

/* A descriptor in the LDT whose base is `at`; needs an address below 4 GiB. */
static void set_ldt(int entry, void *at)
{
	struct user_desc desc = {
		.entry_number = (unsigned int)entry,
		.base_addr = (unsigned int)(uintptr_t)at,
		.limit = 4095,
		.seg_32bit = 1,
		.useable = 1,
	};

	CHECK(!syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)));
}

static void hold_segments(long me)
{
	uint64_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint64_t high = (uint64_t)me + 1000;
	unsigned long base = 0;
	int entry = (int)me * 3;

	CHECK(low != MAP_FAILED);
	*low = (uint64_t)me + 2000;
	set_ldt(entry, low);
	for (int round = 0; round < YIELDS / 3; round++) {
		/* A 64-bit base, far beyond what a descriptor can hold. */
		CHECK(!syscall(SYS_arch_prctl, ARCH_SET_GS, &high));
		sched_yield();
		if (gs_word() != high)
			bad("holder %ld: gs base lost", me);
		CHECK(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		CHECK(base == (unsigned long)&high);

		asm volatile("movw %w0, %%gs" ::"r"(entry << 3 | 7));
		sched_yield();
		if (gs_word() != *low)
			bad("holder %ld: ldt entry lost", me);
		asm volatile("movw %w0, %%gs" ::"r"(0));
	}
}

/* With FSGSBASE a program changes the base without the kernel. */
static void hold_fsgsbase(long me)
{
	uint64_t value = (uint64_t)me + 3000, base;

	for (int round = 0; round < YIELDS / 3; round++) {
		asm volatile("wrgsbase %0" ::"r"(&value));
		sched_yield();
		asm volatile("rdgsbase %0" : "=r"(base));
		if (base != (uint64_t)&value || gs_word() != value)
			bad("holder %ld: wrgsbase lost", me);
	}
}

void load_segments(void)
{
	int fsgsbase = getauxval(AT_HWCAP2) & 2;

	run_holders(hold_segments);
	if (fsgsbase)
		run_holders(hold_fsgsbase);
	say("gs base, ldt%s", fsgsbase ? ", fsgsbase" : "");
}

static volatile long watched;

static __attribute__((noinline)) void touch_watched(long value)
{
	watched = value;
	asm volatile("" ::: "memory");
}

static void debuggee(long unused)
{
	(void)unused;
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	for (volatile int i = 0; i < 500; i++)
		; /* enough to step through */
	for (long i = 0; i < 5; i++) {
		touch_watched(i);
		sched_yield();
	}
}

static void set_debug(pid_t pid, int number, unsigned long value)
{
	CHECK(!ptrace(PTRACE_POKEUSER, pid,
		      offsetof(struct user, u_debugreg[number]), value));
}

/* Go on until the next stop; returns its signal, or -1 at the end. */
static int resume(pid_t pid, enum __ptrace_request how)
{
	int status;

	CHECK(!ptrace(how, pid, NULL, NULL));
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSTOPPED(status))
		return WSTOPSIG(status);
	CHECK(status == 0);
	return -1;
}

void load_debugger(void)
{
	int steps = 0, hits = 0, stopped, status;
	pid_t pid = start(debuggee, 0);

	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	for (; steps < 200; steps++) {
		say("single step %d", steps); /* seen if it hangs */
		CHECK(resume(pid, PTRACE_SINGLESTEP) == SIGTRAP);
	}
	say("breakpoints");
	set_debug(pid, 0, (unsigned long)touch_watched);
	set_debug(pid, 1, (unsigned long)&watched);
	/* DR0 on execution, DR1 on writes of eight bytes; both local. */
	set_debug(pid, 7, 1 | 4 | 9ul << 20);
	while ((stopped = resume(pid, PTRACE_CONT)) >= 0) {
		CHECK(stopped == SIGTRAP);
		hits++;
	}
	CHECK(hits == 10);
	say("%d steps, %d breakpoints and watchpoints", steps, hits);
}

static void use_port_unallowed(long unused)
{
	(void)unused;
	ioperm(0x61, 1, 0);
	inb(0x61);
}

/* Port 0x61 may be read without harm: the speaker's control. */
void load_ports(void)
{
	int status;
	pid_t pid;

	CHECK(!ioperm(0x61, 1, 1));
	inb(0x61);
	sched_yield();
	inb(0x61);
	pid = start(use_port_unallowed, 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

	/* Permission for all ports is not passed on by exec or to others. */
	CHECK(!ioperm(0x61, 1, 0) && !iopl(3));
	inb(0x61);
	sched_yield();
	inb(0x61);
	CHECK(!iopl(0));
	pid = start(use_port_unallowed, 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	say("ioperm, iopl");
}
