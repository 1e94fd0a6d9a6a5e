/* SPDX-License-Identifier: MIT */
/*
 * What a vcpu is told about time: where its own went (runstates) and the words
 * of the PV clock.
 *
 * A registered area is resolved once, through the tables of the vcpu that
 * registers it: its frames are held as writable pages, so that a switch writes
 * plain memory and never walks guest tables.  The area stays in those frames
 * whatever the guest maps at the address later.
 */
#include <pv/mmu.h>

#include "hv/cpu/asm.h"
#include "hv/lib/string.h"
#include "hv/sched/internal.h"

/* ---- areas in guest memory */

static int area_hold(struct domain *d, uint64_t gva, uint8_t **part)
{
	mfn_t table, m;
	unsigned int slot;
	uint64_t pte;
	int rc;

	pte = guest_walk(current->kernel_root, gva, &table, &slot);
	if ((pte & (PTE_P | PTE_RW)) != (PTE_P | PTE_RW))
		return -EFAULT;
	m = mfn_of((pte & PTE_ADDRESS) >> PAGE_SHIFT);
	rc = frame_get_typed(m, d, FT_WRITABLE);
	if (!rc)
		*part = (uint8_t *)direct_map(m) + (gva & ~PAGE_MASK);
	return rc;
}

void area_release(struct guest_area *a)
{
	for (unsigned int i = 0; i < 2; i++)
		if (a->part[i])
			frame_put_typed(direct_to_mfn(a->part[i]));
	*a = (struct guest_area){.first = 0};
}

int area_register(struct guest_area *a, struct domain *d, uint64_t gva,
		  size_t size)
{
	struct guest_area new = {.first = 0};
	uint64_t left = PAGE_SIZE - (gva & ~PAGE_MASK);
	int rc = 0;

	if (gva) {
		new.first = (uint32_t)min((uint64_t)size, left);
		rc = area_hold(d, gva, &new.part[0]);
	}
	if (!rc && gva && new.first < size)
		rc = area_hold(d, gva + left, &new.part[1]);
	if (rc) {
		area_release(&new);
		return rc;
	}
	area_release(a);
	*a = new;
	return 0;
}

static void area_write(const struct guest_area *a, uint32_t at,
		       const void *from, uint32_t n)
{
	uint32_t here = at < a->first ? min(n, a->first - at) : 0;

	memcpy(a->part[0] + at, from, here);
	if (n > here)
		memcpy(a->part[1] + (at + here - a->first),
		       (const uint8_t *)from + here, n - here);
}

/* ---- runstates */

void runstate_change(struct vcpu *v, int state, uint64_t now, bool publish)
{
	struct pv_vcpu_runstate_info *r = &v->sched->runstate;

	if (r->state != state && now > r->state_entry_time) {
		r->time[r->state] += now - r->state_entry_time;
		r->state_entry_time = now;
	}
	r->state = state;
	if (publish)
		runstate_publish(v);
}

void runstate_publish(struct vcpu *v)
{
	const struct guest_area *a = &v->sched->runstate_area;
	const uint32_t at =
		offsetof(struct pv_vcpu_runstate_info, state_entry_time);
	struct pv_vcpu_runstate_info r = v->sched->runstate;
	uint64_t entry = r.state_entry_time;

	if (!a->part[0])
		return;
	if (v->domain->vm_assist >> VMASST_TYPE_runstate_update_flag & 1) {
		r.state_entry_time |= XEN_RUNSTATE_UPDATE;
		area_write(a, at, &r.state_entry_time, sizeof(entry));
		smp_wmb(); /* ORDER: flag, words, time without the flag */
	}
	area_write(a, 0, &r, sizeof(r));
	smp_wmb();
	if (r.state_entry_time != entry)
		area_write(a, at, &entry, sizeof(entry));
}

void vcpu_runstate_get(struct vcpu *v,
		       struct pv_vcpu_runstate_info *out) NO_ANALYSIS
{
	struct cpu_sched *cs = sched_lock(v);
	uint64_t now = now_ns();

	if (vcpu_is_idle(v)) {
		*out = (struct pv_vcpu_runstate_info){
			.state = cs->curr == v ? RUNSTATE_running
					       : RUNSTATE_runnable,
			.state_entry_time = cs->slice_start,
			.time[RUNSTATE_running] = cs->idle_ns,
		};
	} else {
		*out = v->sched->runstate;
	}
	spin_unlock(&cs->lock);
	if (now > out->state_entry_time)
		out->time[out->state] += now - out->state_entry_time;
}

/* ---- the clock */

static void time_write(const struct guest_area *a,
		       struct pv_vcpu_time_info *info, uint32_t version)
{
	info->version = version | 1;
	area_write(a, 0, &info->version, sizeof(info->version));
	smp_wmb(); /* ORDER: odd version, words, even version */
	area_write(a, 0, info, sizeof(*info));
	smp_wmb();
	info->version = version;
	area_write(a, 0, &info->version, sizeof(info->version));
}

void vcpu_time_update(struct vcpu *v)
{
	struct sched_vcpu *sv = v->sched;
	struct pv_vcpu_time_info info = {.version = 0};
	struct guest_area primary = {{(uint8_t *)&v->info->time, NULL},
				     sizeof(info)};

	pv_clock_words(&info);
	sv->time_version += 2;
	time_write(&primary, &info, sv->time_version);
	if (sv->time_area.part[0])
		time_write(&sv->time_area, &info, sv->time_version);
}
