/* SPDX-License-Identifier: MIT */
/*
 * Several numbers of one folder of the store, with one round trip: a guest
 * waits for the opening of its devices, and each trip takes a millisecond where
 * the store shares the one CPU.
 */
#include "pv-backends/common/numbers.h"

int numbers_read(struct xb *xb, const char *dir, struct number *numbers,
		 unsigned int nr)
{
	struct store_value v[NUMBERS_MOST];

	for (unsigned int i = 0; i < nr; i++)
		store_get(&xb->store, dir, numbers[i].key, &v[i]);
	if (store_flush(&xb->store))
		return xb_error(xb, "the store does not answer");
	for (unsigned int i = 0; i < nr; i++) {
		numbers[i].value = numbers[i].fallback;
		if (!v[i].there ||
		    store_number(&v[i], numbers[i].max, &numbers[i].value))
			continue;
		return xb_error(xb, "%s: \"%.40s\" is not a number up to %llu",
				numbers[i].key, v[i].text,
				(unsigned long long)numbers[i].max);
	}
	return 0;
}
