/* SPDX-License-Identifier: MIT */
/*
 * Disks and interfaces of a running domain come and go.
 *
 * Attaching is like the part of creating that concerns one device, and is
 * undone in the same way.
 *
 * Detaching waits for the guest, which may still be using the disk, and does
 * not answer then.  Who asked is told so after a while; the device goes on
 * being asked to close, as the backend's "online" of 0 says, until
 *
 *	the guest lets go of it		 the device is taken away then
 *	somebody detaches it again	 the guest is asked, and waited for, again
 *	... by force			 it is taken away from a guest that uses it
 *	the domain ends			 its next life is without the device
 *
 * The record has it, so a daemon that was started again goes on with that.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/create.h"
#include "tools/daemon/device.h"
#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/record.h"
#include "tools/daemon/xml/xml.h"

#define FORCE_SECONDS 1.0 /* that a guest gets for what is not a request */

struct plug_job {
	struct job job;
	struct device *dev;
	struct dom_config *add; /* attach: the one device           */
	struct dom_config *before; /* attach: live, if it fails      */
	bool persistent, force, recorded;
};

static struct plug_job *plug_of(struct job *job)
{
	return (struct plug_job *)job;
}

/* ---- configurations ------------------------------------------------------------ */

/* A copy of c with the device of `add` in it. */
static struct dom_config *config_with(const struct dom_config *c,
				      const struct dom_config *add)
{
	struct dom_config *copy = xml_copy(c), *one = xml_copy_device(add);
	struct dom_disk *disk;
	struct dom_nic *nic;

	if (copy && one && one->nr_disks && (disk = config_add_disk(copy))) {
		*disk = one->disk[0];
		one->nr_disks = 0; /* its strings are the copy's now */
	} else if (copy && one && one->nr_nics &&
		   (nic = config_add_nic(copy))) {
		*nic = one->nic[0];
		one->nr_nics = 0;
	} else {
		config_put(copy);
		copy = NULL;
	}
	config_put(one);
	return copy;
}

static struct dom_config *config_without(const struct dom_config *c,
					 const struct device *dev)
{
	struct dom_config *copy = xml_copy(c);
	int i;

	if (!copy)
		return NULL;
	if (dev->type == DEV_NIC) {
		i = config_find_nic(copy, dev->mac);
		if (i >= 0)
			config_remove_nic(copy, (unsigned int)i);
		return copy;
	}
	for (i = 0; i < (int)copy->nr_disks; i++)
		if (copy->disk[i].devid == dev->id) {
			config_remove_disk(copy, (unsigned int)i);
			break;
		}
	return copy;
}

/* Replace the definition, on disk too; c may be NULL (no memory). */
static void redefine(struct domain *d, struct dom_config *c)
{
	struct dom_config *old = d->config;
	struct fail why = {.text = "no memory"};

	if (c) {
		d->config = c;
		if (!record_define(d, &why)) {
			config_put(old);
			return;
		}
		d->config = old;
		config_put(c);
	}
	daemon_log("%s: its definition is as before: %s", d->name, why.text);
}

/* ---- attach -------------------------------------------------------------------- */

static int refuse_second(struct domain *d, const char *what, const char *name,
			 struct fail *why)
{
	const struct device *dev = device_by_name(d, name);

	return fail_set(
		why, FAIL_EXISTS, "%s %s: there is one already%s", what, name,
		dev && dev->leaving ? ", which the guest has not let go of"
				    : "");
}

static int check_new(struct domain *d, const struct dom_config *add,
		     struct fail *why)
{
	char mac[CONFIG_MAC_TEXT];

	if (add->nr_disks) {
		const struct dom_disk *disk = &add->disk[0];

		if (config_find_disk(d->live, disk->target) >= 0)
			return refuse_second(d, "disk", disk->target, why);
		return device_check_disk(d, disk, why);
	}
	config_mac_text(add->nic[0].mac, mac);
	if (config_find_nic(d->live, add->nic[0].mac) >= 0)
		return refuse_second(d, "interface", mac, why);
	return device_check_nic(d, d->live->nr_nics, &add->nic[0], why);
}

static int run_check(struct job *job, struct fail *why)
{
	struct plug_job *p = plug_of(job);
	struct domain *d = job->d;
	struct dom_config *with;

	if (check_new(d, p->add, why))
		return JOB_FAILED;
	with = config_with(d->live, p->add);
	if (with)
		p->dev = p->add->nr_disks ? device_add_disk(d, &p->add->disk[0])
					  : device_add_nic(d, &p->add->nic[0]);
	if (!with || !p->dev) {
		config_put(with);
		return fail_set(why, FAIL_LIMIT, "no memory, or too many");
	}
	p->dev->coming = true;
	p->before = d->live;
	d->live = with;
	return JOB_DONE;
}

