/* SPDX-License-Identifier: MIT */
/*
 * Creating a domain: a dozen steps, each of which can be undone.
 *
 * The claim comes right after the domain itself: from then on its memory is its
 * own, whatever else is created meanwhile.  The nodes of the devices are
 * written before there is memory, and the rings introduced before it is filled:
 * backends open disks and taps, the store and the console attach, while a
 * thread builds the guest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/create.h"
#include "tools/daemon/device.h"
#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/record.h"
#include "tools/daemon/work.h"

#define KIB_PER_FRAME 4

struct create_job {
	struct job job;
	struct work_item build_work, fill_work;
	struct hv_build build;
	struct hv_guest guest;
	struct hv_filling *filling;
	struct domain *d;
	bool paused;
	bool filled, fill_awaited;
	int rc; /* of what the last thread did, with why[] */
	char why[320];
};

static struct create_job *create_of(struct job *job)
{
	return (struct create_job *)job;
}

/* Did the call to the hypervisor work? */
static int hv_check(struct domain *d, int rc, const char *what,
		    struct fail *why)
{
	struct hv *hv = d->dm->hv;

	if (!rc)
		return JOB_DONE;
	return fail_set(why, fail_of_errno(-rc), "%s: %s", what,
			hv->ops->error(hv));
}

/* ---- 1: is everything there? --------------------------------------------------- */

static int run_check(struct job *job, struct fail *why)
{
	struct domain *d = job->d;

	return devices_check(d, why) || devices_make(d, why) ? JOB_FAILED
							     : JOB_DONE;
}

static void undo_check(struct job *job)
{
	devices_free(job->d);
}

/* ---- 2: the domain ------------------------------------------------------------- */

/* Numbers are not used again at once: backends and others may be slow to see
 * that the last bearer is gone. */
static int create_numbered(struct daemon *dm, const struct hv_create *create,
			   domid_t *domid)
{
	int rc = -EEXIST;

	for (unsigned int i = 1; i < DOMID_FIRST_RESERVED && rc == -EEXIST;
	     i++) {
		dm->last_domid =
			dm->last_domid % (DOMID_FIRST_RESERVED - 1) + 1;
		*domid = dm->last_domid;
		rc = dm->hv->ops->create(dm->hv, create, domid);
	}
	return rc;
}

static int check_total(struct domain *d, uint64_t most_kib, struct fail *why)
{
	struct pv_machine_info m;

	if (d->dm->hv->ops->machine(d->dm->hv, &m) ||
	    most_kib <= m.total_pages * KIB_PER_FRAME)
		return 0;
	return fail_set(why, FAIL_LIMIT,
			"memory: %llu MiB wanted at most, the machine has "
			"%llu MiB",
			(unsigned long long)most_kib / 1024,
			(unsigned long long)m.total_pages / 256);
}

static int run_domain(struct job *job, struct fail *why)
{
	struct domain *d = job->d;
	const struct dom_config *c = d->live;
	uint64_t most = c->hard_limit_kib ? c->hard_limit_kib : c->memory_kib;
	struct hv_create create = {
		.max_frames = most / KIB_PER_FRAME,
		.vcpus = c->vcpus,
	};
	domid_t domid;

	memcpy(create.uuid, d->uuid, sizeof(create.uuid));
	if (check_total(d, most, why) ||
	    hv_check(d, create_numbered(d->dm, &create, &domid), "domain", why))
		return JOB_FAILED;
	d->domid = domid;
	return JOB_DONE;
}

static void undo_domain(struct job *job)
{
	struct domain *d = job->d;
	struct hv *hv = d->dm->hv;
	int rc = hv->ops->destroy(hv, (domid_t)d->domid);

	if (rc)
		daemon_log("hypervisor: d%d is not destroyed, error=%d",
			   d->domid, -rc);
	d->domid = -1;
}

/* ---- 3: its memory, before anybody else's -------------------------------------- */

static int run_memory(struct job *job, struct fail *why)
{
	struct domain *d = job->d;
	struct hv *hv = d->dm->hv;
	struct pv_machine_info m = {0};
	int rc = hv->ops->claim(hv, (domid_t)d->domid,
				d->live->current_kib / KIB_PER_FRAME);

	if (rc != -ENOMEM)
		return hv_check(d, rc, "memory", why);
	hv->ops->machine(hv, &m);
	return fail_set(
		why, FAIL_LIMIT, "memory: %llu MiB wanted, %llu MiB are free",
		(unsigned long long)d->live->current_kib / 1024,
		(unsigned long long)(m.free_pages - m.claimed_pages) / 256);
}

/* ---- 4: its share -------------------------------------------------------------- */

