/* SPDX-License-Identifier: MIT */
/* Several numbers of one folder of the store, with one round trip. */
#ifndef PV_BACKENDS_COMMON_NUMBERS_H
#define PV_BACKENDS_COMMON_NUMBERS_H

#include "pv-backends/common/xenbus.h"

enum {
	NUMBERS_MOST = 12,
};

struct number {
	const char *key;
	uint64_t max, fallback;
	uint64_t value; /* OUT: the fallback, if the key is not there */
};

/* At most NUMBERS_MOST; -1 after xb_error(). */
int numbers_read(struct xb *xb, const char *dir, struct number *numbers,
		 unsigned int nr);

#endif