static void undo_check(struct job *job)
{
	struct plug_job *p = plug_of(job);
	struct domain *d = job->d;
	struct fail why;

	device_free(p->dev);
	config_put(d->live);
	d->live = p->before;
	p->before = NULL;
	if (p->recorded && record_save(d, RECORD_LIVE, &why))
		daemon_log("d%d: %s", d->domid, why.text);
}

static int run_server(struct job *job, struct fail *why)
{
	return device_start_server(plug_of(job)->dev, why) ? JOB_FAILED
							   : JOB_DONE;
}

/* A daemon that ends meanwhile finds what it had begun. */
static int run_announce(struct job *job, struct fail *why)
{
	if (record_save(job->d, RECORD_LIVE, why))
		return JOB_FAILED;
	plug_of(job)->recorded = true;
	return JOB_DONE;
}

static int run_nodes(struct job *job, struct fail *why)
{
	struct plug_job *p = plug_of(job);
	struct batch *b = batch_new((unsigned int)job->d->domid);

	/* What a backend wrote late, of another device of that number. */
	device_put_gone(b, p->dev);
	if (p->add->nr_disks)
		device_put_disk(b, p->dev, &p->add->disk[0]);
	else
		device_put_nic(b, p->dev, &p->add->nic[0]);
	return batch_commit(job->d->dm->store, b, why) ? JOB_FAILED : JOB_DONE;
}

static void remove_nodes(struct job *job)
{
	struct batch *b = batch_new((unsigned int)job->d->domid);
	struct fail why;

	if (b)
		device_put_gone(b, plug_of(job)->dev);
	if (batch_commit(job->d->dm->store, b, &why))
		daemon_log("d%d: nodes are left: %s", job->d->domid, why.text);
}

static void open_poke(struct job *job)
{
	struct device *dev = plug_of(job)->dev;
	struct fail why;

	if (dev->state == DEV_READY) {
		job_continue(job, 0, NULL);
	} else if (dev->state == DEV_FAILED) {
		fail_set(&why, FAIL_FAILED, "%s: %s", dev->label, dev->error);
		job_continue(job, -1, &why);
	}
}

static void open_late(struct job *job)
{
	struct fail why;

	fail_set(&why, FAIL_TIMEOUT, "%s: no backend has opened it within %g s",
		 plug_of(job)->dev->label, job->d->dm->set->device_timeout);
	job_continue(job, -1, &why);
}

static int run_open(struct job *job, struct fail *why)
{
	(void)why;
	job->poke = open_poke;
	job_set_timer(job, job->d->dm->set->device_timeout, open_late);
	return JOB_WAIT;
}

static int run_keep(struct job *job, struct fail *why)
{
	struct device *dev = plug_of(job)->dev;

	dev->coming = false;
	return record_save(job->d, RECORD_LIVE, why) ? JOB_FAILED : JOB_DONE;
}

static const struct job_step attach_steps[] = {
	{"check", run_check, undo_check}, {"server", run_server, NULL},
	{"announce", run_announce, NULL}, {"nodes", run_nodes, remove_nodes},
	{"device", run_open, NULL},       {"record", run_keep, NULL},
};

static void attach_ended(struct job *job, int rc)
{
	struct plug_job *p = plug_of(job);
	struct domain *d = job->d;

	if (rc)
		return;
	if (p->persistent && d->config)
		redefine(d, config_with(d->config, p->add));
	event_send(d->dm, "device-attached", d, "device", p->dev->label, NULL);
}

static void plug_release(struct job *job)
{
	config_put(plug_of(job)->add);
	config_put(plug_of(job)->before);
}

int life_attach(struct domain *d, struct dom_config *add, bool persistent,
		struct job_waiter *w, struct fail *why)
{
	struct plug_job *p = NULL;

	if (!domain_check_running(d, why)) {
		p = calloc(1, sizeof(*p));
		if (!p)
			fail_set(why, FAIL_LIMIT, "no memory");
	}
	if (!p) {
		config_put(add);
		return -1;
	}
	p->add = add;
	p->persistent = persistent;
	p->job.ended = attach_ended;
	p->job.release = plug_release;
	job_add_waiter(&p->job, w);
	job_start(&p->job, d, "attach", attach_steps,
		  sizeof(attach_steps) / sizeof(attach_steps[0]));
	return 0;
}

/* ---- detach -------------------------------------------------------------------- */

static void gone_poke(struct job *job)
{
	if (plug_of(job)->dev->state == DEV_CLOSED)
		job_continue(job, 0, NULL);
}

