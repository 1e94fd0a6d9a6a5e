/* SPDX-License-Identifier: MIT */
/*
 * Token buckets.  Whoever finds a level above zero may pass, however large it
 * is, and leaves the bucket in debt: so no unit is too large to ever pass, and
 * the mean rate holds all the same.
 *
 * PURE
 */
#include "pv-backends/common/limit.h"

void limit_set(struct limit *l, double rate, double burst, double now)
{
	l->rate = rate;
	l->burst = burst > 0 ? burst : rate / 10;
	l->level = l->burst;
	l->since = now;
}

double limit_wait(struct limit *l, double now)
{
	if (l->rate <= 0)
		return 0;
	if (now > l->since) {
		l->level += (now - l->since) * l->rate;
		l->since = now;
		if (l->level > l->burst)
			l->level = l->burst;
	}
	return l->level > 0 ? 0 : (1e-6 - l->level) / l->rate + 1e-4;
}

void limit_take(struct limit *l, double units)
{
	if (l->rate > 0)
		l->level -= units;
}
