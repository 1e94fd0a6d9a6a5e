/* SPDX-License-Identifier: MIT */
/*
 * A process made ahead for the next device: forked, with its loop, its
 * connections and what the driver prepares, it waits for a number.  One that is
 * not there is no error: the next process is forked when it is needed.
 */
#ifndef PV_BACKENDS_COMMON_SPARE_H
#define PV_BACKENDS_COMMON_SPARE_H

#include "pv-backends/common/worker.h"

struct spare {
	const struct xb_driver *drv;
	const struct worker_options *opt;
	struct ev_loop *loop;
	pid_t pid; /* 0: there is none */
	int pidfd, to; /* its end of a pipe, or -1 */
	struct ev_io ended;
	struct ev_timer later;
	/* In the child: let go of what is the parent's. */
	void (*forget)(struct spare *sp);
};

/* Set drv, opt, loop and forget before. */
void spare_init(struct spare *sp);
/* Make one when no device has come for a while. */
void spare_make_later(struct spare *sp);
/* It is that device's process now, and the caller's.  False: there is none. */
bool spare_take(struct spare *sp, domid_t domid, uint32_t devid, pid_t *pid,
		int *pidfd);
/* End it; and make none. */
void spare_end(struct spare *sp);
/* In a child of another kind: the pipe must have one writer. */
void spare_forget(struct spare *sp);

#endif
