/* SPDX-License-Identifier: MIT */
/*
 * How domains begin, stop and end.
 */
#include <pv/errno.h>
#include <pv/event_channel.h>
#include <pv/sched.h>

#include "hv/control/control.h"
#include "hv/console/console.h"
#include "hv/cpu/tlb.h"
#include "hv/dev/dev.h"
#include "hv/evtchn/evtchn.h"
#include "hv/gnttab/gnttab.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

#define GRANT_FRAMES_DEFAULT 64

static struct vcpu *construct_vcpu(struct domain *d, unsigned int id)
{
	struct vcpu *v = vcpu_alloc(d, id);

	if (!v)
		return NULL;
	if (sched_vcpu_init(v, id % nr_cpus)) {
		vcpu_free(v);
		return NULL;
	}
	return v;
}

struct domain *domain_construct(const struct domain_plan *plan)
{
	struct domain *d = domain_alloc(plan->id, plan->max_vcpus);
	unsigned int grants = plan->grant_frames ?: GRANT_FRAMES_DEFAULT;
	unsigned int made = 0;

	if (!d)
		return NULL;
	d->privileged = plan->privileged;
	d->mm.mmio = plan->privileged;
	d->mm.scrub = !plan->privileged;
	d->mm.max_frames = plan->max_frames;
	frame_share(d->shared_info_mfn, d, true);
	wall_clock_publish(d->shared_info, d->time_offset_ns);
	if (evtchn_domain_init(d))
		goto undo_domain;
	if (gnttab_domain_init(d, grants))
		goto undo_evtchn;
	if (irq_domain_init(d))
		goto undo_gnttab;
	for (; made < plan->max_vcpus; made++)
		if (!construct_vcpu(d, made))
			goto undo_vcpus;
	if (domain_publish(d))
		return d;
undo_vcpus:
	while (made--)
		sched_vcpu_destroy(d->vcpu[made]);
	irq_domain_destroy(d);
undo_gnttab:
	while (gnttab_domain_destroy(d) == -ERESTART)
		;
undo_evtchn:
	evtchn_domain_destroy(d);
undo_domain:
	d->dying = true;
	frame_unshare(d->shared_info_mfn);
	domain_put(d);
	return NULL;
}

void domain_pause(struct domain *d)
{
	struct vcpu *v;

	atomic_fetch_add(&d->pause_count, 1);
	for_each_vcpu (d, v)
		vcpu_sleep_sync(v);
}

static void domain_pause_nosync(struct domain *d)
{
	struct vcpu *v;

	atomic_fetch_add(&d->pause_count, 1);
	for_each_vcpu (d, v)
		vcpu_sleep_nosync(v);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;

	if (atomic_fetch_sub(&d->pause_count, 1) != 1)
		return;
	for_each_vcpu (d, v)
		vcpu_wake(v);
}

static void NORETURN machine_end(unsigned int code)
{
	switch (code) {
	case SHUTDOWN_poweroff:
		log_info("control: the control domain powers the machine off");
		machine_poweroff();
	case SHUTDOWN_reboot:
		log_info("control: the control domain reboots the machine");
		machine_reboot();
	default:
		log_err("control: the control domain crashed: reboot");
		machine_reboot();
	}
}

/* No lock: crashes are reported from under any. */
void domain_shutdown(struct domain *d, unsigned int code)
{
	if (atomic_exchange(&d->shutting_down, true))
		return;
	d->shutdown_code = code;
	store_release(&d->shut_down, true);
	if (d == control_domain)
		machine_end(code);
	domain_pause_nosync(d);
	evtchn_send_global_virq(control_domain, VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	if (d->crashed)
		return;
	d->crashed = true;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_warn("domain crash: d%u: %s", d->id, why);
	if (d == current->domain)
		dump_state(guest_regs());
	domain_shutdown(d, SHUTDOWN_crash);
}