static int run_sched(struct job *job, struct fail *why)
{
	struct domain *d = job->d;
	const struct dom_config *c = d->live;
	struct hv *hv = d->dm->hv;

	if (!c->weight && !c->cap)
		return JOB_DONE;
	return hv_check(d,
			hv->ops->set_sched(hv, (domid_t)d->domid,
					   c->weight ? c->weight
						     : PV_SCHED_WEIGHT_DEFAULT,
					   c->cap),
			"scheduler", why);
}

/* ---- 5: a record, so that a crash of ours leaves nothing behind ------------------ */

static int run_record(struct job *job, struct fail *why)
{
	return record_save(job->d, RECORD_BUILDING, why) ? JOB_FAILED
							 : JOB_DONE;
}

static void undo_record(struct job *job)
{
	record_remove(job->d);
}

/* ---- 6, 7: servers of other formats, nodes --------------------------------------- */

static int run_servers(struct job *job, struct fail *why)
{
	return devices_start_servers(job->d, why) ? JOB_FAILED : JOB_DONE;
}

static void undo_servers(struct job *job)
{
	devices_stop_servers(job->d);
}

static int run_nodes(struct job *job, struct fail *why)
{
	struct domain *d = job->d;
	struct batch *b = batch_new((unsigned int)d->domid);

	life_put_domain(b, d);
	devices_put(b, d);
	return batch_commit(d->dm->store, b, why) ? JOB_FAILED : JOB_DONE;
}

static void undo_nodes(struct job *job)
{
	struct domain *d = job->d;
	struct batch *b = batch_new((unsigned int)d->domid);
	struct fail why;

	life_put_gone(b, d);
	if (batch_commit(d->dm->store, b, &why))
		daemon_log("d%d: nodes are left: %s", d->domid, why.text);
}

/* ---- 8: the guest, in threads ------------------------------------------------------ */

static int thread_failed(const struct create_job *c, struct fail *why)
{
	return fail_set(why, fail_of_errno(-c->rc), "%s", c->why);
}

static void fill_run(struct work_item *item)
{
	struct create_job *c =
		container_of_work(item, struct create_job, fill_work);
	struct hv *hv = c->d->dm->hv;

	c->rc = hv->ops->fill(hv, c->filling, c->why, sizeof(c->why));
}

static void fill_done(struct work_item *item)
{
	struct create_job *c =
		container_of_work(item, struct create_job, fill_work);
	struct fail why;

	c->filled = true;
	if (!job_let_go(&c->job) || !c->fill_awaited)
		return;
	if (c->rc)
		thread_failed(c, &why);
	job_continue(&c->job, c->rc ? -1 : 0, c->rc ? &why : NULL);
}

static void build_run(struct work_item *item)
{
	struct create_job *c =
		container_of_work(item, struct create_job, build_work);
	struct hv *hv = c->d->dm->hv;

	c->rc = hv->ops->build(hv, (domid_t)c->d->domid, &c->build, &c->guest,
			       &c->filling, c->why, sizeof(c->why));
}

/* The second thread starts; steps go on beside it. */
static void build_done(struct work_item *item)
{
	struct create_job *c =
		container_of_work(item, struct create_job, build_work);
	struct hv *hv = c->d->dm->hv;
	struct fail why;
	int rc = 0;

	c->fill_work = (struct work_item){.run = fill_run, .done = fill_done};
	if (c->rc) {
		rc = thread_failed(c, &why);
	} else if (work_start(c->d->dm->work, &c->fill_work)) {
		hv->ops->drop(hv, c->filling);
		rc = fail_set(&why, FAIL_LIMIT, "no more threads");
	} else {
		job_hold(&c->job);
	}
	job_continue(&c->job, rc, rc ? &why : NULL);
}

static int run_build(struct job *job, struct fail *why)
{
	struct create_job *c = create_of(job);
	const struct dom_config *config = job->d->live;

	c->build = (struct hv_build){
		.kernel = config->kernel,
		.initrd = config->initrd,
		.cmdline = config->cmdline,
		.cache = job->d->dm->set->cache,
		.nr_frames = config->current_kib / KIB_PER_FRAME,
		.max_frames = config->memory_kib / KIB_PER_FRAME,
	};
	c->build_work =
		(struct work_item){.run = build_run, .done = build_done};
	if (work_start(job->d->dm->work, &c->build_work))
		return fail_set(why, FAIL_LIMIT, "no more threads");
	return JOB_WAIT;
}

/* ---- 9: its rings ---------------------------------------------------------------- */

static int run_introduce(struct job *job, struct fail *why)
{
	struct create_job *c = create_of(job);
	struct domain *d = job->d;
	struct store *s = d->dm->store;
	struct batch *b = batch_new((unsigned int)d->domid);

	life_put_rings(b, d, &c->guest);
	device_put_console(b, d, &c->guest);
	if (batch_commit(s, b, why))
		return JOB_FAILED;
	return store_introduce(s, (unsigned int)d->domid,
			       (unsigned long)c->guest.store_mfn,
			       c->guest.store_port, why)
		       ? JOB_FAILED
		       : JOB_DONE;
}

