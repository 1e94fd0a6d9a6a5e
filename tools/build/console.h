/* SPDX-License-Identifier: MIT */
/* A guest's console on two descriptors, until the guest ends. */
#ifndef TOOLS_BUILD_CONSOLE_H
#define TOOLS_BUILD_CONSOLE_H

#include "tools/build/build.h"

struct console {
	struct pv *pv;
	struct pv_evtchn *events;
	struct pv_gnt *gnt;
	struct pv_xencons_interface *ring; /* HOSTILE */
	domid_t domid;
	uint32_t port, ended_port; /* ended_port 0: ask from time to time */
	int in, out; /* descriptors; in -1: at its end                    */
};

/* Map the ring and bind its port: before the guest is unpaused. */
int console_open(struct console *c, struct pv *pv, const struct guest *guest,
		 int in, int out, struct build_error *why);
void console_close(struct console *c);

/*
 * Carry bytes both ways until the domain has ended and its last words were
 * written, or `seconds` have passed (0: any time).  Returns 0 with *info as
 * the domain was last, -ETIMEDOUT, or another negative errno number.
 */
int console_run(struct console *c, unsigned int seconds,
		struct pv_domain_info *info, struct build_error *why);

#endif
