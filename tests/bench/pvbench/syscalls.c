/* SPDX-License-Identifier: MIT */
/*
 * Operations of one process that are hardly more than the way into the kernel
 * and back: a null system call, a short read, signals, the clock.
 */
#include "tests/bench/pvbench/pvbench.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static uint64_t run_getpid(uint64_t n)
{
	uint64_t began = clock_ticks();

	while (n--)
		syscall(SYS_getpid); /* not getpid(), which may remember */
	return clock_ticks() - began;
}

static uint64_t run_read_zero(uint64_t n)
{
	static int fd = -1;
	uint64_t began;
	char byte;

	if (fd < 0)
		fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/dev/zero");
	began = clock_ticks();
	while (n--)
		if (read(fd, &byte, 1) != 1)
			die("read");
	return clock_ticks() - began;
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static uint64_t run_signal(uint64_t n)
{
	struct sigaction action = {.sa_handler = count_signal};
	sig_atomic_t before = signals;
	pid_t self = getpid();
	uint64_t began;

	if (sigaction(SIGUSR1, &action, NULL))
		die("sigaction");
	began = clock_ticks();
	for (uint64_t i = 0; i < n; i++)
		if (kill(self, SIGUSR1))
			die("kill");
	began = clock_ticks() - began;
	if ((uint64_t)(signals - before) != n)
		die("signals were lost");
	return began;
}

/*
 * A write to a read-only page: the fault, the signal, the return.  The handler
 * steps over the instruction, whose length is fixed by its encoding below.
 */
#define STORE_BYTES 3

static void step_over(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)number;
	(void)info;
	uc->uc_mcontext.gregs[REG_RIP] += STORE_BYTES;
	signals++;
}

static uint64_t run_prot_fault(uint64_t n)
{
	struct sigaction action = {
		.sa_sigaction = step_over,
		.sa_flags = SA_SIGINFO,
	};
	sig_atomic_t before = signals;
	void *page;
	uint64_t ticks;

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL))
		die("prot_fault");
	/* The page must be there, or the first fault is another one. */
	(void)*(volatile char *)page;
	ticks = clock_ticks();
	for (uint64_t i = 0; i < n; i++)
		/* movb $0, (%rax) */
		asm volatile(".byte 0xc6, 0x00, 0x00" ::"a"(page) : "memory");
	ticks = clock_ticks() - ticks;
	if ((uint64_t)(signals - before) != n)
		die("faults were lost");
	signal(SIGSEGV, SIG_DFL);
	munmap(page, 4096);
	return ticks;
}

static uint64_t run_clock_gettime(uint64_t n)
{
	uint64_t began = clock_ticks();
	struct timespec ts;

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_ticks() - began;
}

const struct metric syscall_metrics[] = {
	{"getpid", run_getpid, 0},
	{"read_zero", run_read_zero, 0},
	{"signal", run_signal, 0},
	{"prot_fault", run_prot_fault, 0},
	{"clock_gettime", run_clock_gettime, 0},
	{0},
};
