/* SPDX-License-Identifier: MIT */
/*
 * A guest's beginning and end, as somebody at the control domain's prompt has
 * them: the commands are run, and the clock is read here.
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

enum {
	LISTS = 3, /* in a batch */
	WAIT_MS = 120000, /* for more words on a console */
};

extern char **environ;

/* Milliseconds that a command takes. */
static double run(const char *const *words)
{
	double began = now();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, words[0], NULL, NULL, (char **)(uintptr_t)words,
			 environ))
		die(words[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		die(words[2]);
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

static struct life live(const char *xml, const char *name, const char *log)
{
	const char *create[] = {"parapet", "-q", "create", xml, NULL};
	const char *destroy[] = {"parapet", "-q", "destroy", name, NULL};
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
	l.destroy = run(destroy);
	return l;
}

static void measure_list(void)
{
	const char *list[] = {"parapet", "-q", "list", "--name", NULL};
	double figure[MAX_BATCHES];

	for (unsigned int i = 0; i < effort.batches; i++) {
		figure[i] = 0;
		for (int n = 0; n < LISTS; n++)
			figure[i] += run(list) / LISTS;
	}
	report("list", figure);
}

/* How many lives: three, or fewer if the batches are. */
void measure_life(const char *xml, const char *name, const char *log)
{
	unsigned int lives = effort.batches < 3 ? effort.batches : 3;
	double toolstack[MAX_BATCHES], to_init[MAX_BATCHES];
	double destroy[MAX_BATCHES], first;
	unsigned int batches = effort.batches;

	if (!wanted("list") && !wanted("destroy") &&
	    !wanted("create_toolstack") && !wanted("create_to_init"))
		return;
	first = live(xml, name, log).to_init;
	for (unsigned int i = 0; i < lives; i++) {
		struct life l = live(xml, name, log);

		toolstack[i] = l.toolstack;
		to_init[i] = l.to_init;
		destroy[i] = l.destroy;
	}
	measure_list();
	effort.batches = lives;
	report("create_toolstack", toolstack);
	report("create_to_init", to_init);
	report("destroy", destroy);
	effort.batches = 1;
	report("create_to_init_first", &first);
	effort.batches = batches;
}
