/* SPDX-License-Identifier: MIT */
/*
 * The real hypervisor: libpv and the builder behind struct hv_ops.
 *
 * A libpv handle belongs to one thread at a time, so what runs in others
 * opens its own.  VIRQ_DOM_EXC is global: if somebody has it already, there is
 * no descriptor, and the daemon asks instead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/event_channel.h>

#include "tools/build/build.h"
#include "tools/daemon/hv.h"

struct hv_pv {
	struct hv hv;
	struct pv *pv;
	struct pv_evtchn *events; /* NULL: somebody else has the interrupt */
	struct kernel_shelf *kernels;
};

static struct pv *pv_of(struct hv *hv)
{
	return ((struct hv_pv *)hv)->pv;
}

static void pv_hv_close(struct hv *hv)
{
	struct hv_pv *h = (struct hv_pv *)hv;

	pv_evtchn_close(h->events);
	shelf_free(h->kernels);
	pv_close(h->pv);
	free(h);
}

static const char *pv_hv_error(struct hv *hv)
{
	(void)hv;
	return pv_error();
}

static int pv_hv_create(struct hv *hv, const struct hv_create *c,
			domid_t *domid)
{
	struct pv_control_create create = {
		.max_pages = c->max_frames,
		.max_vcpus = c->vcpus,
	};

	memcpy(create.uuid, c->uuid, sizeof(create.uuid));
	return pv_control_create(pv_of(hv), &create, domid);
}

static int pv_hv_claim(struct hv *hv, domid_t domid, uint64_t frames)
{
	return pv_control_claim_memory(pv_of(hv), domid, frames);
}

struct hv_filling {
	struct pv *pv;
	struct kernel_file *kernel;
	struct guest_builder *builder;
	struct guest guest;
};

static void pv_hv_drop(struct hv *hv, struct hv_filling *f)
{
	guest_abandon(f->builder);
	if (f->kernel)
		shelf_close(((struct hv_pv *)hv)->kernels, f->kernel);
	pv_close(f->pv);
	free(f);
}

static int filling_open(struct hv *hv, struct hv_filling *f,
			const struct hv_build *b, struct build_error *why)
{
	f->pv = pv_open();
	if (!f->pv)
		return build_fail(why, errno ? errno : EIO, "%s", pv_error());
	f->kernel = shelf_open(((struct hv_pv *)hv)->kernels, b->kernel,
			       b->cache, why);
	if (!f->kernel)
		return errno ? -errno : -EIO;
	return 0;
}

static int filling_begin(struct hv_filling *f, domid_t domid,
			 const struct hv_build *b, struct build_error *why)
{
	struct guest_spec spec = {
		.kernel = kernel_of(f->kernel),
		.initrd = b->initrd,
		.cmdline = b->cmdline,
		.nr_frames = b->nr_frames,
		.max_frames = b->max_frames,
	};

	return guest_begin(f->pv, domid, &spec, &f->guest, &f->builder, why);
}

static int pv_hv_build(struct hv *hv, domid_t domid, const struct hv_build *b,
		       struct hv_guest *out, struct hv_filling **filling,
		       char *why, size_t room)
{
	struct hv_filling *f = calloc(1, sizeof(*f));
	struct build_error e = {{0}};
	int rc;

	if (!f) {
		snprintf(why, room, "no memory");
		return -ENOMEM;
	}
	rc = filling_open(hv, f, b, &e);
	if (!rc)
		rc = filling_begin(f, domid, b, &e);
	if (rc) {
		snprintf(why, room, "%s", e.text);
		pv_hv_drop(hv, f);
		return rc;
	}
	*out = (struct hv_guest){
		.store_mfn = f->guest.store_mfn,
		.console_mfn = f->guest.console_mfn,
		.store_port = f->guest.store_port,
		.console_port = f->guest.console_port,
	};
	*filling = f;
	return 0;
}

static int pv_hv_fill(struct hv *hv, struct hv_filling *f, char *why,
		      size_t room)
{
	struct build_error e = {{0}};
	int rc = guest_finish(f->builder, &e);

	f->builder = NULL;
	pv_hv_drop(hv, f);
	snprintf(why, room, "%s", e.text);
	return rc;
}

