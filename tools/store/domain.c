/* SPDX-License-Identifier: MIT */
/*
 * The table of domains, their accounts and their quotas.
 *
 * PURE  A domain gets an entry when it first owns a node, is introduced, or is
 * given a quota of its own; the entry goes when nothing hangs on it.  Counters
 * are kept for every domain, also for the control domain, but only guests are
 * held to the limits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/domain.h"

#define DOMAIN_SLOTS    65536
#define COMPLAINTS_EACH 5 /* lines ...             */
#define COMPLAINT_EVERY 10.0 /* ... in so many seconds */

static const struct {
	const char *name, *unit;
	uint32_t dflt;
} quota_info[QUOTA_COUNT] = {
#define X(sym, name, dflt, unit) [QUOTA_##sym] = {name, unit, dflt},
	QUOTA_LIST(X)
#undef X
};

void domains_init(struct domains *ds)
{
	int q;

	ds->by_id = mem_zalloc(DOMAIN_SLOTS * sizeof(*ds->by_id));
	ds->highest = 0;
	for (q = 0; q < QUOTA_COUNT; q++)
		ds->limit[q] = quota_info[q].dflt;
}

void domains_free(struct domains *ds)
{
	unsigned i;

	for (i = 0; i <= ds->highest; i++)
		free(ds->by_id[i]);
	free(ds->by_id);
	ds->by_id = NULL;
}

struct domain *domain_find(const struct domains *ds, unsigned domid)
{
	return domid < DOMAIN_SLOTS ? ds->by_id[domid] : NULL;
}

struct domain *domain_get(struct domains *ds, unsigned domid)
{
	struct domain *d = ds->by_id[domid];
	int q;

	if (d)
		return d;
	d = mem_zalloc(sizeof(*d));
	d->domid = (uint16_t)domid;
	d->target = (uint16_t)domid;
	d->features = XS_FEATURE_ALL;
	list_init(&d->owned);
	for (q = 0; q < QUOTA_COUNT; q++)
		d->limit[q] = QUOTA_UNSET;
	ds->by_id[domid] = d;
	if (domid > ds->highest)
		ds->highest = domid;
	return d;
}

struct domain *domain_next(const struct domains *ds, int domid)
{
	unsigned i;

	for (i = (unsigned)(domid + 1); i <= ds->highest; i++)
		if (ds->by_id[i])
			return ds->by_id[i];
	return NULL;
}

void domain_settle(struct domains *ds, struct domain *d)
{
	int q;

	if (d->introduced || d->conn || !list_empty(&d->owned))
		return;
	if (d->features != XS_FEATURE_ALL || d->use[QUOTA_TRANSACTIONS])
		return;
	for (q = 0; q < QUOTA_COUNT; q++)
		if (d->limit[q] != QUOTA_UNSET)
			return;
	ds->by_id[d->domid] = NULL;
	free(d);
}

int quota_by_name(const char *name)
{
	int q;

	for (q = 0; q < QUOTA_COUNT; q++)
		if (!strcmp(name, quota_info[q].name))
			return q;
	return -1;
}

const char *quota_name(enum quota_id q)
{
	return quota_info[q].name;
}

const char *quota_unit(enum quota_id q)
{
	return quota_info[q].unit;
}

uint32_t quota_limit(const struct domains *ds, const struct domain *d,
		     enum quota_id q)
{
	if (d->limit[q] != QUOTA_UNSET)
		return d->limit[q];
	return ds->limit[q];
}

static void quota_complain(struct domains *ds, struct domain *d,
			   const char *text)
{
	struct quota_log *c = &d->complaint;
	double now = ds->clock ? ds->clock() : 0;
	char line[QUOTA_WHY + 64];

	if (!ds->log)
		return;
	if (now - c->window >= COMPLAINT_EVERY) {
		if (c->suppressed) {
			snprintf(line, sizeof(line),
				 "quota: d%u had %u more refusals", d->domid,
				 c->suppressed);
			ds->log(line);
		}
		c->window = now;
		c->said = c->suppressed = 0;
	}
	if (c->said >= COMPLAINTS_EACH) {
		c->suppressed++;
		return;
	}
	c->said++;
	ds->log(text);
}

bool quota_check(struct domains *ds, struct domain *d, enum quota_id q,
		 uint64_t value, char *why)
{
	uint32_t limit = quota_limit(ds, d, q);
	char text[QUOTA_WHY];

	if (value <= limit || !limit || !d->domid)
		return true;
	snprintf(text, sizeof(text),
		 "quota: d%u refused, quota=%s value=%llu limit=%u (%s)",
		 d->domid, quota_info[q].name, (unsigned long long)value, limit,
		 quota_info[q].unit);
	if (why)
		memcpy(why, text, sizeof(text));
	quota_complain(ds, d, text);
	return false;
}

void quota_add(struct domain *d, enum quota_id q, int64_t delta)
{
	d->use[q] = (uint32_t)((int64_t)d->use[q] + delta);
	if (d->use[q] > d->peak[q])
		d->peak[q] = d->use[q];
}
