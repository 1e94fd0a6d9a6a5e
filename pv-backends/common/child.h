/* SPDX-License-Identifier: MIT */
/* Forking without exec. */
#ifndef PV_BACKENDS_COMMON_CHILD_H
#define PV_BACKENDS_COMMON_CHILD_H

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* The child takes no signal until it allows them, when it has let go of its
 * parent's handlers: one that ended there would be lost, and the parent wait for
 * a process that was never asked to end. */
static inline pid_t child_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

#endif
