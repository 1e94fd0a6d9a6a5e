/* SPDX-License-Identifier: MIT */
/*
 * parapet-load32: a 32-bit program on a 64-bit kernel.
 *
 * It enters the kernel in both ways that 32-bit programs have: by int 0x80,
 * and through the entry that the kernel puts in its vDSO, which is SYSENTER on
 * Intel's CPUs and SYSCALL on AMD's.  Everything is checked by both: numbers
 * and all six arguments, results, signals in between, thread-local segments,
 * fork with copied pages, faults, x87 state across switches.
 *
 * No C library and no 32-bit headers: it is built by the compiler for 64 bits
 * with -m32.  Numbers and layouts are those of the i386 system call ABI.
 */
#include <stdint.h>

typedef long (*syscall_fn)(long nr, long a, long b, long c, long d, long e,
			   long f);

enum {
	NR_EXIT = 1,
	NR_FORK = 2,
	NR_WRITE = 4,
	NR_WAITPID = 7,
	NR_GETPID = 20,
	NR_KILL = 37,
	NR_MUNMAP = 91,
	NR_MODIFY_LDT = 123,
	NR_SCHED_YIELD = 158,
	NR_RT_SIGRETURN = 173,
	NR_RT_SIGACTION = 174,
	NR_MMAP2 = 192,
	NR_GETTID = 224,
	NR_SET_THREAD_AREA = 243,
};

enum {
	AT_SYSINFO = 32,
	SIGNAL_TRAP = 5,
	SIGNAL_FPE = 8,
	SIGNAL_USR1 = 10,
	SIGNAL_SEGV = 11,
	SA_SIGINFO = 4,
	SA_RESTORER = 0x04000000,
	SA_NODEFER = 0x40000000,
	PROT_RW = 3,
	MAP_PRIVATE_ANON = 0x22,
	REG_EIP = 14, /* index in ucontext's registers */
	UCONTEXT_REGS = 5, /* words before them */
	ROUNDS = 2000,
};

struct user_desc {
	uint32_t entry_number, base, limit, flags;
};

struct kernel_sigaction {
	void *handler;
	uint32_t flags;
	void *restorer;
	uint32_t mask[2];
};

static uint32_t vdso_entry;
static unsigned int passed, failed;

/*
 * The sixth argument goes in ebp, which the compiler may be using; the number
 * and arguments come in a block instead.
 */
long enter_int80(const long block[7]);
long enter_vdso(const long block[7], uint32_t entry);
void restore_signal(void);

asm(".text\n"
    "enter_int80:\n"
    "	pushl %ebx; pushl %esi; pushl %edi; pushl %ebp\n"
    "	movl 20(%esp), %ebp\n"
    "	movl (%ebp), %eax; movl 4(%ebp), %ebx; movl 8(%ebp), %ecx\n"
    "	movl 12(%ebp), %edx; movl 16(%ebp), %esi; movl 20(%ebp), %edi\n"
    "	movl 24(%ebp), %ebp\n"
    "	int $0x80\n"
    "	popl %ebp; popl %edi; popl %esi; popl %ebx\n"
    "	ret\n"
    "enter_vdso:\n"
    "	pushl %ebx; pushl %esi; pushl %edi; pushl %ebp\n"
    "	movl 20(%esp), %ebp\n"
    "	pushl 24(%esp)\n"
    "	movl (%ebp), %eax; movl 4(%ebp), %ebx; movl 8(%ebp), %ecx\n"
    "	movl 12(%ebp), %edx; movl 16(%ebp), %esi; movl 20(%ebp), %edi\n"
    "	movl 24(%ebp), %ebp\n"
    "	call *(%esp)\n"
    "	addl $4, %esp\n"
    "	popl %ebp; popl %edi; popl %esi; popl %ebx\n"
    "	ret\n"
    "restore_signal:\n"
    "	movl $173, %eax\n"
    "	int $0x80\n"
    ".globl _start\n"
    "_start:\n"
    "	movl %esp, %eax\n"
    "	andl $-16, %esp\n"
    "	pushl $0; pushl $0; pushl $0\n"
    "	pushl %eax\n"
    "	call start_c\n");

static long by_int80(long nr, long a, long b, long c, long d, long e, long f)
{
	const long block[7] = {nr, a, b, c, d, e, f};

	return enter_int80(block);
}

static long by_vdso(long nr, long a, long b, long c, long d, long e, long f)
{
	const long block[7] = {nr, a, b, c, d, e, f};

	return enter_vdso(block, vdso_entry);
}

static void write_text(const char *text)
{
	uint32_t n = 0;

	while (text[n])
		n++;
	by_int80(NR_WRITE, 1, (long)text, (long)n, 0, 0, 0);
}

