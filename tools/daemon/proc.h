/* SPDX-License-Identifier: MIT */
/*
 * Processes that the daemon looks after, its children or not.
 *
 * A process outlives the daemon; its successor takes it over by its number and
 * the time of its start, which together are never used again.
 */
#ifndef TOOLS_DAEMON_PROC_H
#define TOOLS_DAEMON_PROC_H

#include <ev.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/daemon/fail.h"

struct proc {
	struct ev_loop *loop;
	struct ev_io io; /* on a pidfd */
	struct ev_timer kill;
	pid_t pid;
	uint64_t start; /* of the process, in ticks since the boot */
	/* status: "status 1", "signal 9", "gone"; may call proc_free(). */
	void (*ended)(struct proc *p, const char *status);
	void *owner;
};

struct proc_spec {
	char *const *argv;
	int listen_fd; /* handed on as systemd does, or -1 */
	const char *log; /* its standard output and error; NULL: ours */
};

/* NULL: see why. */
struct proc *proc_start(struct ev_loop *loop, const struct proc_spec *spec,
			struct fail *why);
/* NULL: it does not run any more. */
struct proc *proc_adopt(struct ev_loop *loop, pid_t pid, uint64_t start);
/* SIGTERM, SIGKILL 5 s later; nothing is called any more. */
void proc_stop(struct proc *p);
/* Look away: it goes on. */
void proc_free(struct proc *p);

#endif
