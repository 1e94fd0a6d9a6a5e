/* SPDX-License-Identifier: MIT */
/* What the toolstack may know about the machine. */
#include <pv/errno.h>
#include <pv/memory.h>
#include <pv/vcpu.h>

#include "hv/control/internal.h"
#include "hv/cpu/features.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

void control_machine(struct pv_machine_info *m)
{
	struct domain *d;
	int id = -1;

	memset(m, 0, sizeof(*m));
	m->total_pages = mm_total_frames();
	m->free_pages = mm_free_frames();
	m->system_time = now_ns();
	m->nr_cpus = nr_cpus;
	m->tsc_khz = (uint32_t)tsc_khz;
	m->flags = (features.smep ? PV_MACHINE_SMEP_SMAP : 0) |
		   (features.pcid ? PV_MACHINE_PCID : 0) |
		   (features.meltdown ? PV_MACHINE_MELTDOWN : 0);
	m->hv_pages = m->total_pages - m->free_pages;
	while ((d = domain_next(id))) {
		id = d->id;
		m->nr_domains++;
		m->hv_pages -= d->mm.nr_frames;
		m->claimed_pages += d->mm.claimed;
		domain_put(d);
	}
	m->max_mfn = (uint64_t)hc_memory_op(XENMEM_maximum_ram_page, 0);
}

int control_cpu(struct pv_cpu_status *s)
{
	struct pv_vcpu_runstate_info rs;

	if (s->cpu >= nr_cpus)
		return -ENOENT;
	s->apic_id = cpus[s->cpu]->apic_id;
	vcpu_runstate_get(cpus[s->cpu]->idle, &rs);
	s->idle_time = rs.time[RUNSTATE_running];
	return 0;
}
