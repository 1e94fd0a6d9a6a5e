/* SPDX-License-Identifier: MIT */
/*
 * A process made ahead for the next device.
 *
 * A guest that is created waits for its devices.  Forking takes its time, more
 * where a hypervisor keeps the page tables, and so does the first use of what
 * every process of a device needs: all that is done while there is nothing else
 * to do, a second after the last device came.  Until then the process has the
 * rights of its parent, and does nothing but wait; it ends with its parent,
 * whose end of the pipe is the only one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pv-backends/common/child.h"
#include "pv-backends/common/spare.h"

#define QUIET_SECONDS 1.0

struct order {
	uint32_t devid;
	domid_t domid;
};

static void lose(struct spare *sp)
{
	ev_io_stop(sp->loop, &sp->ended);
	close(sp->to);
	sp->to = -1;
	sp->pid = 0;
}

static void on_ended(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct spare *sp = io->data;

	(void)loop;
	(void)what;
	waitpid(sp->pid, NULL, 0);
	close(sp->pidfd);
	lose(sp);
	spare_make_later(sp);
}

static void __attribute__((noreturn)) child_main(struct spare *sp, int from)
{
	const struct xb_driver *drv = sp->drv;
	const struct worker_options *opt = sp->opt;
	struct order order;
	struct xb *xb;

	sp->forget(sp);
	xb = worker_prepare(drv, opt);
	if (drv->prepare)
		drv->prepare();
	/* It may have been handed a device already, which has not ended. */
	if (!xb)
		_exit(WORKER_AGAIN);
	/* Nothing: the parent has gone. */
	if (read(from, &order, sizeof(order)) != sizeof(order))
		_exit(WORKER_ENDED);
	close(from);
	exit(worker_serve(xb, opt, order.domid, order.devid));
}

static void make(struct spare *sp)
{
	int pipe[2];

	if (sp->pid || pipe2(pipe, O_CLOEXEC))
		return;
	sp->pid = child_fork();
	if (!sp->pid) {
		close(pipe[1]);
		child_main(sp, pipe[0]);
	}
	close(pipe[0]);
	sp->to = pipe[1];
	sp->pidfd = sp->pid < 0 ? -1 : pidfd_open(sp->pid, 0);
	if (sp->pidfd < 0) {
		close(sp->to);
		if (sp->pid > 0)
			waitpid(sp->pid, NULL, 0);
		sp->to = -1;
		sp->pid = 0;
		return;
	}
	ev_io_set(&sp->ended, sp->pidfd, EV_READ);
	ev_io_start(sp->loop, &sp->ended);
}

static void on_later(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	make(w->data);
}

void spare_init(struct spare *sp)
{
	sp->pid = 0;
	sp->to = -1;
	ev_init(&sp->ended, on_ended);
	ev_init(&sp->later, on_later);
	sp->ended.data = sp->later.data = sp;
}

void spare_make_later(struct spare *sp)
{
	ev_timer_stop(sp->loop, &sp->later);
	ev_timer_set(&sp->later, QUIET_SECONDS, 0);
	ev_timer_start(sp->loop, &sp->later);
}

bool spare_take(struct spare *sp, domid_t domid, uint32_t devid, pid_t *pid,
		int *pidfd)
{
	const struct order order = {.domid = domid, .devid = devid};

	if (!sp->pid || write(sp->to, &order, sizeof(order)) != sizeof(order))
		return false;
	*pid = sp->pid;
	*pidfd = sp->pidfd;
	lose(sp);
	return true;
}

void spare_end(struct spare *sp)
{
	pid_t pid = sp->pid;

	ev_timer_stop(sp->loop, &sp->later);
	if (!pid)
		return;
	close(sp->pidfd);
	lose(sp);
	kill(pid, SIGKILL); /* it may be waiting for the store */
	waitpid(pid, NULL, 0);
}

void spare_forget(struct spare *sp)
{
	if (!sp->pid)
		return;
	close(sp->to);
	close(sp->pidfd);
	sp->to = -1;
	sp->pid = 0;
}
