/* SPDX-License-Identifier: MIT */
/*
 * A program built by a script: a shell that starts a compiler for each file,
 * each of which maps libraries, reads and writes files, and ends.
 */
#include "tests/bench/pvwork/pvwork.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Milliseconds. */
static double build(void)
{
	char *words[] = {"sh", "build.sh", NULL};
	double began = now();
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (errno || waitpid(pid, &status, 0) != pid)
		die("sh");
	if (status) {
		errno = EIO;
		die("build.sh");
	}
	return (now() - began) * 1e3;
}

void measure_build(const char *folder)
{
	double figure[MAX_BATCHES];

	if (!wanted("build"))
		return;
	if (chdir(folder))
		die(folder);
	/* Warm; where one is all there is time for, it has to do. */
	if (effort.batches > 1)
		build();
	for (unsigned int i = 0; i < effort.batches; i++)
		figure[i] = build();
	report("build", figure);
}
