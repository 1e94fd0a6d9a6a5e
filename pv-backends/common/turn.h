/* SPDX-License-Identifier: MIT */
/* The turns of a process that serves a device's own rings. */
#ifndef PV_BACKENDS_COMMON_TURN_H
#define PV_BACKENDS_COMMON_TURN_H

#include "pv-backends/common/linger.h"
#include "pv-backends/common/xenbus.h"

/* How work ended. */
enum turn_end {
	TURN_DONE, /* all that there was                            */
	TURN_MORE, /* others shall have a turn before the rest      */
	TURN_HELD, /* a limit forbids to go on                      */
	TURN_BROKEN, /* the frontend lied: xb->error                */
};

struct turn_ops {
	enum turn_end (*work)(void *priv);
	/* Is there something to do, after so many looks?  Looks at memory, and
	 * seldom at anything else. */
	bool (*is_busy)(void *priv, unsigned int looks);
	/* Ask for events; false: there is no need to. */
	bool (*must_sleep)(void *priv);
};

struct turn {
	const struct turn_ops *ops;
	void *priv; /* the functions' */
	struct xb *xb;
	struct ev_prepare end; /* of a turn of the loop            */
	struct ev_idle more; /* do not sleep: there is more to do  */
	struct ev_check woken;
	struct linger linger;
};

/* All zero; the other members are set from here to turn_stop(). */
void turn_start(struct turn *t, struct xb *xb, const struct turn_ops *ops,
		void *priv);
void turn_stop(struct turn *t);

#endif
