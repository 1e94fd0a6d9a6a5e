/* SPDX-License-Identifier: MIT */
/*
 * Signals: queued ones arrive all and in order while timers interrupt, also
 * on an alternate stack; faults give the signal, code and address that the
 * bare machine gives, for every way in which a user program can offend.
 */
#include "tests/boot/load/load.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define QUEUED 3000

static volatile int next_value, out_of_order, alarms;

static void take_value(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_value.sival_int != next_value)
		out_of_order++;
	next_value++;
}

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

static void queue_values(long to)
{
	for (int i = 0; i < QUEUED; i++) {
		union sigval value = {.sival_int = i};

		while (sigqueue((pid_t)to, SIGRTMIN, value)) {
			CHECK(errno == EAGAIN); /* the queue is full */
			usleep(100);
		}
	}
}

void load_signals(void)
{
	struct sigaction take = {
		.sa_sigaction = take_value,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};
	struct sigaction tick = {.sa_handler = count_alarm,
				 .sa_flags = SA_RESTART};
	struct itimerval every = {{0, 2000}, {0, 2000}};
	struct itimerval never = {{0, 0}, {0, 0}};
	stack_t stack = {.ss_size = 65536, .ss_sp = malloc(65536)};
	int pid;

	CHECK(stack.ss_sp && !sigaltstack(&stack, NULL));
	CHECK(!sigaction(SIGRTMIN, &take, NULL));
	CHECK(!sigaction(SIGALRM, &tick, NULL));
	pid = start(queue_values, getpid());
	CHECK(!setitimer(ITIMER_REAL, &every, NULL));
	finish(pid);
	while (next_value < QUEUED || alarms < 5)
		usleep(100);
	CHECK(!setitimer(ITIMER_REAL, &never, NULL));
	CHECK(next_value == QUEUED && out_of_order == 0);
	say("%d queued in order, %d alarms", QUEUED, alarms);
}

/* Ways to offend.  `at` is a page for those that need one. */
static void read_null(char *at)
{
	(void)at;
	asm volatile("movb (%0), %%al" ::"r"(0L) : "rax");
}

static void read_page(char *at)
{
	asm volatile("movb (%0), %%al" ::"r"(at) : "rax");
}

static void write_page(char *at)
{
	asm volatile("movb $0, (%0)" ::"r"(at) : "memory");
}

static void run_page(char *at)
{
	((void (*)(void))at)();
}

static void read_kernel(char *at)
{
	(void)at;
	asm volatile("movb (%0), %%al" ::"r"(0xffffffff81000000) : "rax");
}

static void write_kernel(char *at)
{
	(void)at;
	asm volatile("movb $0, (%0)" ::"r"(0xffff888000001000) : "memory");
}

static void read_hypervisor(char *at)
{
	(void)at;
	asm volatile("movb (%0), %%al" ::"r"(0xffff800000000000) : "rax");
}

static void read_noncanonical(char *at)
{
	(void)at;
	asm volatile("movb (%0), %%al" ::"r"(0x1000000000000000) : "rax");
}

#define OFFENCE(name, code)                                                    \
	static void name(char *at)                                             \
	{                                                                      \
		(void)at;                                                      \
		asm volatile(code ::: "rax", "rcx", "rdx", "memory");          \
	}

OFFENCE(do_hlt, "hlt")
OFFENCE(do_cli, "cli")
OFFENCE(do_cr3, "movq %%cr3, %%rax")
OFFENCE(do_rdmsr, "movl $0xc0000080, %%ecx; rdmsr")
OFFENCE(do_in, "inb $0x61, %%al")
OFFENCE(do_invlpg, "invlpg (%%rax)")
OFFENCE(do_ud2, "ud2")
OFFENCE(do_div, "xorl %%ecx, %%ecx; movl $1, %%eax; cltd; divl %%ecx")
OFFENCE(do_int3, "int3")
OFFENCE(do_int21, "int $0x21")
OFFENCE(do_int82, "int $0x82")
OFFENCE(do_int_pf, "int $14")
OFFENCE(do_bad_ss, "movw $0x1234, %%ax; movw %%ax, %%ss")

