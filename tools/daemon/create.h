/* SPDX-License-Identifier: MIT */
/* Within life_*.c: begin a life of a domain that is off. */
#ifndef TOOLS_DAEMON_CREATE_H
#define TOOLS_DAEMON_CREATE_H

#include <stddef.h>

#include "tools/daemon/job.h"

#define container_of_work(p, type, member)                                     \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

/* The reference to `live` is taken over in any case; w may be NULL. */
int create_start(struct domain *d, struct dom_config *live, bool paused,
		 const char *verb, struct job_waiter *w, struct fail *why);

#endif
