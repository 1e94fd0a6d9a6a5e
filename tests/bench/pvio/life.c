/* SPDX-License-Identifier: MIT */
/*
 * A guest's beginning and end, as somebody at the control domain's prompt has
 * them: the commands are run, and the clock is read here.  Which commands they
 * are is in the environment, as every toolstack has its own.
 *
 * When the guest's first program runs is known from the log of its console,
 * whose growth the kernel tells of (inotify): looking again and again would
 * take time from the one CPU that the guest has to share.
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

struct life {
	double toolstack, to_init, destroy;
};

static struct life live(const char *create, const char *end, const char *log)
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
	began = now();
	l.toolstack = run(create);
	wait_for(watch, log, FIRST_WORDS);
	l.to_init = (now() - began) * 1e3;
	wait_for_words(log, READY_WORDS);
	l.destroy = run(end);
	return l;
}

/* Not every toolstack has such a command. */
static void measure_list(const char *list)
{
	double figure[MAX_BATCHES];

	if (!list || !*list)
		return;
	for (unsigned int i = 0; i < effort.batches; i++) {
		figure[i] = 0;
		for (int n = 0; n < LISTS; n++)
			figure[i] += run(list) / LISTS;
	}
	report("list", figure);
}

/* How many lives: three, or fewer if the batches are. */
void measure_life(const char *log)
{
	const char *create = getenv("pvio_create");
	const char *end = getenv("pvio_destroy");
	unsigned int lives = effort.batches < 3 ? effort.batches : 3;
	double toolstack[MAX_BATCHES], to_init[MAX_BATCHES];
	double destroy[MAX_BATCHES], first;
	unsigned int batches = effort.batches;

	if (!wanted("list") && !wanted("destroy") &&
	    !wanted("create_toolstack") && !wanted("create_to_init"))
		return;
	if (!create || !end)
		die("pvio_create, pvio_destroy");
	first = live(create, end, log).to_init;
	for (unsigned int i = 0; i < lives; i++) {
		struct life l = live(create, end, log);

		toolstack[i] = l.toolstack;
		to_init[i] = l.to_init;
		destroy[i] = l.destroy;
	}
	measure_list(getenv("pvio_list"));
	effort.batches = lives;
	report("create_toolstack", toolstack);
	report("create_to_init", to_init);
	report("destroy", destroy);
	effort.batches = 1;
	report("create_to_init_first", &first);
	effort.batches = batches;
}
