/* SPDX-License-Identifier: MIT */
/*
 * Looking again for a moment before going to sleep.
 *
 * Where client and server have a CPU each, every sleep costs the wake-up of an
 * idle CPU, in a virtual machine several times what a request takes.  So both
 * sides look a few times more before they sleep, and leave the CPU to others
 * (sched_yield) between looks.
 *
 * Whether to look is learnt: each arrival soon after the wait began earns one
 * credit, each look in vain costs EAGER_LOSS, and nobody looks with less than
 * that.  So at most one look in EAGER_LOSS + 1 is in vain while there is
 * traffic, and none is made without.  If the CPU was away for long between two
 * looks, others want it: then a sleeper, who is woken up at once, is better
 * off, and there is no looking for a while.
 */
#ifndef TOOLS_XS_EAGER_H
#define TOOLS_XS_EAGER_H

#include <stdbool.h>
#include <stdint.h>

#define EAGER_LOOK_NS 60000 /* longest look                            */
#define EAGER_SOON_NS 100000 /* an arrival that a look may have caught */
#define EAGER_AWAY_NS 500000 /* a look that took that long: no CPU    */
#define EAGER_BAR_NS  10000000ull /* no looks after that, and doubled ... */
#define EAGER_BARS    7 /* ... as often, if it goes on            */
#define EAGER_LOSS    4
#define EAGER_CREDIT  16

struct eager {
	uint64_t since; /* ns: the wait began, 0: no wait           */
	uint64_t barred; /* ns: no credit is earned until then       */
	unsigned credit, bars;
	bool looking;
	uint64_t looks, hits; /* statistics */
};

/* eager_host.c */
uint64_t eager_clock(void); /* ns, monotonic */
bool eager_has_cpus(void); /* may another thread run beside this one? */

/* eager.c.  Nothing is there: look again (true), or sleep?  Called for each look. */
bool eager_wait(struct eager *e, uint64_t now);
/* Something came. */
void eager_came(struct eager *e, uint64_t now);

#endif
