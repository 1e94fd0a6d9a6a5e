/* SPDX-License-Identifier: MIT */
/*
 * parapet-load: parallel processes, signals, mappings, fork, threads and the
 * corners of the CPU that a user program can reach, every result checked.
 *
 *	parapet-load [CHECK]...
 *
 * Runs on any Linux; the boot tests run it in the control domain and expect
 * what the bare machine gives.  Each check is a process of its own that may
 * crash or hang (it is killed then) without harm to the others.  Statically
 * linked.  All sequences are repeatable.
 */
#include "tests/boot/load/load.h"
#include "tools/image/selfcheck/report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_SECONDS 60 /* more than any check needs on a slow machine */

static const struct {
	const char *name;
	void (*run)(void);
} checks[] = {
	{"fork-tree", load_fork_tree},
	{"parallel", load_parallel},
	{"pipes", load_pipes},
	{"exec", load_exec},
	{"signals", load_signals},
	{"faults", load_faults},
	{"memory-model", load_memory_model},
	{"memory-large", load_memory_large},
	{"threads", load_threads},
	{"shootdown", load_shootdown},
	{"registers", load_registers},
	{"segments", load_segments},
	{"debugger", load_debugger},
	{"ports", load_ports},
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* The line's detail, in memory shared with the check's process. */
static char *detail;
#define DETAIL_BYTES 512

static void set_detail(const char *format, va_list ap)
{
	vsnprintf(detail, DETAIL_BYTES, format, ap);
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_detail(format, ap);
	va_end(ap);
}

void bad(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_detail(format, ap);
	va_end(ap);
	_exit(1);
}

void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

int start(void (*fn)(long arg), long arg)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

void finish(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		CHECK(errno == EINTR);
	if (status && !detail[0])
		bad("a child ended with wait status 0x%x", status);
	if (status)
		_exit(1); /* the child has said why */
}

uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void run_check(const char *name, void (*run)(void))
{
	struct timespec from, to;
	int status = -1;
	pid_t pid;

	detail[0] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		alarm(CHECK_SECONDS);
		run();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	kill(-pid, SIGKILL); /* what a failed check left behind */
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (status && !detail[0])
		snprintf(detail, DETAIL_BYTES, "ended with wait status 0x%x",
			 status);
	report(status == 0, name, "%s (%ld ms)", detail,
	       (to.tv_sec - from.tv_sec) * 1000 +
		       (to.tv_nsec - from.tv_nsec) / 1000000);
}

static int is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return argc == 1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], EXEC_WORD))
		return exec_chain(argc, argv);
	detail = mmap(NULL, DETAIL_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (detail == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < CHECKS; i++)
		if (is_wanted(checks[i].name, argc, argv))
			run_check(checks[i].name, checks[i].run);
	return report_end("load");
}
