/* SPDX-License-Identifier: MIT */
/*
 * How long to look for more work before sleeping.
 *
 * The time without work says what would have been right: shorter than the most
 * that one may wait, and a longer window would have caught it; longer, and the
 * window was wasted and shrinks, soon to nothing.  So a busy device has a process
 * that does not sleep, and an idle one costs nothing.
 *
 * Where the other end has to share our CPU it can do nothing while we look.  Then
 * no window ever catches anything, whatever the times say: after some in a row
 * there are none for a good while.
 */
#include <time.h>

#include "pv-backends/common/linger.h"

enum {
	LOOKS = 16, /* for one look at the clock */
	MISSES = 8, /* in a row, and it is left alone */
	MUTED = 1000, /* sleeps */
};

uint64_t linger_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void linger_begin(struct linger *l)
{
	l->looks = 0;
	l->turn = l->began = l->window ? linger_now() : 0;
}

void linger_caught(struct linger *l)
{
	l->looks = 0;
	l->missed = 0;
	l->began = linger_now();
}

bool linger_goes_on(struct linger *l)
{
	if (!l->window)
		return false;
	__builtin_ia32_pause();
	return l->began - l->turn < LINGER_TURN &&
	       (++l->looks % LOOKS || linger_now() - l->began < l->window);
}

void linger_sleeps(struct linger *l)
{
	l->slept = l->began ? l->began : linger_now();
	if (!l->window || ++l->missed < MISSES)
		return;
	l->missed = 0;
	l->window = 0;
	l->muted = MUTED;
}

void linger_woken(struct linger *l)
{
	if (!l->slept)
		return;
	if (l->muted)
		l->muted--;
	else
		l->window = linger_adapt(l->window, linger_now() - l->slept);
	l->slept = 0;
}

uint64_t linger_adapt(uint64_t window, uint64_t idle)
{
	if (idle > LINGER_MOST)
		return window <= LINGER_FIRST ? 0 : window / 2;
	if (idle <= window)
		return window;
	if (!window)
		return LINGER_FIRST;
	return 2 * window < LINGER_MOST ? 2 * window : LINGER_MOST;
}
