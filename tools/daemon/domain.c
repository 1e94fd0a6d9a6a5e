/* SPDX-License-Identifier: MIT */
/* The list of domains. */
#include <stdlib.h>
#include <string.h>

#include <pv/sched.h>

#include "tools/daemon/device.h"
#include "tools/daemon/domain.h"
#include "tools/daemon/job.h"
#include "tools/daemon/nbd.h"

struct domain *domain_by_name(struct daemon *dm, const char *name)
{
	struct domain *d;

	TAILQ_FOREACH(d, &dm->domains, link)
	if (!strcmp(d->name, name))
		return d;
	return NULL;
}

struct domain *domain_by_uuid(struct daemon *dm, const uint8_t uuid[16])
{
	struct domain *d;

	TAILQ_FOREACH(d, &dm->domains, link)
	if (!memcmp(d->uuid, uuid, sizeof(d->uuid)))
		return d;
	return NULL;
}

struct domain *domain_by_domid(struct daemon *dm, int domid)
{
	struct domain *d;

	TAILQ_FOREACH(d, &dm->domains, link)
	if (d->domid == domid)
		return d;
	return NULL;
}

struct domain *domain_find(struct daemon *dm, const char *key, struct fail *why)
{
	struct domain *d = domain_by_name(dm, key);
	uint8_t uuid[16];

	if (!d && config_uuid_parse(key, uuid))
		d = domain_by_uuid(dm, uuid);
	if (!d && *key && strspn(key, "0123456789") == strlen(key) &&
	    strlen(key) < 6)
		d = domain_by_domid(dm, atoi(key));
	if (!d)
		fail_set(why, FAIL_NOT_FOUND, "no such domain");
	return d;
}

struct domain *domain_for(struct daemon *dm, const struct dom_config *c,
			  struct fail *why)
{
	struct domain *d = domain_by_uuid(dm, c->uuid);
	struct domain *other = domain_by_name(dm, c->name);
	char uuid[CONFIG_UUID_TEXT];

	if (other && other != d) {
		config_uuid_text(other->uuid, uuid);
		fail_set(why, FAIL_EXISTS, "the name is in use, by UUID %s",
			 uuid);
		return NULL;
	}
	if (d && d != other) {
		fail_set(why, FAIL_EXISTS, "the UUID is in use, by %s",
			 d->name);
		return NULL;
	}
	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d) {
		fail_set(why, FAIL_LIMIT, "no memory");
		return NULL;
	}
	d->dm = dm;
	d->domid = -1;
	strcpy(d->name, c->name);
	memcpy(d->uuid, c->uuid, sizeof(d->uuid));
	TAILQ_INIT(&d->devices);
	TAILQ_INSERT_TAIL(&dm->domains, d, link);
	return d;
}

void domain_free(struct domain *d)
{
	devices_free(d);
	TAILQ_REMOVE(&d->dm->domains, d, link);
	config_put(d->config);
	config_put(d->live);
	free(d);
}

void domain_forget(struct domain *d)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		if (dev->nbd)
			nbd_forget(dev->nbd);
		dev->nbd = NULL;
	}
	if (d->job)
		job_forget(d->job);
	domain_free(d);
}

void domain_settle(struct domain *d)
{
	if (d->state == DOM_OFF && !d->config && !d->job && !d->kept)
		domain_free(d);
}

const char *domain_state_name(const struct domain *d)
{
	switch (d->state) {
	case DOM_STARTING:
		return "starting";
	case DOM_RUNNING:
		return d->paused ? "paused" : "running";
	case DOM_STOPPING:
		return "stopping";
	case DOM_ENDED:
		return d->end_reason == SHUTDOWN_crash ? "crashed" : "ended";
	default:
		return "shut off";
	}
}

int domain_check_idle(const struct domain *d, struct fail *why)
{
	if (!d->job)
		return 0;
	return fail_set(why, FAIL_STATE, "another operation is under way");
}

int domain_check_running(const struct domain *d, struct fail *why)
{
	if (d->state == DOM_RUNNING)
		return domain_check_idle(d, why);
	return fail_set(why, FAIL_STATE, "the domain is %s",
			domain_state_name(d));
}