/*
 * A jump and not a far return: QEMU 7.2 pops a user program's far return as
 * the kernel, which SMAP refuses.
 */
static void do_kernel_cs(char *at)
{
	static const struct {
		uint32_t offset;
		uint16_t selector;
	} kernel = {0, 0x10};

	(void)at;
	asm volatile("ljmpl *%0" ::"m"(kernel));
}

static const struct {
	const char *name;
	void (*commit)(char *at);
	int signal, code; /* code 0: any */
} offences[] = {
	{"read of page 0", read_null, SIGSEGV, SEGV_MAPERR},
	{"write to a read-only page", write_page, SIGSEGV, SEGV_ACCERR},
	{"call of a no-execute page", run_page, SIGSEGV, SEGV_ACCERR},
	{"read of the kernel", read_kernel, SIGSEGV, 0},
	{"write to the kernel", write_kernel, SIGSEGV, 0},
	{"read of the hypervisor's range", read_hypervisor, SIGSEGV, 0},
	{"non-canonical read", read_noncanonical, SIGSEGV, SI_KERNEL},
	{"hlt", do_hlt, SIGSEGV, SI_KERNEL},
	{"cli", do_cli, SIGSEGV, SI_KERNEL},
	{"mov from cr3", do_cr3, SIGSEGV, SI_KERNEL},
	{"rdmsr", do_rdmsr, SIGSEGV, SI_KERNEL},
	{"in", do_in, SIGSEGV, SI_KERNEL},
	{"invlpg", do_invlpg, SIGSEGV, SI_KERNEL},
	{"ud2", do_ud2, SIGILL, ILL_ILLOPN},
	{"division by zero", do_div, SIGFPE, FPE_INTDIV},
	{"int3", do_int3, SIGTRAP, 0},
	{"int 0x21", do_int21, SIGSEGV, SI_KERNEL},
	{"int 0x82", do_int82, SIGSEGV, SI_KERNEL},
	{"int 14", do_int_pf, SIGSEGV, SI_KERNEL},
	{"bad stack selector", do_bad_ss, SIGSEGV, SI_KERNEL},
	{"jump to a kernel selector", do_kernel_cs, SIGSEGV, SI_KERNEL},
};

#define OFFENCES (sizeof(offences) / sizeof(offences[0]))

static sigjmp_buf again;
static volatile int got_signal, got_code;
static void *volatile got_address;

static void take_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	got_signal = number;
	got_code = info->si_code;
	got_address = info->si_addr;
	siglongjmp(again, 1);
}

static void offend(size_t i, char *page)
{
	got_signal = 0;
	if (!sigsetjmp(again, 1))
		offences[i].commit(page);
	if (got_signal != offences[i].signal ||
	    (offences[i].code && got_code != offences[i].code))
		bad("%s: signal %d code %d, not signal %d code %d",
		    offences[i].name, got_signal, got_code, offences[i].signal,
		    offences[i].code);
}

void load_faults(void)
{
	struct sigaction take = {.sa_sigaction = take_fault,
				 .sa_flags = SA_SIGINFO};
	char *page =
		mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	sigaction(SIGSEGV, &take, NULL);
	sigaction(SIGILL, &take, NULL);
	sigaction(SIGFPE, &take, NULL);
	sigaction(SIGTRAP, &take, NULL);
	sigaction(SIGBUS, &take, NULL);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < OFFENCES; i++)
			offend(i, page);

	/* The address of a fault is told to the byte. */
	CHECK(!munmap(page + 4096, 4096));
	if (!sigsetjmp(again, 1))
		read_page(page + 4096 + 0x123);
	CHECK(got_signal == SIGSEGV && got_address == page + 4096 + 0x123);
	say("%zu kinds", OFFENCES);
}