static int pv_hv_destroy(struct hv *hv, domid_t domid)
{
	struct pv *pv = pv_open();
	int rc;

	(void)hv;
	if (!pv)
		return errno ? -errno : -EIO;
	rc = pv_control_destroy(pv, domid);
	pv_close(pv);
	return rc;
}

static int pv_hv_pause(struct hv *hv, domid_t domid)
{
	return pv_control_pause(pv_of(hv), domid);
}

static int pv_hv_unpause(struct hv *hv, domid_t domid)
{
	return pv_control_unpause(pv_of(hv), domid);
}

static int pv_hv_get(struct hv *hv, domid_t domid, struct pv_domain_info *info)
{
	return pv_control_get_domain(pv_of(hv), domid, info);
}

static int pv_hv_list(struct hv *hv, domid_t first, struct pv_domain_info *info,
		      unsigned int room)
{
	return pv_control_list_domains(pv_of(hv), first, info, room);
}

static int pv_hv_set_max_memory(struct hv *hv, domid_t domid, uint64_t frames)
{
	return pv_control_set_max_memory(pv_of(hv), domid, frames);
}

static int pv_hv_set_sched(struct hv *hv, domid_t domid, unsigned int weight,
			   unsigned int cap)
{
	return pv_control_set_sched(pv_of(hv), domid, weight, cap);
}

static int pv_hv_get_sched(struct hv *hv, domid_t domid,
			   struct pv_control_sched *sched)
{
	return pv_control_get_sched(pv_of(hv), domid, sched);
}

static int pv_hv_get_vcpu(struct hv *hv, domid_t domid, unsigned int vcpu,
			  struct pv_vcpu_status *status)
{
	return pv_control_get_vcpu(pv_of(hv), domid, vcpu, status);
}

static int pv_hv_machine(struct hv *hv, struct pv_machine_info *info)
{
	return pv_control_get_machine(pv_of(hv), info);
}

static int pv_hv_get_cpu(struct hv *hv, unsigned int cpu,
			 struct pv_cpu_status *status)
{
	return pv_control_get_cpu(pv_of(hv), cpu, status);
}

static int pv_hv_read_log(struct hv *hv, char *text, size_t room,
			  uint64_t *position)
{
	return pv_control_read_log(pv_of(hv), text, room, position);
}

static int pv_hv_event_fd(struct hv *hv)
{
	struct hv_pv *h = (struct hv_pv *)hv;

	return h->events ? pv_evtchn_fd(h->events) : -1;
}

static void pv_hv_event_take(struct hv *hv)
{
	struct hv_pv *h = (struct hv_pv *)hv;
	int port;

	while ((port = pv_evtchn_pending(h->events)) >= 0)
		pv_evtchn_unmask(h->events, (uint32_t)port);
}

static const struct hv_ops pv_ops = {
	.name = "parapet",
	.close = pv_hv_close,
	.error = pv_hv_error,
	.create = pv_hv_create,
	.claim = pv_hv_claim,
	.build = pv_hv_build,
	.fill = pv_hv_fill,
	.drop = pv_hv_drop,
	.destroy = pv_hv_destroy,
	.pause = pv_hv_pause,
	.unpause = pv_hv_unpause,
	.get = pv_hv_get,
	.list = pv_hv_list,
	.set_max_memory = pv_hv_set_max_memory,
	.set_sched = pv_hv_set_sched,
	.get_sched = pv_hv_get_sched,
	.get_vcpu = pv_hv_get_vcpu,
	.machine = pv_hv_machine,
	.get_cpu = pv_hv_get_cpu,
	.read_log = pv_hv_read_log,
	.event_fd = pv_hv_event_fd,
	.event_take = pv_hv_event_take,
};

struct hv *hv_pv_open(char *why, size_t room)
{
	struct hv_pv *h = calloc(1, sizeof(*h));

	if (h)
		h->kernels = shelf_new();
	if (!h || !h->kernels) {
		snprintf(why, room, "no memory");
		free(h);
		return NULL;
	}
	h->hv.ops = &pv_ops;
	h->pv = pv_open();
	if (!h->pv) {
		snprintf(why, room, "%s", pv_error());
		shelf_free(h->kernels);
		free(h);
		return NULL;
	}
	h->events = pv_evtchn_open();
	if (h->events && pv_evtchn_bind_virq(h->events, VIRQ_DOM_EXC) < 0) {
		pv_evtchn_close(h->events);
		h->events = NULL;
	}
	return &h->hv;
}
