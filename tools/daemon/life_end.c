/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: it is destroyed, or ended by itself.
 *
 * Backends are asked to let go before the hypervisor's part begins: so one that
 * cannot reach the domain's memory knows why.  That part runs in a thread while
 * they do.  They get a moment, no more: a backend that does not answer keeps
 * nobody from going on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pv/sched.h>

#include "tools/daemon/create.h"
#include "tools/daemon/device.h"
#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/record.h"
#include "tools/daemon/work.h"

#define CLOSE_SECONDS 2.0 /* that backends get */
#define QUICK_SECONDS 10.0 /* a life this short counts against it */
#define QUICK_MOST    5

struct destroy_job {
	struct job job;
	struct work_item work;
	struct domain *d;
	bool restart;
	bool foreign; /* its number is another domain's now */
	bool mute; /* backends cannot be told */
	bool gone, gone_awaited;
	int rc;
};

/* ---- steps --------------------------------------------------------------------- */

static void destroy_run(struct work_item *item)
{
	struct destroy_job *j =
		container_of_work(item, struct destroy_job, work);
	struct hv *hv = j->d->dm->hv;

	j->rc = hv->ops->destroy(hv, (domid_t)j->d->domid);
}

static void destroy_done(struct work_item *item)
{
	struct destroy_job *j =
		container_of_work(item, struct destroy_job, work);

	if (j->rc)
		daemon_log("hypervisor: d%d is not destroyed, error=%d",
			   j->d->domid, -j->rc);
	j->gone = true;
	if (job_let_go(&j->job) && j->gone_awaited)
		job_continue(&j->job, 0, NULL);
}

/* After a restart the number may be that of a domain which is not ours. */
static bool is_there(struct destroy_job *j)
{
	struct hv *hv = j->d->dm->hv;
	struct pv_domain_info info;

	if (hv->ops->get(hv, (domid_t)j->d->domid, &info))
		return false;
	j->foreign = memcmp(info.uuid, j->d->uuid, sizeof(info.uuid)) != 0;
	return !j->foreign;
}

static void close_poke(struct job *job)
{
	if (devices_closed(job->d))
		job_continue(job, 0, NULL);
}

static void close_late(struct job *job)
{
	char names[200];

	devices_in_state(job->d, DEV_CLOSING, names, sizeof(names));
	daemon_log("d%d: %s: the backend does not let go", job->d->domid,
		   names);
	job_continue(job, 0, NULL);
}

/* One that never opened has nobody who would answer; one that the guest has not
 * let go of is let go of now.  False: there is nobody to ask. */
static bool put_closing(struct batch *b, struct domain *d)
{
	struct device *dev;
	bool any = false;

	TAILQ_FOREACH(dev, &d->devices, link)
	if (b && (dev->state == DEV_READY || dev->state == DEV_CLOSING)) {
		device_put_ended(b, dev);
		dev->state = DEV_CLOSING;
		any = true;
	}
	return any;
}

static int run_close(struct job *job, struct fail *why)
{
	struct destroy_job *j = (struct destroy_job *)job;
	struct domain *d = job->d;
	struct batch *b;

	j->gone = !is_there(j);
	if (j->foreign)
		return JOB_DONE;
	b = batch_new((unsigned int)d->domid);
	if (!put_closing(b, d)) {
		batch_free(b);
	} else if (batch_commit(d->dm->store, b, why)) {
		daemon_log("d%d: %s", d->domid, why->text);
		j->mute = true;
	}
	return JOB_DONE;
}

static int run_domain(struct job *job, struct fail *why)
{
	struct destroy_job *j = (struct destroy_job *)job;

	(void)why;
	if (j->gone)
		return JOB_DONE;
	job_hold(job);
	j->work = (struct work_item){.run = destroy_run, .done = destroy_done};
	if (!work_start(job->d->dm->work, &j->work))
		return JOB_DONE;
	destroy_run(&j->work); /* no thread: here, then */
	destroy_done(&j->work);
	return JOB_DONE;
}

