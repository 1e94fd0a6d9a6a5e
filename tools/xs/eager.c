/* SPDX-License-Identifier: MIT */
/*
 * Is it worth to look again before sleeping?  eager.h has the theory.
 *
 * PURE
 */
#include "tools/xs/eager.h"

static void eager_bar(struct eager *e, uint64_t now)
{
	e->credit = 0;
	e->barred = now + (EAGER_BAR_NS << e->bars);
	if (e->bars < EAGER_BARS)
		e->bars++;
}

static void eager_lose(struct eager *e, uint64_t now)
{
	e->looking = false;
	if (now - e->since >= EAGER_AWAY_NS)
		eager_bar(e, now);
	else
		e->credit -= EAGER_LOSS;
}

static void eager_earn(struct eager *e, uint64_t now)
{
	if (now < e->barred)
		return;
	if (e->credit == EAGER_CREDIT)
		e->bars = 0;
	else if (++e->credit == EAGER_LOSS && !eager_has_cpus())
		eager_bar(e, now); /* with one CPU nothing would arrive */
}

bool eager_wait(struct eager *e, uint64_t now)
{
	if (!e->since) {
		e->since = now;
		e->looking = e->credit >= EAGER_LOSS;
		e->looks += e->looking;
	} else if (e->looking && now - e->since >= EAGER_LOOK_NS) {
		eager_lose(e, now);
	}
	return e->looking;
}

void eager_came(struct eager *e, uint64_t now)
{
	if (!e->since)
		return;
	e->hits += e->looking;
	if (e->looking && now - e->since >= EAGER_AWAY_NS)
		eager_bar(e, now);
	else if (now - e->since <= EAGER_SOON_NS)
		eager_earn(e, now);
	e->looking = false;
	e->since = 0;
}
