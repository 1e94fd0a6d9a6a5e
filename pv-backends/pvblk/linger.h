/* SPDX-License-Identifier: MIT */
/* How long to look for more work before sleeping. */
#ifndef PV_BACKENDS_PVBLK_LINGER_H
#define PV_BACKENDS_PVBLK_LINGER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LINGER_FIRST = 20000, /* ns */
	LINGER_MOST = 200000,
};

struct linger {
	uint64_t window; /* ns; 0: sleep at once */
	uint64_t began, slept;
	unsigned int looks;
};

uint64_t linger_now(void);
void linger_begin(struct linger *l);
/* Look once more? */
bool linger_goes_on(struct linger *l);
void linger_sleeps(struct linger *l);
void linger_woken(struct linger *l);
/* PURE: the window after one of that many nanoseconds was spent without work. */
uint64_t linger_adapt(uint64_t window, uint64_t idle);

#endif