static int run_devices(struct job *job, struct fail *why)
{
	struct destroy_job *j = (struct destroy_job *)job;

	(void)why;
	if (j->foreign || j->mute || devices_closed(job->d))
		return JOB_DONE;
	job->poke = close_poke;
	job_set_timer(job, CLOSE_SECONDS, close_late);
	return JOB_WAIT;
}

static int run_gone(struct job *job, struct fail *why)
{
	struct destroy_job *j = (struct destroy_job *)job;

	(void)why;
	j->gone_awaited = true;
	return j->gone ? JOB_DONE : JOB_WAIT;
}

static int run_nodes(struct job *job, struct fail *why)
{
	bool foreign = ((struct destroy_job *)job)->foreign;
	struct domain *d = job->d;
	struct batch *b;

	if (!foreign) {
		store_release(d->dm->store, (unsigned int)d->domid);
		b = batch_new((unsigned int)d->domid);
		life_put_gone(b, d);
		if (batch_commit(d->dm->store, b, why))
			daemon_log("d%d: nodes are left: %s", d->domid,
				   why->text);
	}
	devices_free(d);
	record_remove(d);
	return JOB_DONE;
}

static const struct job_step steps[] = {
	{"close", run_close, NULL},     {"domain", run_domain, NULL},
	{"devices", run_devices, NULL}, {"gone", run_gone, NULL},
	{"nodes", run_nodes, NULL},
};

/* ---- and after ------------------------------------------------------------------- */

static void again(struct domain *d, struct dom_config *live)
{
	struct fail why;

	if (create_start(d, live, false, "restart", NULL, &why))
		daemon_log("restart %s: %s", d->name, why.text);
}

static void destroy_ended(struct job *job, int rc)
{
	struct destroy_job *j = (struct destroy_job *)job;
	struct domain *d = job->d;
	struct dom_config *live = d->live;

	(void)rc;
	job_log(job, "destroyed");
	event_send(d->dm, "destroyed", d, NULL);
	d->live = NULL;
	d->domid = -1;
	d->state = DOM_OFF;
	d->paused = false;
	if (j->restart)
		again(d, live);
	else
		config_put(live);
}

static int destroy_start(struct domain *d, bool restart, struct job_waiter *w,
			 struct fail *why)
{
	struct destroy_job *j = calloc(1, sizeof(*j));

	if (!j)
		return fail_set(why, FAIL_LIMIT, "no memory");
	j->d = d;
	j->restart = restart;
	j->job.ended = destroy_ended;
	d->state = DOM_STOPPING;
	if (record_save(d, RECORD_DYING, why))
		daemon_log("d%d: %s", d->domid, why->text);
	life_drop_leaving(d);
	if (w)
		job_add_waiter(&j->job, w);
	job_start(&j->job, d, "destroy", steps,
		  sizeof(steps) / sizeof(steps[0]));
	return 0;
}

/* The only job of a domain that runs: a device comes or goes.  Now neither. */
static void abandon_plug(struct domain *d)
{
	struct fail why;

	d->state = DOM_STOPPING; /* and nothing else begins */
	fail_set(&why, FAIL_STATE, "the domain is destroyed");
	job_continue(d->job, -1, &why);
}

int life_destroy(struct domain *d, struct job_waiter *w, struct fail *why)
{
	enum dom_state before = d->state;

	if (d->state == DOM_OFF)
		return fail_set(why, FAIL_STATE, "the domain is shut off");
	if (d->state == DOM_STOPPING) {
		((struct destroy_job *)d->job)->restart = false;
		job_add_waiter(d->job, w);
		return 0;
	}
	if (d->state == DOM_STARTING) {
		job_cancel(d->job);
		job_add_waiter(d->job, w);
		if (d->job->poke) { /* it waits for devices, perhaps long */
			struct fail cancelled;

			fail_set(&cancelled, FAIL_STATE, "cancelled");
			job_continue(d->job, -1, &cancelled);
		}
		return 0;
	}
	if (d->job)
		abandon_plug(d);
	d->quick_ends = 0;
	if (!destroy_start(d, false, w, why))
		return 0;
	d->state = before;
	return -1;
}

void life_destroy_leftover(struct domain *d)
{
	struct fail why;

	if (destroy_start(d, false, NULL, &why))
		daemon_log("destroy %s: %s", d->name, why.text);
}

