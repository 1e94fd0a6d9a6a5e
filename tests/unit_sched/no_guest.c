/* SPDX-License-Identifier: MIT */
/* For tests without guest memory: nothing is mapped, nothing is held. */
#include "hv/mm/mm.h"

char *host_ram;

uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot)
{
	(void)root;
	(void)gva;
	(void)table;
	(void)slot;
	return 0;
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
	(void)m;
	(void)d;
	(void)type;
	return -1;
}

void frame_put_typed(mfn_t m)
{
	(void)m;
}
