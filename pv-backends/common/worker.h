/* SPDX-License-Identifier: MIT */
/*
 * A backend program: one process for each device, and one that starts them.
 *
 *	parapet-blkback			watches backend/vbd and forks
 *	parapet-blkback --device 3/51712	serves that device
 *
 * Processes of devices outlive the one that started them; its successor finds
 * them by the locks that they hold.
 */
#ifndef PV_BACKENDS_COMMON_WORKER_H
#define PV_BACKENDS_COMMON_WORKER_H

#include "pv-backends/common/xenbus.h"
#include "tools/harden/harden.h"

enum worker_status {
	WORKER_ENDED = 0, /* the device is gone, or closed for good       */
	WORKER_FAILED = 1, /* it could not be opened: hotplug-error says  */
	WORKER_USAGE = 2,
	WORKER_AGAIN = 75, /* start it again                              */
};

struct worker_options {
	const char *user; /* to become; NULL: stay */
	const char *run; /* folder of journals and locks */
	const char *bus; /* kind */
	bool sandbox;
};

/* What a process needs for whatever device; NULL: no memory. */
struct xb *worker_prepare(const struct xb_driver *drv,
			  const struct worker_options *opt);
/* Serve a device until it ends; returns an enum worker_status. */
int worker_serve(struct xb *xb, const struct worker_options *opt, domid_t domid,
		 uint32_t devid);
/* Both. */
int worker_run(const struct xb_driver *drv, const struct worker_options *opt,
	       domid_t domid, uint32_t devid);

/* Become another program of this one's folder that serves the same device;
 * returns only if that fails, with errno. */
void worker_exec(const char *program);

/* Watch the folder of the driver's type; returns the exit status. */
int supervisor_run(const struct xb_driver *drv,
		   const struct worker_options *opt);

/* RUN/TYPE-D-ID.ending, in a static buffer. */
const char *worker_path(const struct xb_driver *drv,
			const struct worker_options *opt, domid_t domid,
			uint32_t devid, const char *ending);

/* The whole program. */
int backend_main(const struct xb_driver *drv, int argc, char **argv);

/* Refuse system calls that a backend does not make.  network: it may open Unix
 * and IP sockets.  0, or -1 and a line in why. */
int harden_sandbox(bool network, char *why, size_t len);

#endif
