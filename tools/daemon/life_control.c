/* SPDX-License-Identifier: MIT */
/* What can be done to domains in one turn: definitions, requests, limits. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/record.h"
#include "tools/daemon/xml/xml.h"

#define KIB_PER_FRAME 4

static int hv_fail(struct domain *d, int rc, const char *what, struct fail *why)
{
	return fail_set(why, fail_of_errno(-rc), "%s: %s", what,
			d->dm->hv->ops->error(d->dm->hv));
}

/* ---- definitions --------------------------------------------------------------- */

int life_define(struct daemon *dm, struct dom_config *c, struct domain **out,
		struct fail *why)
{
	struct domain *d = domain_for(dm, c, why);
	struct dom_config *old;

	if (!d || domain_check_idle(d, why)) {
		config_put(c);
		return -1;
	}
	old = d->config;
	d->config = c;
	if (record_define(d, why)) {
		d->config = old;
		config_put(c);
		domain_settle(d);
		return -1;
	}
	config_put(old);
	event_send(dm, "defined", d, NULL);
	*out = d;
	return 0;
}

int life_undefine(struct domain *d, struct fail *why)
{
	if (!d->config)
		return fail_set(why, FAIL_STATE, "it has no definition");
	if (domain_check_idle(d, why))
		return -1;
	if (record_undefine(d, why))
		return -1;
	config_put(d->config);
	d->config = NULL;
	d->autostart = false;
	event_send(d->dm, "undefined", d, NULL);
	domain_settle(d);
	return 0;
}

int life_set_autostart(struct domain *d, bool on, struct fail *why)
{
	if (!d->config)
		return fail_set(why, FAIL_STATE,
				"it has no definition: only defined domains "
				"start with the machine");
	if (record_autostart(d, on, why))
		return -1;
	d->autostart = on;
	return 0;
}

/* ---- requests ------------------------------------------------------------------ */

/* A stock kernel says which requests it will obey once it can. */
int life_shutdown(struct domain *d, const char *how, struct fail *why)
{
	struct batch *b;
	char *can;

	if (domain_check_running(d, why))
		return -1;
	if (d->paused)
		return fail_set(why, FAIL_STATE, "the domain is paused");
	can = store_read(d->dm->store, "/local/domain/%d/control/feature-%s",
			 d->domid, how);
	if (!can || strcmp(can, "1")) {
		free(can);
		return fail_set(why, FAIL_STATE,
				"the guest does not listen for it (yet): wait, "
				"or destroy");
	}
	free(can);
	b = batch_new((unsigned int)d->domid);
	batch_base(b, "/local/domain/%d", d->domid);
	batch_put(b, "control/shutdown", "%s", how);
	return batch_commit(d->dm->store, b, why);
}

int life_pause(struct domain *d, struct fail *why)
{
	struct hv *hv = d->dm->hv;
	int rc;

	if (domain_check_running(d, why))
		return -1;
	if (d->paused)
		return fail_set(why, FAIL_STATE,
				"the domain is paused already");
	rc = hv->ops->pause(hv, (domid_t)d->domid);
	if (rc)
		return hv_fail(d, rc, "hypervisor", why);
	d->paused = true;
	event_send(d->dm, "paused", d, NULL);
	return 0;
}

int life_resume(struct domain *d, struct fail *why)
{
	struct hv *hv = d->dm->hv;
	int rc;

	if (domain_check_running(d, why))
		return -1;
	if (!d->paused)
		return fail_set(why, FAIL_STATE, "the domain is not paused");
	rc = hv->ops->unpause(hv, (domid_t)d->domid);
	if (rc)
		return hv_fail(d, rc, "hypervisor", why);
	d->paused = false;
	event_send(d->dm, "resumed", d, NULL);
	return 0;
}

/* ---- memory -------------------------------------------------------------------- */

static int check_memory(const struct domain *d, uint64_t kib, struct fail *why)
{
	const struct dom_config *c = d->live;
	uint64_t most = c->memory_kib;
	uint64_t least = c->min_guarantee_kib ? c->min_guarantee_kib : 1024;

	if (kib > most)
		return fail_set(why, FAIL_LIMIT,
				"%" PRIu64
				" KiB: more than its <memory>, %" PRIu64 " KiB",
				kib, most);
	if (kib < least)
		return fail_set(why, FAIL_LIMIT,
				"%" PRIu64 " KiB: less than %" PRIu64 " KiB%s",
				kib, least,
				c->min_guarantee_kib ? ", its <min_guarantee>"
						     : "");
	return 0;
}

