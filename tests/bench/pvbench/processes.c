/* SPDX-License-Identifier: MIT */
/*
 * Operations with a second process: fork, exec, pipes, switches.
 *
 * fork and exit are the bare system calls: the C library's own preparations
 * write to many pages, each of which the child would have to copy.
 */
#include "tests/bench/pvbench/pvbench.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_child(void)
{
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid < 0)
		die("fork");
	return pid;
}

static void end_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("a child failed");
}

static uint64_t run_fork_wait(uint64_t n)
{
	uint64_t began = clock_ticks();

	while (n--) {
		pid_t pid = start_child();

		if (pid == 0)
			syscall(SYS_exit_group, 0);
		end_child(pid);
	}
	return clock_ticks() - began;
}

/* The child becomes child.S. */
static uint64_t run_fork_exec_wait(uint64_t n)
{
	static char *const words[] = {"child", NULL};
	const char *path = getenv("bench_child");
	uint64_t began;

	if (!path)
		path = "/child";
	began = clock_ticks();
	while (n--) {
		pid_t pid = start_child();

		if (pid == 0) {
			syscall(SYS_execve, path, words, words + 1);
			syscall(SYS_exit_group, 127);
		}
		end_child(pid);
	}
	return clock_ticks() - began;
}

static void echo_bytes(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		if (write(out, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static uint64_t run_pipe_round_trip(uint64_t n)
{
	int there[2], back[2];
	uint64_t began;
	char byte = 1;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = start_child();
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		echo_bytes(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	began = clock_ticks();
	while (n--)
		if (write(there[1], &byte, 1) != 1 ||
		    read(back[0], &byte, 1) != 1)
			die("pipe");
	began = clock_ticks() - began;
	close(there[1]);
	end_child(pid);
	close(back[0]);
	return began;
}

/*
 * A token in shared memory that two processes hand to each other, sleeping on
 * it in between: each hand-over is one switch of address spaces.  (The
 * child's last one is not waited for: one in 2n.)
 */
static void hand_over(_Atomic int *token, int mine)
{
	while (atomic_load(token) != mine)
		syscall(SYS_futex, token, FUTEX_WAIT, !mine, NULL, NULL, 0);
	atomic_store(token, !mine);
	syscall(SYS_futex, token, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static uint64_t run_context_switch(uint64_t n)
{
	_Atomic int *token = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began, i;
	pid_t pid;

	if (token == MAP_FAILED)
		die("mmap");
	pid = start_child();
	if (pid == 0) {
		for (i = 0; i < n; i++)
			hand_over(token, 1);
		_exit(0);
	}
	began = clock_ticks();
	for (i = 0; i < n; i++)
		hand_over(token, 0);
	began = clock_ticks() - began;
	end_child(pid);
	munmap((void *)token, 4096);
	return began;
}

const struct metric process_metrics[] = {
	{"fork_wait", run_fork_wait, 0},
	{"fork_exec_wait", run_fork_exec_wait, 0},
	{"pipe_round_trip", run_pipe_round_trip, 0},
	{"context_switch", run_context_switch, 2},
	{0},
};
