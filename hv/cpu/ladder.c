/* SPDX-License-Identifier: MIT */
/*
 * Debug builds (HV_DEFS=-DHV_DEBUG): each CPU counts the locks it holds on each
 * rung of the ladder, two bits a rung, and stops when it would take one below
 * a rung it stands on.
 */
#include "hv/cpu/cpu.h"
#include "hv/lib/bug.h"

bool lock_ladder_on; /* this_cpu is valid on every CPU that takes locks */

#ifdef HV_DEBUG
#define RUNG_SHIFT(rung) (2 * (rung))

void lock_ladder_climb(unsigned int rung)
{
	if (!lock_ladder_on)
		return;
	if (rung != RUNG_CONSOLE)
		BUG_ON(this_cpu->rungs >> RUNG_SHIFT(rung + 1));
	this_cpu->rungs += 1u << RUNG_SHIFT(rung);
}

void lock_ladder_descend(unsigned int rung)
{
	if (lock_ladder_on)
		this_cpu->rungs -= 1u << RUNG_SHIFT(rung);
}
#endif
