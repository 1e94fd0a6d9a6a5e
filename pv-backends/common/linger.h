/* SPDX-License-Identifier: MIT */
/* How long to look for more work before sleeping. */
#ifndef PV_BACKENDS_COMMON_LINGER_H
#define PV_BACKENDS_COMMON_LINGER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LINGER_FIRST = 20000, /* ns */
	LINGER_MOST = 200000,
	LINGER_TURN = 4000000, /* then other sources of events are looked at */
};

struct linger {
	uint64_t window; /* ns; 0: sleep at once */
	uint64_t turn, began, slept;
	unsigned int looks;
	unsigned int missed; /* windows in a row that caught nothing */
	unsigned int muted; /* sleeps until it is tried again       */
};

uint64_t linger_now(void);
/* A turn of the loop has done its work; there was more to do meanwhile. */
void linger_begin(struct linger *l);
void linger_caught(struct linger *l);
/* Look once more? */
bool linger_goes_on(struct linger *l);
/* Now it sleeps, for want of work; it is awake, whether it slept or not. */
void linger_sleeps(struct linger *l);
void linger_woken(struct linger *l);
/* PURE: the window after one of that many nanoseconds was spent without work. */
uint64_t linger_adapt(uint64_t window, uint64_t idle);

#endif