static void undo_introduce(struct job *job)
{
	store_release(job->d->dm->store, (unsigned int)job->d->domid);
}

/* ---- 10: its devices --------------------------------------------------------------- */

static void devices_poke(struct job *job)
{
	struct fail why;
	enum dev_state state = devices_state(job->d, &why);

	if (state == DEV_READY)
		job_continue(job, 0, NULL);
	else if (state == DEV_FAILED)
		job_continue(job, -1, &why);
}

static void devices_late(struct job *job)
{
	char names[200];
	struct fail why;

	devices_in_state(job->d, DEV_OPENING, names, sizeof(names));
	fail_set(&why, FAIL_TIMEOUT, "%s: no backend has opened it within %g s",
		 names, job->d->dm->set->device_timeout);
	job_continue(job, -1, &why);
}

static int run_devices(struct job *job, struct fail *why)
{
	enum dev_state state = devices_state(job->d, why);

	if (state == DEV_READY)
		return JOB_DONE;
	if (state == DEV_FAILED)
		return JOB_FAILED;
	job->poke = devices_poke;
	job_set_timer(job, job->d->dm->set->device_timeout, devices_late);
	return JOB_WAIT;
}

/* ---- 11: the memory is filled --------------------------------------------------------- */

static int run_fill(struct job *job, struct fail *why)
{
	struct create_job *c = create_of(job);

	c->fill_awaited = true;
	if (!c->filled)
		return JOB_WAIT;
	return c->rc ? thread_failed(c, why) : JOB_DONE;
}

/* ---- 12: go ------------------------------------------------------------------------ */

static int run_start(struct job *job, struct fail *why)
{
	struct domain *d = job->d;
	struct hv *hv = d->dm->hv;

	d->started = ev_time();
	d->paused = create_of(job)->paused;
	if (record_save(d, RECORD_LIVE, why))
		return JOB_FAILED;
	if (d->paused)
		return JOB_DONE;
	return hv_check(d, hv->ops->unpause(hv, (domid_t)d->domid), "start",
			why);
}

static const struct job_step steps[] = {
	{"check", run_check, undo_check},
	{"domain", run_domain, undo_domain},
	{"memory", run_memory, NULL},
	{"scheduler", run_sched, NULL},
	{"record", run_record, undo_record},
	{"servers", run_servers, undo_servers},
	{"nodes", run_nodes, undo_nodes},
	{"build", run_build, NULL},
	{"introduce", run_introduce, undo_introduce},
	{"devices", run_devices, NULL},
	{"fill", run_fill, NULL},
	{"start", run_start, NULL},
};

static void create_ended(struct job *job, int rc)
{
	struct domain *d = job->d;

	if (!rc) {
		d->state = DOM_RUNNING;
		event_send(d->dm, "started", d, NULL);
		job_log(job, "started");
		return;
	}
	d->state = DOM_OFF;
	d->paused = false;
	config_put(d->live);
	d->live = NULL;
	event_send(d->dm, "failed", d, NULL);
}

int create_start(struct domain *d, struct dom_config *live, bool paused,
		 const char *verb, struct job_waiter *w, struct fail *why)
{
	struct create_job *c = calloc(1, sizeof(*c));

	if (!c) {
		config_put(live);
		return fail_set(why, FAIL_LIMIT, "no memory");
	}
	c->d = d;
	c->paused = paused;
	c->job.ended = create_ended;
	d->live = live;
	d->state = DOM_STARTING;
	if (w)
		job_add_waiter(&c->job, w);
	job_start(&c->job, d, verb, steps, sizeof(steps) / sizeof(steps[0]));
	return 0;
}

int life_create(struct daemon *dm, struct dom_config *c, bool paused,
		struct job_waiter *w, struct fail *why)
{
	struct domain *d = domain_for(dm, c, why);
	int rc;

	if (d && d->state != DOM_OFF)
		rc = fail_set(why, FAIL_EXISTS, "the domain is %s already",
			      domain_state_name(d));
	else
		rc = d ? domain_check_idle(d, why) : -1;
	if (rc) {
		config_put(c);
		return -1;
	}
	return create_start(d, c, paused, "create", w, why);
}

int life_start(struct domain *d, bool paused, struct job_waiter *w,
	       struct fail *why)
{
	if (d->state != DOM_OFF)
		return fail_set(why, FAIL_STATE, "the domain is %s already",
				domain_state_name(d));
	if (domain_check_idle(d, why))
		return -1;
	return create_start(d, config_get(d->config), paused, "start", w, why);
}
