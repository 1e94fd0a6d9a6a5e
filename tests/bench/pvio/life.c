/* SPDX-License-Identifier: MIT */
/*
 * A guest's beginning and end, as somebody at the control domain's prompt has
 * them: the commands are run, and the clock is read here.  Which commands they
 * are is in the environment, as every toolstack has its own.
 *
 * When the guest's first program runs is known from the log of its console,
 * whose growth the kernel tells of (inotify): looking again and again would
 * take time from the one CPU that the guest has to share.
 *
 * Somebody at a prompt finds a machine that has nothing else to do; a program
 * that makes guests one after another does not, and what a machine does when it
 * has time for it (clearing the memory of the last guest) is in the way then.
 * So there are lives of both sorts.
 */
#include "tests/bench/pvio/pvio.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_WORDS "guest: first program"
#define READY_WORDS "guest: ready" /* its devices are there */

enum {
	LISTS = 3, /* in a batch */
	REST_MS = 250, /* a look at what the CPUs do */
	REST_BUSY = 5, /* percent of that, at most, at rest */
	REST_LOOKS = 6, /* in a row */
	REST_TRIES = 120,
	WAIT_MS = 180000, /* for more words on a console */
	MAX_WORDS = 15,
};

extern char **environ;

/* Milliseconds that a command takes, which is words between blanks. */
static double run(const char *command)
{
	char text[256];
	char *words[MAX_WORDS + 1], *next = text;
	int status, n = 0;
	double began;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", command);
	while (n < MAX_WORDS && (words[n] = strsep(&next, " ")))
		n++;
	words[n] = NULL;
	began = now();
	if (posix_spawnp(&pid, words[0], NULL, NULL, words, environ))
		die(words[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		die(command);
	return (now() - began) * 1e3;
}

static int has_words(const char *path, const char *words)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC), found = 0;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (n > 0) {
		text[n] = '\0';
		found = strstr(text, words) != NULL;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

static int watch_log(const char *log)
{
	int watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0 || inotify_add_watch(watch, log, IN_MODIFY) < 0)
		die(log);
	return watch;
}

/* Until the guest has said that. */
static void wait_for(int watch, const char *log, const char *words)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	char events[4096];

	while (!has_words(log, words)) {
		if (poll(&p, 1, WAIT_MS) <= 0)
			die(words);
		if (read(watch, events, sizeof(events)) < 0)
			die("inotify");
	}
	close(watch);
}

void wait_for_words(const char *log, const char *words)
{
	wait_for(watch_log(log), log, words);
}

/* Hundredths of a second that the CPUs have had something to do, or others
 * have had them, since the system began. */
static unsigned long long busy_ticks(void)
{
	unsigned long long user, nice, system, idle, wait, irq, soft, steal;
	FILE *f = fopen("/proc/stat", "re");

	if (!f ||
	    fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
		   &nice, &system, &idle, &wait, &irq, &soft, &steal) != 8)
		die("/proc/stat");
	fclose(f);
	return user + nice + system + irq + soft + steal;
}

/* Until the machine has had nothing to do for a while. */
static void rest(void)
{
	const unsigned long long most = REST_MS * REST_BUSY / 1000;
	unsigned long long before = busy_ticks(), after;
	int quiet = 0;

	for (int i = 0; i < REST_TRIES && quiet < REST_LOOKS; i++) {
		usleep(REST_MS * 1000);
		after = busy_ticks();
		quiet = after - before <= most ? quiet + 1 : 0;
		before = after;
	}
}

struct life {
	double toolstack, to_init, destroy;
};

static struct life live(const char *create, const char *end, const char *log,
			int at_rest)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct life l;
	double began;
	int watch;

	/* It is there before, and empty. */
	if (fd < 0)
		die(log);
	close(fd);
	watch = watch_log(log);
	if (at_rest)
		rest();
	began = now();
	l.toolstack = run(create);
	wait_for(watch, log, FIRST_WORDS);
	l.to_init = (now() - began) * 1e3;
	wait_for_words(log, READY_WORDS);
	if (at_rest)
		rest();
	l.destroy = run(end);
	return l;
}

/* Not every toolstack has such a command. */
static void measure_list(const char *list)
{
	double figure[MAX_BATCHES];

	if (!list || !*list)
		return;
	rest();
	for (unsigned int i = 0; i < effort.batches; i++) {
		figure[i] = 0;
		for (int n = 0; n < LISTS; n++)
			figure[i] += run(list) / LISTS;
	}
	report("list", figure);
}

static const char *const figures[] = {"create_toolstack", "create_to_init",
				      "destroy"};

/* The ending says of which sort the lives are. */
static void measure_lives(const char *create, const char *end, const char *log,
			  unsigned int lives, int at_rest, const char *ending)
{
	double figure[3][MAX_BATCHES];
	unsigned int batches = effort.batches;
	char name[64];

	for (unsigned int i = 0; i < lives; i++) {
		struct life l = live(create, end, log, at_rest);

		figure[0][i] = l.toolstack;
		figure[1][i] = l.to_init;
		figure[2][i] = l.destroy;
	}
	effort.batches = lives;
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", figures[i], ending);
		report(name, figure[i]);
	}
	effort.batches = batches;
}

static int lives_wanted(const char *ending)
{
	char name[64];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", figures[i], ending);
		if (wanted(name))
			return 1;
	}
	return 0;
}

/* How many lives of each sort: three, or fewer if the batches are. */
void measure_life(const char *log)
{
	const char *create = getenv("pvio_create");
	const char *end = getenv("pvio_destroy");
	unsigned int batches = effort.batches;
	unsigned int lives = batches < 3 ? batches : 3;
	int calm = lives_wanted(""), busy = lives_wanted("_busy");
	double first;

	if (!calm && !busy && !wanted("list"))
		return;
	if (!create || !end)
		die("pvio_create, pvio_destroy");
	first = live(create, end, log, 0).to_init;
	effort.batches = 1;
	report("create_to_init_first", &first);
	effort.batches = batches;
	if (calm)
		measure_lives(create, end, log, lives, 1, "");
	if (busy)
		measure_lives(create, end, log, lives, 0, "_busy");
	measure_list(getenv("pvio_list"));
}
