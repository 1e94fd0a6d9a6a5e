/* SPDX-License-Identifier: MIT */
/* Token buckets: so many bytes or requests a second, with a burst. */
#ifndef PV_BACKENDS_COMMON_LIMIT_H
#define PV_BACKENDS_COMMON_LIMIT_H

#include <stdint.h>

struct limit {
	double rate; /* units a second; 0: no limit    */
	double burst; /* units that may come at once    */
	double level; /* units left; below 0: in debt   */
	double since; /* seconds, of the caller's clock */
};

/* burst 0: a tenth of a second's worth. */
void limit_set(struct limit *l, double rate, double burst, double now);
/*
 * Seconds until the next unit may pass; 0: it may.  A unit larger than the
 * burst passes when the bucket is full, and puts it in debt.
 */
double limit_wait(struct limit *l, double now);
void limit_take(struct limit *l, double units);

#endif