static void write_number(uint32_t value)
{
	char text[12], *p = text + sizeof(text) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	write_text(p);
}

static void report(int ok, const char *name, const char *how)
{
	*(ok ? &passed : &failed) += 1;
	write_text(ok ? "PASS " : "FAIL ");
	write_text(name);
	write_text(": by ");
	write_text(how);
	write_text("\n");
}

static void *map_pages(syscall_fn sys, uint32_t bytes)
{
	/* Six arguments: a wrong fifth or sixth one makes it fail. */
	long rc =
		sys(NR_MMAP2, 0, (long)bytes, PROT_RW, MAP_PRIVATE_ANON, -1, 0);

	return (unsigned long)rc > -4096ul ? 0 : (void *)rc;
}

static int check_calls(syscall_fn sys)
{
	long pid = by_int80(NR_GETPID, 0, 0, 0, 0, 0, 0);

	for (int i = 0; i < ROUNDS; i++) {
		if (sys(NR_GETPID, 0, 0, 0, 0, 0, 0) != pid)
			return 0;
		if (sys(NR_GETTID, 1, 2, 3, 4, 5, 6) != pid)
			return 0;
	}
	/* An unknown number is refused (ENOSYS), a bad address too (EFAULT). */
	return sys(100000, 0, 0, 0, 0, 0, 0) == -38 &&
	       sys(NR_WRITE, 1, 1, 1, 0, 0, 0) == -14;
}

static int check_mappings(syscall_fn sys)
{
	for (int i = 0; i < 50; i++) {
		volatile uint32_t *p = map_pages(sys, 16 * 4096);

		if (!p)
			return 0;
		for (int k = 0; k < 16; k++)
			p[k * 1024] = (uint32_t)(i * k);
		for (int k = 0; k < 16; k++)
			if (p[k * 1024] != (uint32_t)(i * k))
				return 0;
		if (sys(NR_MUNMAP, (long)p, 16 * 4096, 0, 0, 0, 0))
			return 0;
	}
	return 1;
}

static int check_fork(syscall_fn sys)
{
	static volatile uint32_t words[4096];

	for (uint32_t i = 0; i < 20; i++) {
		long status = -1, pid;

		for (uint32_t k = 0; k < 4096; k += 64)
			words[k] = i;
		pid = sys(NR_FORK, 0, 0, 0, 0, 0, 0);
		if (pid == 0) {
			for (uint32_t k = 0; k < 4096; k += 64)
				words[k] = words[k] + 1;
			sys(NR_EXIT, words[64] == i + 1 ? 7 : 1, 0, 0, 0, 0, 0);
		}
		if (pid < 0 ||
		    sys(NR_WAITPID, pid, (long)&status, 0, 0, 0, 0) != pid ||
		    status != 7 << 8 || words[64] != i)
			return 0;
	}
	return 1;
}

static int set_handler(syscall_fn sys, int number, void *handler)
{
	struct kernel_sigaction action = {
		.handler = handler,
		.flags = SA_SIGINFO | SA_RESTORER | SA_NODEFER,
		.restorer = restore_signal,
	};

	return !sys(NR_RT_SIGACTION, number, (long)&action, 0, 8, 0, 0);
}

static volatile uint32_t signals;

static void count_signal(int number, void *info, uint32_t *context)
{
	(void)number;
	(void)info;
	(void)context;
	signals++;
}

static int check_signals(syscall_fn sys)
{
	long pid = sys(NR_GETPID, 0, 0, 0, 0, 0, 0);
	uint32_t before = signals;

	if (!set_handler(sys, SIGNAL_USR1, count_signal))
		return 0;
	for (int i = 0; i < 200; i++)
		if (sys(NR_KILL, pid, SIGNAL_USR1, 0, 0, 0, 0))
			return 0;
	return signals == before + 200;
}

/* Steps over the instruction that faulted; all of them are two bytes long. */
static void step_over(int number, void *info, uint32_t *context)
{
	(void)info;
	signals += (uint32_t)number << 16;
	context[UCONTEXT_REGS + REG_EIP] += number == SIGNAL_TRAP ? 0 : 2;
}

static int check_faults(syscall_fn sys)
{
	if (!set_handler(sys, SIGNAL_SEGV, step_over) ||
	    !set_handler(sys, SIGNAL_FPE, step_over) ||
	    !set_handler(sys, SIGNAL_TRAP, step_over))
		return 0;
	signals = 0;
	/* movb %al, (%ecx) to page 0 */
	asm volatile(".byte 0x88, 0x01" ::"c"(0) : "memory");
	if (signals >> 16 != SIGNAL_SEGV)
		return 0;
	signals = 0;
	/* divl %ecx by zero */
	asm volatile(".byte 0xf7, 0xf1" ::"a"(1), "c"(0), "d"(0));
	if (signals >> 16 != SIGNAL_FPE)
		return 0;
	signals = 0;
	asm volatile("int3");
	if (signals >> 16 != SIGNAL_TRAP)
		return 0;
	signals = 0;
	/* int $0x21 has no gate for us */
	asm volatile(".byte 0xcd, 0x21");
	return signals >> 16 == SIGNAL_SEGV;
}

