/* SPDX-License-Identifier: MIT */
/*
 * The data area of a queue: who has which pages.
 *
 * A request's data is one run of pages.  Runs come and go in about the order in
 * which they were taken, so the search goes on where the last one ended, and
 * finds room at once as long as there is much.
 *
 * PURE
 */
#include "pv-frontends/core/pvblk.h"

void pvblk_pages_init(struct pvblk_pages *p, unsigned int nr)
{
	*p = (struct pvblk_pages){.nr = nr, .free = nr};
}

static bool is_used(const struct pvblk_pages *p, unsigned int page)
{
	return p->used[page / 64] >> page % 64 & 1;
}

/* A run within [from, to), or -1. */
static int find_run(const struct pvblk_pages *p, unsigned int from,
		    unsigned int to, unsigned int nr)
{
	unsigned int i, run = 0;

	for (i = from; i < to; i++) {
		if (!run && i % 64 == 0 && p->used[i / 64] == ~PV_U64(0)) {
			i += 63;
			continue;
		}
		run = is_used(p, i) ? 0 : run + 1;
		if (run == nr)
			return (int)(i + 1 - nr);
	}
	return -1;
}

int pvblk_pages_get(struct pvblk_pages *p, unsigned int nr)
{
	unsigned int i;
	int first;

	if (!nr || nr > p->free)
		return -1;
	first = find_run(p, p->next, p->nr, nr);
	if (first < 0)
		first = find_run(p, 0, p->nr, nr);
	if (first < 0)
		return -1;
	for (i = (unsigned int)first; i < (unsigned int)first + nr; i++)
		p->used[i / 64] |= PV_U64(1) << i % 64;
	p->free -= nr;
	p->next = i < p->nr ? i : 0;
	return first;
}

void pvblk_pages_put(struct pvblk_pages *p, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		p->used[i / 64] &= ~(PV_U64(1) << i % 64);
	p->free += nr;
}