static void gone_late(struct job *job)
{
	struct plug_job *p = plug_of(job);
	struct fail why;

	if (p->force) {
		job_continue(job, 0, NULL);
		return;
	}
	fail_set(&why, FAIL_TIMEOUT,
		 "%s: the guest has not let go of it within %g s: it goes when "
		 "the guest does, or by force",
		 p->dev->label, job->d->dm->set->detach_timeout);
	job_continue(job, -1, &why);
}

/* The record first: a daemon that is started again knows what was asked. */
static int ask_to_close(struct device *dev, struct fail *why)
{
	struct domain *d = dev->d;
	struct batch *b;

	if (record_save(d, RECORD_LIVE, why))
		return -1;
	b = batch_new((unsigned int)d->domid);
	device_put_closing(b, dev);
	return batch_commit(d->dm->store, b, why);
}

static int run_close(struct job *job, struct fail *why)
{
	struct plug_job *p = plug_of(job);
	struct device *dev = p->dev;
	bool left = dev->leaving, undefined = dev->undefine;

	/* Its backend may have ended just now: it would not answer again. */
	if (left && dev->state == DEV_CLOSING)
		device_refresh(dev);
	dev->leaving = true;
	dev->undefine |= p->persistent;
	/* Its backend has given up: nobody else would say that it closed. */
	p->force |= dev->state == DEV_FAILED;
	if (dev->state == DEV_CLOSED)
		return JOB_DONE;
	if (ask_to_close(dev, why)) {
		dev->leaving = left;
		dev->undefine = undefined;
		return JOB_FAILED;
	}
	dev->state = DEV_CLOSING;
	job->poke = gone_poke;
	job_set_timer(
		job, p->force ? FORCE_SECONDS : job->d->dm->set->detach_timeout,
		gone_late);
	return JOB_WAIT;
}

/* It will not be in a next life, nor in the definition if that was asked. */
static int drop(struct device *dev, struct fail *why)
{
	struct domain *d = dev->d;
	struct dom_config *without = config_without(d->live, dev);

	if (!without)
		return fail_set(why, FAIL_LIMIT, "%s: no memory", dev->label);
	config_put(d->live);
	d->live = without;
	if (dev->undefine && d->config)
		redefine(d, config_without(d->config, dev));
	event_send(d->dm, "device-detached", d, "device", dev->label, NULL);
	return 0;
}

/* Nobody uses it, or shall.  If the store refuses, it is tried again. */
static int take_away(struct device *dev, struct fail *why)
{
	struct domain *d = dev->d;
	struct batch *b = batch_new((unsigned int)d->domid);

	dev->state = DEV_CLOSED;
	device_put_gone(b, dev);
	if (batch_commit(d->dm->store, b, why))
		return fail_prefix(why, "%s", dev->label);
	if (drop(dev, why))
		return -1;
	device_free(dev);
	return record_save(d, RECORD_LIVE, why);
}

static int run_remove(struct job *job, struct fail *why)
{
	return take_away(plug_of(job)->dev, why) ? JOB_FAILED : JOB_DONE;
}

static struct device *find_closed(struct domain *d, const struct device *after)
{
	struct device *dev =
		after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&d->devices);

	while (dev && !(dev->leaving && dev->state == DEV_CLOSED))
		dev = TAILQ_NEXT(dev, link);
	return dev;
}

void life_remove_closed(struct domain *d)
{
	struct device *dev, *next;
	struct fail why;

	for (dev = find_closed(d, NULL); dev; dev = next) {
		next = find_closed(d, dev);
		daemon_log("d%d: %s: %s has closed", d->domid, d->name,
			   dev->label);
		if (take_away(dev, &why))
			daemon_log("detach %s: %s", d->name, why.text);
	}
}

void life_drop_leaving(struct domain *d)
{
	struct device *dev;
	struct fail why;

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		if (dev->leaving && drop(dev, &why))
			daemon_log("detach %s: %s", d->name, why.text);
		dev->leaving = false;
	}
}

static const struct job_step detach_steps[] = {
	{"device", run_close, NULL},
	{"nodes", run_remove, NULL},
};

int life_detach(struct domain *d, const char *target, bool force,
		bool persistent, struct job_waiter *w, struct fail *why)
{
	struct device *dev;
	struct plug_job *p;

	if (domain_check_running(d, why))
		return -1;
	dev = device_by_name(d, target);
	if (!dev)
		return fail_set(why, FAIL_NOT_FOUND,
				"%s: no such disk or interface", target);
	p = calloc(1, sizeof(*p));
	if (!p)
		return fail_set(why, FAIL_LIMIT, "no memory");
	p->dev = dev;
	p->force = force;
	p->persistent = persistent;
	job_add_waiter(&p->job, w);
	job_start(&p->job, d, "detach", detach_steps,
		  sizeof(detach_steps) / sizeof(detach_steps[0]));
	return 0;
}
