/* SPDX-License-Identifier: MIT */
/*
 * The toolstack's commands on one domain.
 *
 * destroy is made of steps that may each be repeated: the caller is sent back
 * (-ERESTART) when one is not done yet, and finds the domain dying.
 */
#include <pv/errno.h>
#include <pv/memory.h>
#include <pv/vcpu.h>

#include "hv/control/internal.h"
#include "hv/dev/dev.h"
#include "hv/evtchn/evtchn.h"
#include "hv/gnttab/gnttab.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

static domid_t free_id(void)
{
	struct domain *d;
	int id = 0, expect = 1;

	while ((d = domain_next(id)) && d->id == expect) {
		id = expect++;
		domain_put(d);
	}
	if (d)
		domain_put(d);
	return (domid_t)expect;
}

int control_create(struct pv_control_op *op)
{
	const struct pv_control_create *c = &op->u.create;
	struct domain_plan plan = {
		.id = op->domid == DOMID_INVALID ? free_id() : op->domid,
		.max_vcpus = c->max_vcpus,
		.max_frames = c->max_pages,
		.grant_frames = c->max_grant_frames,
	};
	struct domain *d;

	if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS || c->flags ||
	    c->reserved0 || !plan.id || plan.id >= DOMID_FIRST_RESERVED ||
	    c->max_pages > mm_total_frames())
		return -EINVAL;
	d = domain_get_dying(plan.id);
	if (d) {
		domain_put(d);
		return -EEXIST;
	}
	d = domain_construct(&plan);
	if (!d)
		return -ENOMEM;
	memcpy(d->uuid, c->uuid, sizeof(d->uuid));
	d->mm.scrub = true;
	d->control_paused = true;
	domain_pause(d);
	op->domid = d->id;
	log_debug("control: d%u created, max_pages=%lu vcpus=%u", d->id,
		  c->max_pages, c->max_vcpus);
	return 0;
}

int control_destroy(struct domain *d)
{
	struct vcpu *v;
	int rc;

	if (!d->dying) {
		domain_pause(d);
		d->dying = true;
	}
	evtchn_domain_destroy(d);
	irq_domain_destroy(d);
	for_each_vcpu (d, v) {
		if (!v->torn_down) {
			sched_vcpu_destroy(v);
			mm_vcpu_relinquish(v);
			v->torn_down = true;
		}
	}
	rc = mm_domain_relinquish(d);
	if (!rc)
		rc = gnttab_domain_destroy(d);
	if (rc)
		return rc;
	domain_unpublish(d);
	/* Who found it before has this lock while it writes to the page. */
	spin_lock(&d->lock);
	spin_unlock(&d->lock);
	frame_unshare(d->shared_info_mfn);
	domain_put(d);
	return 0;
}

void control_describe(struct domain *d, struct pv_domain_info *info)
{
	struct pv_vcpu_runstate_info rs;
	bool blocked = true;
	struct vcpu *v;

	memset(info, 0, sizeof(*info));
	memcpy(info->uuid, d->uuid, sizeof(info->uuid));
	info->domid = d->id;
	info->flags = (d->privileged ? PV_DOMAIN_PRIVILEGED : 0) |
		      (d->control_paused ? PV_DOMAIN_PAUSED : 0) |
		      (d->shut_down ? PV_DOMAIN_SHUTDOWN : 0) |
		      (d->dying ? PV_DOMAIN_DYING : 0);
	info->shutdown_reason = d->shutdown_code;
	info->max_vcpus = d->max_vcpus;
	info->nr_pages = d->mm.nr_frames;
	info->max_pages = d->mm.max_frames;
	info->claimed_pages = d->mm.claimed;
	info->shared_info_frame = mfn_raw(d->shared_info_mfn);
	for_each_vcpu (d, v) {
		if (v->torn_down)
			continue;
		vcpu_runstate_get(v, &rs);
		info->cpu_time += rs.time[RUNSTATE_running];
		if (v->state & VCPU_DOWN)
			continue;
		info->online_vcpus++;
		if (v->running)
			info->flags |= PV_DOMAIN_RUNNING;
		if (!(v->state & (VCPU_BLOCKED | VCPU_POLLING)))
			blocked = false;
	}
	if (blocked && info->online_vcpus)
		info->flags |= PV_DOMAIN_BLOCKED;
}

int control_list(struct pv_control_op *op)
{
	struct pv_control_list *l = &op->u.list;
	struct pv_domain_info info;
	int id = (int)l->first - 1;
	uint32_t n = 0;
	struct domain *d;

	while (n < l->nr_entries && (d = domain_next(id))) {
		control_describe(d, &info);
		id = d->id;
		domain_put(d);
		if (copy_to_guest(l->buffer + n * sizeof(info), &info,
				  sizeof(info)))
			return -EFAULT;
		n++;
	}
	l->nr_entries = n;
	return 0;
}

static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
	return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

int control_vcpu(struct domain *d, struct pv_control_op *op)
{
	struct vcpu *v = vcpu_of(d, op->u.vcpu.vcpu);
	struct pv_vcpu_runstate_info rs;

	if (!v)
		return -ENOENT;
	vcpu_runstate_get(v, &rs);
	op->u.vcpu.flags = (v->initialised ? PV_VCPU_INITIALISED : 0) |
			   (v->state & VCPU_DOWN ? 0 : PV_VCPU_UP) |
			   (v->state & VCPU_BLOCKED ? PV_VCPU_BLOCKED : 0) |
			   (v->running ? PV_VCPU_RUNNING : 0);
	op->u.vcpu.cpu = v->cpu;
	op->u.vcpu.cpu_time = rs.time[RUNSTATE_running];
	return 0;
}

/* A guest context is larger than our stack likes: it lives on the heap. */
int control_set_context(struct domain *d, const struct pv_control_context *c)
{
	struct vcpu *v = vcpu_of(d, c->vcpu);
	struct pv_vcpu_guest_context *ctx;
	int rc = -EFAULT;

	if (!v)
		return -ENOENT;
	if (!d->pause_count)
		return -EBUSY;
	ctx = heap_alloc(1);
	if (!ctx)
		return -ENOMEM;
	if (!copy_from_guest(ctx, c->context, sizeof(*ctx)))
		rc = vcpu_set_context(v, ctx);
	heap_free(ctx, 1);
	if (!rc && c->vcpu == 0)
		vcpu_up(v);
	return rc;
}

int control_get_context(struct domain *d, const struct pv_control_context *c)
{
	struct vcpu *v = vcpu_of(d, c->vcpu);
	struct pv_vcpu_guest_context *ctx;
	int rc;

	if (!v)
		return -ENOENT;
	if (!d->pause_count)
		return -EBUSY;
	ctx = heap_alloc(1);
	if (!ctx)
		return -ENOMEM;
	vcpu_get_context(v, ctx);
	rc = copy_to_guest(c->context, ctx, sizeof(*ctx)) ? -EFAULT : 0;
	heap_free(ctx, 1);
	return rc;
}

int control_hypercall_page(struct domain *d, uint64_t mfn)
{
	if (!frame_get_writable(mfn_of(mfn), d))
		return -EINVAL;
	hypercall_page_fill(direct_map(mfn_of(mfn)));
	frame_put_writable(mfn_of(mfn));
	return 0;
}