/* ---- ends by itself -------------------------------------------------------------- */

static enum on_end action_for(const struct dom_config *c, unsigned int reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff:
		return c->on_poweroff;
	case SHUTDOWN_reboot:
		return c->on_reboot;
	case SHUTDOWN_suspend:
		return ON_END_PRESERVE;
	default:
		return c->on_crash;
	}
}

/* A guest that never gets far must not keep the host busy. */
static bool too_quick(struct domain *d)
{
	if (ev_time() - d->started > QUICK_SECONDS)
		d->quick_ends = 0;
	return ++d->quick_ends > QUICK_MOST;
}

/* "then": what becomes of it, for those who wait. */
static void tell_end(const struct domain *d, unsigned int reason,
		     enum on_end action)
{
	const char *event = reason == SHUTDOWN_poweroff ? "shutdown"
			    : reason == SHUTDOWN_reboot ? "rebooting"
							: "crashed";

	event_send(d->dm, event, d, "reason", hv_reason_name(reason), "then",
		   config_on_end_names[action], NULL);
}

void life_ended(struct domain *d, unsigned int reason)
{
	enum on_end action = action_for(d->live, reason);
	bool quick = action == ON_END_RESTART && too_quick(d);
	struct fail why;

	if (quick)
		action = ON_END_DESTROY;

	daemon_log("d%d: %s ended, reason=%s", d->domid, d->name,
		   hv_reason_name(reason));
	d->end_reason = reason;
	store_stopped(d->dm->store, (unsigned int)d->domid);
	tell_end(d, reason, action);
	if (quick) {
		daemon_log("d%d: %s ended %u times at once: not restarted",
			   d->domid, d->name, QUICK_MOST);
		event_send(d->dm, "failed", d, "reason", "it ends too quickly",
			   NULL);
	}
	d->state = DOM_ENDED;
	if (action == ON_END_PRESERVE)
		return;
	if (destroy_start(d, action == ON_END_RESTART, NULL, &why))
		daemon_log("destroy %s: %s", d->name, why.text);
}

/* ---- who ended? -------------------------------------------------------------------- */

static void check_one(struct domain *d, const struct pv_domain_info *info)
{
	struct fail why;

	if (d->state != DOM_RUNNING ||
	    (info && !(info->flags & PV_DOMAIN_SHUTDOWN)))
		return;
	if (d->job) {
		/* A device comes or goes: then it is looked at again. */
		fail_set(&why, FAIL_STATE, "the domain has ended");
		job_continue(d->job, -1, &why);
	} else if (info) {
		life_ended(d, info->shutdown_reason);
	} else {
		daemon_log("d%d: %s is gone", d->domid, d->name);
		if (destroy_start(d, false, NULL, &why))
			daemon_log("destroy %s: %s", d->name, why.text);
	}
}

static void look_at(struct domain *d)
{
	struct hv *hv = d->dm->hv;
	struct pv_domain_info info;
	int rc = -EAGAIN;

	if (d->state == DOM_RUNNING)
		rc = hv->ops->get(hv, (domid_t)d->domid, &info);
	if (!rc || rc == -ESRCH)
		check_one(d, rc ? NULL : &info);
}

void daemon_check_domains(struct daemon *dm)
{
	struct domain *d, *next;

	for (d = TAILQ_FIRST(&dm->domains); d; d = next) {
		next = TAILQ_NEXT(d, link);
		look_at(d);
	}
}

void life_settle(struct domain *d)
{
	if (d->state != DOM_RUNNING || d->job)
		return;
	life_remove_closed(d);
	look_at(d);
}

const char *hv_reason_name(unsigned int reason)
{
	static const char *const name[] = {
		[SHUTDOWN_poweroff] = "poweroff",
		[SHUTDOWN_reboot] = "reboot",
		[SHUTDOWN_suspend] = "suspend",
		[SHUTDOWN_crash] = "crash",
		[SHUTDOWN_watchdog] = "watchdog",
		[SHUTDOWN_soft_reset] = "soft-reset",
	};

	return reason <= SHUTDOWN_MAX ? name[reason] : "unknown";
}
