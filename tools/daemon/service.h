/* SPDX-License-Identifier: MIT */
/*
 * The store daemon and the backends: started, and started again when they end.
 *
 * They go on when the daemon ends; its successor finds them by files in
 * RUN/services.
 */
#ifndef TOOLS_DAEMON_SERVICE_H
#define TOOLS_DAEMON_SERVICE_H

#include <stdbool.h>

#include "tools/daemon/daemon.h"

struct service_info {
	const char *name;
	int pid; /* 0: does not run */
	unsigned int restarts;
};

/* Finds what runs; starts nothing yet. */
struct services *services_open(struct daemon *dm);
/* They go on. */
void services_close(struct services *s);
/* NULL: all.  False: there is none of that name. */
bool services_start(struct services *s, const char *name);
void services_stop(struct services *s);
/* False: there are not so many. */
bool services_info(const struct services *s, unsigned int i,
		   struct service_info *info);

#endif
