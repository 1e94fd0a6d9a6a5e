/* SPDX-License-Identifier: MIT */
/*
 * What a kernel owes its programs about their memory, where our patches batch
 * changes of page tables: fork and copies on write, tables of new regions, file
 * pages around a fault, fresh pages before they are asked for, mprotect, mremap,
 * exec, restartable sequences, all of it with threads too.
 *
 * It is the first program of the boot, runs on any kernel, prints a line
 * "PASS name: ..." or "FAIL name: ..." for each check, and powers off.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE   4096ul
#define PAGES  300ul /* more than one call of the hypervisor takes */
#define REGION (1ul << 39) /* of one top-level entry */
#define ROUNDS 20

#define EXPECT(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			snprintf(why, sizeof(why), "%s:%d: %s", __FILE__,      \
				 __LINE__, #cond);                             \
			return false;                                          \
		}                                                              \
	} while (0)

static char why[200];

static uint64_t *map_at(void *at, unsigned long pages, int flags)
{
	void *p = mmap(at, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint64_t *map_pages(unsigned long pages)
{
	return map_at(NULL, pages, 0);
}

static uint64_t *word_of(uint64_t *p, unsigned long page)
{
	return p + page * (PAGE / sizeof(*p)) + page % 500;
}

static void fill(uint64_t *p, unsigned long pages, uint64_t seed)
{
	for (unsigned long i = 0; i < pages; i++)
		*word_of(p, i) = seed + i;
}

static bool holds(uint64_t *p, unsigned long pages, uint64_t seed)
{
	for (unsigned long i = 0; i < pages; i++)
		if (*word_of(p, i) != seed + i)
			return false;
	return true;
}

/* Run in a child: did it return true? */
static bool in_child(bool (*work)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(work(arg) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static sigjmp_buf caught;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(caught, 1);
}

/* Does a write to @p fault? */
static bool write_faults(uint64_t *p)
{
	struct sigaction old, act = {.sa_handler = on_fault};
	bool faults = true;

	sigaction(SIGSEGV, &act, &old);
	if (!sigsetjmp(caught, 1)) {
		*(volatile uint64_t *)p = 1;
		faults = false;
	}
	sigaction(SIGSEGV, &old, NULL);
	return faults;
}

/* ---- the checks ------------------------------------------------------------- */
static bool fresh_is_zero(void)
{
	for (unsigned int step = 1; step < 40; step += 3) {
		uint64_t *p = map_pages(PAGES);

		EXPECT(p);
		for (unsigned long i = 0; i < PAGES; i += step)
			*word_of(p, i) = i + 1;
		for (unsigned long i = 0; i < PAGES; i++)
			EXPECT(*word_of(p, i) == (i % step ? 0 : i + 1));
		EXPECT(!munmap(p, PAGES * PAGE));
	}
	return true;
}

static bool child_of_fork(void *arg)
{
	uint64_t *p = arg;

	if (!holds(p, PAGES, 1))
		return false;
	fill(p, PAGES, 1000000);
	return holds(p, PAGES, 1000000);
}

static bool fork_copies(void)
{
	uint64_t *p = map_pages(PAGES);

	EXPECT(p);
	for (int i = 0; i < ROUNDS; i++) {
		fill(p, PAGES, 1);
		EXPECT(in_child(child_of_fork, p));
		EXPECT(holds(p, PAGES, 1));
	}
	EXPECT(!munmap(p, PAGES * PAGE));
	return true;
}

/* The parent writes while the child looks. */
static bool fork_keeps(void)
{
	uint64_t *p = map_pages(PAGES);
	int pipes[2], status;
	pid_t pid;
	char c;

	EXPECT(p && !pipe(pipes));
	fill(p, PAGES, 7);
	pid = fork();
	if (!pid) {
		close(pipes[1]);
		_exit(read(pipes[0], &c, 1) == 0 && holds(p, PAGES, 7) ? 0 : 1);
	}
	fill(p, PAGES, 9);
	close(pipes[1]);
	EXPECT(waitpid(pid, &status, 0) == pid && !status);
	EXPECT(holds(p, PAGES, 9));
	close(pipes[0]);
	EXPECT(!munmap(p, PAGES * PAGE));
	return true;
}

static bool protects(void)
{
	uint64_t *p = map_pages(PAGES);

	EXPECT(p);
	for (int i = 0; i < ROUNDS; i++) {
		fill(p, PAGES, i);
		EXPECT(!mprotect(p, PAGES * PAGE, PROT_READ));
		EXPECT(write_faults(p) && write_faults(word_of(p, PAGES - 1)));
		EXPECT(holds(p, PAGES, i));
		EXPECT(!mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
		EXPECT(!write_faults(p + 1));
	}
	EXPECT(!munmap(p, PAGES * PAGE));
	EXPECT(write_faults(p));
	return true;
}

static bool moves(void)
{
	uint64_t *p = map_pages(PAGES), *to;

	EXPECT(p);
	fill(p, PAGES, 3);
	for (int i = 0; i < ROUNDS; i++) {
		to = map_pages(PAGES + 600);
		EXPECT(to);
		to = mremap(p, PAGES * PAGE, PAGES * PAGE,
			    MREMAP_MAYMOVE | MREMAP_FIXED,
			    to + (i * 29 % 600) * (PAGE / sizeof(*p)));
		EXPECT(to != MAP_FAILED && holds(to, PAGES, 3));
		EXPECT(write_faults(p));
		p = to;
	}
	return true;
}

/* Regions that need tables of one, two and three levels. */
static bool new_tables(void)
{
	char *base = (char *)(8 * REGION);
	static const unsigned long sizes[] = {PAGE << 9, PAGE << 18, REGION};

	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int i = 0; i < 20; i++) {
			uint64_t *p = map_at(base + (i + 1) * sizes[s], 1,
					     MAP_FIXED_NOREPLACE);

			EXPECT(p);
			*word_of(p, 0) = 5 + i;
			EXPECT(*word_of(p, 0) == 5u + i);
		}
	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int i = 0; i < 20; i++)
			munmap(base + (i + 1) * sizes[s], PAGE);
	return true;
}

static bool file_pages(void)
{
	int fd = open("/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	uint64_t *p, *shared, word;

	EXPECT(fd >= 0);
	for (unsigned long i = 0; i < PAGES; i++) {
		word = 77 + i;
		EXPECT(pwrite(fd, &word, 8, i * PAGE + i % 500 * 8) == 8);
	}
	EXPECT(!ftruncate(fd, PAGES * PAGE));
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		 0);
	shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	EXPECT(p != MAP_FAILED && shared != MAP_FAILED);
	EXPECT(holds(p, PAGES, 77) && holds(shared, PAGES, 77));
	fill(p, PAGES / 2, 1);
	EXPECT(holds(shared, PAGES, 77));
	fill(shared, PAGES, 2);
	EXPECT(holds(p, PAGES / 2, 1));
	EXPECT(pread(fd, &word, 8, 8 * PAGE + 8 * 8) == 8 && word == 10);
	EXPECT(!munmap(p, PAGES * PAGE) && !munmap(shared, PAGES * PAGE));
	return !close(fd) && !unlink("/file");
}

/* Threads that all use one address space while one of them forks. */
static volatile bool stop;
static uint64_t *common;

static void *hammer(void *arg)
{
	unsigned long mine = (unsigned long)arg, rounds = 0;
	unsigned long first = mine * (PAGES / 4);
	uint64_t *part = common + first * (PAGE / sizeof(*part));

	while (!stop) {
		uint64_t *own = map_pages(40);

		fill(part, PAGES / 4, rounds);
		fill(own, 40, rounds);
		if (!holds(part, PAGES / 4, rounds) || !holds(own, 40, rounds))
			return (void *)1;
		mprotect(own, 40 * PAGE, PROT_READ);
		munmap(own, 40 * PAGE);
		rounds++;
		sched_yield();
	}
	return NULL;
}

static bool threads(void)
{
	pthread_t id[4];
	void *bad;

	common = map_pages(PAGES);
	EXPECT(common);
	stop = false;
	for (unsigned long i = 0; i < 4; i++)
		EXPECT(!pthread_create(&id[i], NULL, hammer, (void *)i));
	for (int i = 0; i < 2 * ROUNDS; i++) {
		uint64_t *p = map_pages(PAGES);

		EXPECT(p);
		fill(p, PAGES, 1);
		EXPECT(in_child(child_of_fork, p));
		EXPECT(holds(p, PAGES, 1));
		EXPECT(!munmap(p, PAGES * PAGE));
	}
	stop = true;
	for (int i = 0; i < 4; i++) {
		EXPECT(!pthread_join(id[i], &bad));
		EXPECT(!bad);
	}
	return true;
}

static bool execs(void)
{
	for (int i = 0; i < 2 * ROUNDS; i++) {
		char number[20];
		int status;
		pid_t pid;

		snprintf(number, sizeof(number), "%d", i);
		pid = fork();
		if (!pid) {
			execl("/init", "init", "child", number, NULL);
			_exit(99);
		}
		EXPECT(waitpid(pid, &status, 0) == pid);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == i);
	}
	return true;
}

/* After a fork too the kernel keeps the CPU's number up to date. */
static bool rseq_runs(void *arg)
{
	unsigned int cpu, node;

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		cpu_set_t one;
		unsigned int at = (unsigned int)i % 2;

		CPU_ZERO(&one);
		CPU_SET(at, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			continue; /* one CPU only */
		if ((unsigned int)sched_getcpu() != at || getcpu(&cpu, &node) ||
		    cpu != at)
			return false;
	}
	return true;
}

static bool cpu_numbers(void)
{
	EXPECT(rseq_runs(NULL));
	EXPECT(in_child(rseq_runs, NULL));
	return true;
}

static const struct {
	const char *name, *text;
	bool (*run)(void);
} checks[] = {
	{"fresh", "memory is zero in whatever order it is used", fresh_is_zero},
	{"fork", "what a child writes is its own", fork_copies},
	{"fork", "what the parent writes is its own", fork_keeps},
	{"mprotect", "takes the right to write, and gives it back", protects},
	{"mremap", "moves what is there", moves},
	{"tables", "new ones of all levels", new_tables},
	{"files", "private and shared pages", file_pages},
	{"threads", "four of them, and a fifth that forks", threads},
	{"exec", "programs start and end", execs},
	{"rseq", "the CPU's number is right", cpu_numbers},
};

static unsigned int run_checks(void)
{
	unsigned int failed = 0, count = sizeof(checks) / sizeof(*checks);

	for (unsigned int i = 0; i < count; i++) {
		bool good = checks[i].run();

		failed += !good;
		printf("%s %s: %s%s%s\n", good ? "PASS" : "FAIL",
		       checks[i].name, checks[i].text, good ? "" : ": ",
		       good ? "" : why);
		fflush(stdout);
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct utsname system;
	cpu_set_t cpus;

	if (argc > 2)
		return atoi(argv[2]);
	uname(&system);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	printf("PASS boot: %s, %d cpus\n", system.release, CPU_COUNT(&cpus));
	fflush(stdout);
	if (getpid() != 1)
		return run_checks() != 0;
	/* In a child: the kernel reports each fault of the first program. */
	if (!fork())
		_exit(run_checks() != 0);
	while (wait(NULL) > 0)
		;
	sync();
	return reboot(RB_POWER_OFF);
}
