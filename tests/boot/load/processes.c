/* SPDX-License-Identifier: MIT */
/*
 * Many processes: fork trees, work in parallel, pipes, programs that execute
 * each other.  What is checked is that no process sees another's memory and
 * that every byte arrives.
 */
#include "tests/boot/load/load.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH      6 /* 127 processes */
#define OWN_WORDS  4096
#define WORKERS    6
#define ROUNDS     40
#define RING       5
#define BLOCK      65536
#define BLOCKS     16
#define EXEC_LINKS 30

static _Atomic int *ended;
static uint64_t own[OWN_WORDS];

static void check_own(uint64_t mark)
{
	for (int i = 0; i < OWN_WORDS; i++)
		if (own[i] != mark + (uint64_t)i)
			bad("word %d is %llx, not %llx: not this process's", i,
			    (unsigned long long)own[i],
			    (unsigned long long)(mark + (uint64_t)i));
}

/* Each process marks its copy of `own`; its children change theirs. */
static void tree(long node)
{
	uint64_t mark = (uint64_t)node << 32;
	int left, right;

	for (int i = 0; i < OWN_WORDS; i++)
		own[i] = mark + (uint64_t)i;
	if (node < 1 << DEPTH) {
		left = start(tree, node * 2);
		right = start(tree, node * 2 + 1);
		check_own(mark);
		finish(left);
		finish(right);
	}
	check_own(mark);
	atomic_fetch_add(ended, 1);
}

void load_fork_tree(void)
{
	ended = shared(sizeof(*ended));
	finish(start(tree, 1));
	CHECK(*ended == (2 << DEPTH) - 1);
	say("%d processes", *ended);
}

static uint64_t mix(uint64_t seed)
{
	static uint64_t block[8192];
	uint64_t sum = seed;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 8192; i++)
			block[i] = next_random(&sum) + block[i] / 3;
		sum ^= block[sum % 8192] | 1;
	}
	return sum;
}

static uint64_t *sums; /* [0]: alone, [1]: in parallel */
static volatile sig_atomic_t interrupts;

static void count_interrupt(int number)
{
	(void)number;
	interrupts++;
}

static void work_alone(long i)
{
	sums[i] = mix((uint64_t)i + 1);
}

static void work_disturbed(long i)
{
	signal(SIGUSR1, count_interrupt);
	sums[WORKERS + i] = mix((uint64_t)i + 1);
}

/* Send signals to all workers until they have ended. */
static void disturb(int pids[WORKERS])
{
	int left = WORKERS, status;

	while (left) {
		for (int i = 0; i < WORKERS; i++) {
			if (!pids[i])
				continue;
			kill(pids[i], SIGUSR1);
			if (waitpid(pids[i], &status, WNOHANG) <= 0)
				continue;
			CHECK(status == 0);
			pids[i] = 0;
			left--;
		}
		usleep(1000);
	}
}

/* The same work alone and in parallel, disturbed by signals, gives the same. */
void load_parallel(void)
{
	int pids[WORKERS];

	signal(SIGUSR1, SIG_IGN); /* until a worker has its handler */
	sums = shared(2 * WORKERS * sizeof(*sums));
	for (long i = 0; i < WORKERS; i++)
		finish(start(work_alone, i));
	for (long i = 0; i < WORKERS; i++)
		pids[i] = start(work_disturbed, i);
	disturb(pids);
	for (long i = 0; i < WORKERS; i++)
		CHECK(sums[i] && sums[i] == sums[WORKERS + i]);
	say("%d workers", WORKERS);
}

static void write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		CHECK(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static void read_all(int fd, uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = read(fd, data, len);

		CHECK(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static int ring[RING][2];

/* Takes each block from its left neighbour, adds one to all bytes. */
static void link_of_ring(long i)
{
	static uint8_t block[BLOCK];

	for (int n = 0; n < BLOCKS; n++) {
		read_all(ring[i][0], block, BLOCK);
		for (int k = 0; k < BLOCK; k++)
			block[k]++;
		write_all(ring[i + 1][1], block, BLOCK);
	}
}

void load_pipes(void)
{
	static uint8_t out[BLOCK], in[BLOCK];
	int pids[RING - 1];

	for (int i = 0; i < RING; i++)
		CHECK(!pipe(ring[i]));
	for (long i = 0; i < RING - 1; i++)
		pids[i] = start(link_of_ring, i);
	for (int n = 0; n < BLOCKS; n++) {
		for (int k = 0; k < BLOCK; k++)
			out[k] = (uint8_t)(k * 7 + n);
		write_all(ring[0][1], out, BLOCK);
		read_all(ring[RING - 1][0], in, BLOCK);
		for (int k = 0; k < BLOCK; k++)
			CHECK(in[k] == (uint8_t)(out[k] + RING - 1));
	}
	for (int i = 0; i < RING - 1; i++)
		finish(pids[i]);
	say("%d bytes through %d processes", BLOCKS * BLOCK, RING - 1);
}

/* argv: name, EXEC_WORD, links left, a sum that grows on the way. */
int exec_chain(int argc, char **argv)
{
	long left = argc == 4 ? strtol(argv[2], NULL, 10) : -1;
	long sum = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	char next_left[24], next_sum[24];
	const char *path = getenv("LOAD_SELF");

	if (left < 0 || !path)
		return 99;
	if (left == 0)
		return (int)(sum % 97);
	snprintf(next_left, sizeof(next_left), "%ld", left - 1);
	snprintf(next_sum, sizeof(next_sum), "%ld", sum + left);
	execl(path, argv[0], EXEC_WORD, next_left, next_sum, (char *)NULL);
	return 98;
}

void load_exec(void)
{
	long want = (long)EXEC_LINKS * (EXEC_LINKS + 1) / 2 % 97;
	char self[512] = "", links[24];
	int status;
	pid_t pid;

	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	setenv("LOAD_SELF", self, 1);
	snprintf(links, sizeof(links), "%d", EXEC_LINKS);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execl(self, "load", EXEC_WORD, links, "0", (char *)NULL);
		_exit(97);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == want);
	say("a chain of %d programs", EXEC_LINKS);
}
