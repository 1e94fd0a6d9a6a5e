/* SPDX-License-Identifier: MIT */
/*
 * The life of domains: what the methods of the interface do.
 *
 * Functions that take a waiter start a job, and answer through it; they return
 * -1 with *why, and do not touch the waiter, if there is no job to wait for.
 */
#ifndef TOOLS_DAEMON_LIFE_H
#define TOOLS_DAEMON_LIFE_H

#include "tools/daemon/job.h"

/* The reference to c is taken over in any case. */
int life_define(struct daemon *dm, struct dom_config *c, struct domain **d,
		struct fail *why);
int life_undefine(struct domain *d, struct fail *why);
int life_set_autostart(struct domain *d, bool on, struct fail *why);

/* A domain without a definition, or a new life of one that has.  The reference
 * to c is taken over in any case. */
int life_create(struct daemon *dm, struct dom_config *c, bool paused,
		struct job_waiter *w, struct fail *why);
int life_start(struct domain *d, bool paused, struct job_waiter *w,
	       struct fail *why);
int life_destroy(struct domain *d, struct job_waiter *w, struct fail *why);
/* A domain whose definition or record is as it was when the daemon ended. */
void life_destroy_leftover(struct domain *d);

/* "poweroff" or "reboot" */
int life_shutdown(struct domain *d, const char *how, struct fail *why);
int life_pause(struct domain *d, struct fail *why);
int life_resume(struct domain *d, struct fail *why);
int life_set_memory(struct domain *d, uint64_t kib, struct fail *why);
int life_set_vcpus(struct domain *d, unsigned int count, struct fail *why);
/* 0: leave as it is; cap -1 too. */
int life_set_sched(struct domain *d, unsigned int weight, int cap,
		   struct fail *why);

/* One disk or interface of `add`, whose reference is taken over. */
int life_attach(struct domain *d, struct dom_config *add, bool persistent,
		struct job_waiter *w, struct fail *why);
int life_detach(struct domain *d, const char *target, bool force,
		bool persistent, struct job_waiter *w, struct fail *why);

/* No job is under way (any more): take away devices that were to go and have
 * closed, and see whether the domain still runs.  d may be gone then. */
void life_settle(struct domain *d);
/* Take away devices that closed after nobody waited any more; hotplug.c. */
void life_remove_closed(struct domain *d);
/* The domain ends: what is to go is not in its next life. */
void life_drop_leaving(struct domain *d);

/* It stopped running: what its configuration wants then. */
void life_ended(struct domain *d, unsigned int reason);

/* The domain's own nodes; life_nodes.c. */
void life_put_domain(struct batch *b, const struct domain *d);
void life_put_rings(struct batch *b, const struct domain *d,
		    const struct hv_guest *guest);
void life_put_gone(struct batch *b, const struct domain *d);

#endif