/*
 * Memory that the guest is to grow by is kept for it, so that no domain which
 * is created meanwhile gets it.  A guest that is to shrink may not grow again.
 */
static int move_limits(struct domain *d, uint64_t frames, struct fail *why)
{
	struct hv *hv = d->dm->hv;
	struct pv_domain_info info;
	int rc = hv->ops->get(hv, (domid_t)d->domid, &info);
	bool grows = !rc && frames > info.max_pages;

	if (grows)
		rc = hv->ops->set_max_memory(hv, (domid_t)d->domid, frames);
	if (!rc)
		rc = hv->ops->claim(hv, (domid_t)d->domid,
				    frames > info.nr_pages ? frames : 0);
	if (!rc && frames < info.max_pages)
		rc = hv->ops->set_max_memory(hv, (domid_t)d->domid, frames);
	if (!rc)
		return 0;
	hv_fail(d, rc, "memory", why);
	/* What is not kept for it shall not be its to take. */
	if (grows)
		hv->ops->set_max_memory(hv, (domid_t)d->domid, info.max_pages);
	return -1;
}

int life_set_memory(struct domain *d, uint64_t kib, struct fail *why)
{
	struct dom_config *copy;
	struct fail limits;
	struct batch *b;

	if (domain_check_running(d, why) || check_memory(d, kib, why))
		return -1;
	copy = xml_copy(d->live);
	if (!copy)
		return fail_set(why, FAIL_LIMIT, "no memory");
	copy->current_kib = kib;
	b = batch_new((unsigned int)d->domid);
	batch_base(b, "/local/domain/%d", d->domid);
	batch_put(b, "memory/target", "%" PRIu64, kib);
	if (move_limits(d, kib / KIB_PER_FRAME, why)) {
		batch_free(b);
		config_put(copy);
		return -1;
	}
	if (batch_commit(d->dm->store, b, why)) {
		/* The guest was told nothing: its limits stay. */
		if (move_limits(d, d->live->current_kib / KIB_PER_FRAME,
				&limits))
			daemon_log("d%d: %s", d->domid, limits.text);
		config_put(copy);
		return -1;
	}
	config_put(d->live);
	d->live = copy;
	event_send(d->dm, "memory", d, NULL);
	return record_save(d, RECORD_LIVE, why);
}

/* ---- CPUs ---------------------------------------------------------------------- */

int life_set_vcpus(struct domain *d, unsigned int count, struct fail *why)
{
	struct dom_config *copy;
	struct batch *b;
	char node[40];

	if (domain_check_running(d, why))
		return -1;
	if (!count || count > d->live->vcpus)
		return fail_set(why, FAIL_LIMIT,
				"%u: must be from 1 to %u, its <vcpu>", count,
				d->live->vcpus);
	copy = xml_copy(d->live);
	if (!copy)
		return fail_set(why, FAIL_LIMIT, "no memory");
	copy->current_vcpus = count;
	b = batch_new((unsigned int)d->domid);
	batch_base(b, "/local/domain/%d", d->domid);
	for (unsigned int i = 0; i < copy->vcpus; i++) {
		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		batch_put(b, node, i < count ? "online" : "offline");
	}
	if (batch_commit(d->dm->store, b, why)) {
		config_put(copy);
		return -1;
	}
	config_put(d->live);
	d->live = copy;
	event_send(d->dm, "vcpus", d, NULL);
	return record_save(d, RECORD_LIVE, why);
}

int life_set_sched(struct domain *d, unsigned int weight, int cap,
		   struct fail *why)
{
	struct hv *hv = d->dm->hv;
	struct pv_control_sched s;
	struct dom_config *copy;
	int rc;

	if (domain_check_running(d, why))
		return -1;
	rc = hv->ops->get_sched(hv, (domid_t)d->domid, &s);
	if (!rc && weight)
		s.weight = weight;
	if (!rc && cap >= 0)
		s.cap = (uint32_t)cap;
	if (!rc)
		rc = hv->ops->set_sched(hv, (domid_t)d->domid, s.weight, s.cap);
	if (rc)
		return hv_fail(d, rc, "scheduler", why);
	copy = xml_copy(d->live);
	if (!copy)
		return fail_set(why, FAIL_LIMIT, "no memory");
	copy->weight = s.weight;
	copy->cap = s.cap;
	config_put(d->live);
	d->live = copy;
	return record_save(d, RECORD_LIVE, why);
}