static uint32_t gs_word(void)
{
	uint32_t value;

	asm volatile("movl %%gs:0, %0" : "=r"(value));
	return value;
}

static void load_gs(uint32_t selector)
{
	asm volatile("movw %w0, %%gs" ::"r"(selector));
}

static int survives(syscall_fn sys, uint32_t selector, uint32_t want)
{
	load_gs(selector);
	for (int i = 0; i < 200; i++) {
		sys(NR_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
		if (gs_word() != want)
			return 0;
	}
	return 1;
}

/* Thread-local storage: a GDT slot of the kernel's, and one's own LDT. */
static int check_segments(syscall_fn sys)
{
	static uint32_t tls[1024], local[1024];
	struct user_desc desc = {
		.entry_number = (uint32_t)-1,
		.base = (uint32_t)tls,
		.limit = 0xfff,
		.flags = 1 | 1 << 6, /* 32-bit, usable */
	};
	struct user_desc ldt = {
		.entry_number = 5,
		.base = (uint32_t)local,
		.limit = 0xfff,
		.flags = 1 | 1 << 6,
	};
	long status = -1, pid;
	int ok;

	tls[0] = 0x11223344;
	local[0] = 0x55667788;
	if (sys(NR_SET_THREAD_AREA, (long)&desc, 0, 0, 0, 0, 0) ||
	    sys(NR_MODIFY_LDT, 1, (long)&ldt, sizeof(ldt), 0, 0, 0))
		return 0;
	pid = sys(NR_FORK, 0, 0, 0, 0, 0, 0);
	if (pid == 0)
		tls[0] = 0x99aabbcc; /* ours, while the parent looks at its */
	ok = survives(sys, desc.entry_number << 3 | 3, tls[0]) &&
	     survives(sys, 5 << 3 | 7, local[0]);
	load_gs(0);
	if (pid == 0)
		sys(NR_EXIT, !ok, 0, 0, 0, 0, 0);
	sys(NR_WAITPID, pid, (long)&status, 0, 0, 0, 0);
	return ok && pid > 0 && status == 0;
}

/* Parent and child keep different numbers on the x87 stack. */
static int check_x87(syscall_fn sys)
{
	long status = -1, pid = sys(NR_FORK, 0, 0, 0, 0, 0, 0);
	int32_t in = pid ? 12345 : 54321, out = 0;

	asm volatile("fninit; fildl %0" ::"m"(in));
	for (int i = 0; i < 200; i++)
		sys(NR_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
	asm volatile("fistpl %0" : "=m"(out));
	if (pid == 0)
		sys(NR_EXIT, out != in, 0, 0, 0, 0, 0);
	sys(NR_WAITPID, pid, (long)&status, 0, 0, 0, 0);
	return pid > 0 && out == in && status == 0;
}

static void check_all(syscall_fn sys, const char *how)
{
	report(check_calls(sys), "32-bit-calls", how);
	report(check_mappings(sys), "32-bit-mappings", how);
	report(check_fork(sys), "32-bit-fork", how);
	report(check_signals(sys), "32-bit-signals", how);
	report(check_faults(sys), "32-bit-faults", how);
	report(check_segments(sys), "32-bit-segments", how);
	report(check_x87(sys), "32-bit-x87", how);
}

/* The auxiliary vector lies behind arguments and environment. */
static uint32_t find_vdso_entry(const uint32_t *stack)
{
	const uint32_t *p = stack + 1 + stack[0] + 1;

	while (*p)
		p++;
	for (p++; p[0]; p += 2)
		if (p[0] == AT_SYSINFO)
			return p[1];
	return 0;
}

void start_c(const uint32_t *stack);

__attribute__((noreturn)) static void end(int status)
{
	for (;;)
		by_int80(NR_EXIT, status, 0, 0, 0, 0, 0);
}

void start_c(const uint32_t *stack)
{
	vdso_entry = find_vdso_entry(stack);
	check_all(by_int80, "int 0x80");
	if (vdso_entry)
		check_all(by_vdso, "the vdso entry");
	else
		report(0, "32-bit-vdso", "AT_SYSINFO, which is not there");
	write_text("load32: ");
	write_number(passed);
	write_text(" passed, ");
	write_number(failed);
	write_text(" failed\n");
	end(failed || !passed);
}
