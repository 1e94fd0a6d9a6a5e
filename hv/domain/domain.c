/* SPDX-License-Identifier: MIT */
/*
 * Domains and vcpus as objects: made, found, counted, freed.
 *
 * The list is in the order of ids.  A published domain is found until it is
 * unpublished; its memory goes with the last reference, which may be a frame
 * that another domain still maps.
 */
#include "hv/domain/domain.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/fpu.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"

static struct list domains = LIST_INIT(domains);
static spinlock_t domains_lock = SPINLOCK_INIT(RUNG_DOMAIN_LIST);

struct domain *control_domain;
void (*domain_free_hook)(struct domain *d);

struct domain *domain_alloc(domid_t id, unsigned int max_vcpus)
{
	struct domain *d = heap_alloc(0);

	_Static_assert(sizeof(*d) <= PAGE_SIZE, "a domain fits in its page");
	if (!d)
		return NULL;
	d->id = id;
	d->refs = 1;
	d->max_vcpus = max_vcpus;
	d->weight = 256;
	list_init(&d->all);
	spin_lock_init(&d->lock, RUNG_DOMAIN);
	mm_domain_init(&d->mm, d);
	d->tramp = heap_alloc(0);
	d->shared_info = heap_alloc(0);
	if (!d->tramp || !d->shared_info) {
		heap_free(d->tramp, 0);
		heap_free(d->shared_info, 0);
		heap_free(d, 0);
		return NULL;
	}
	d->shared_info_mfn = direct_to_mfn(d->shared_info);
	return d;
}

bool domain_publish(struct domain *d)
{
	struct list *before;
	struct domain *other;
	bool ok = true;

	spin_lock(&domains_lock);
	before = &domains;
	list_for_each (other, &domains, all) {
		if (other->id == d->id)
			ok = false;
		if (other->id > d->id) {
			before = &other->all;
			break;
		}
	}
	if (ok)
		list_insert(&d->all, before);
	spin_unlock(&domains_lock);
	return ok;
}

void domain_unpublish(struct domain *d)
{
	spin_lock(&domains_lock);
	list_del(&d->all);
	spin_unlock(&domains_lock);
}

static struct domain *get(domid_t id, bool dying_too)
{
	struct domain *d, *found = NULL;

	if (id == DOMID_SELF)
		id = current->domain->id;
	spin_lock(&domains_lock);
	list_for_each (d, &domains, all) {
		if (d->id != id || (!dying_too && READ_ONCE(d->dying)))
			continue;
		found = d;
		atomic_fetch_add(&d->refs, 1);
		break;
	}
	spin_unlock(&domains_lock);
	return found;
}

struct domain *domain_get(domid_t id)
{
	return get(id, false);
}

struct domain *domain_get_dying(domid_t id)
{
	return get(id, true);
}

struct domain *domain_next(int id)
{
	struct domain *d, *found = NULL;

	spin_lock(&domains_lock);
	list_for_each (d, &domains, all) {
		if ((int)d->id <= id)
			continue;
		found = d;
		atomic_fetch_add(&d->refs, 1);
		break;
	}
	spin_unlock(&domains_lock);
	return found;
}

void domain_put(struct domain *d)
{
	if (atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	BUG_ON(!d->dying);
	if (domain_free_hook)
		domain_free_hook(d);
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_free(d->vcpu[i]);
	hv_free(d->mm.map);
	heap_free(d->tramp, 0);
	heap_free(d, 0);
}

static unsigned int pages_order(size_t bytes)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

struct vcpu *vcpu_alloc(struct domain *d, unsigned int id)
{
	unsigned int order = pages_order(sizeof(struct vcpu));
	struct vcpu *v = heap_alloc(order);

	if (!v)
		return NULL;
	v->fpu = heap_alloc(pages_order(fpu_area_size()));
	if (!v->fpu) {
		heap_free(v, order);
		return NULL;
	}
	fpu_area_init(v->fpu);
	v->domain = d;
	v->id = id;
	v->state = VCPU_DOWN;
	v->kernel_root = v->user_root = MFN_INVALID;
	v->held_root[0] = v->held_root[1] = MFN_INVALID;
	v->info_mfn = MFN_INVALID;
	v->xcr0 = 1;
	v->loaded_on = MAX_CPUS;
	v->debugreg[6] = 0xffff0ff0;
	v->debugreg[7] = 0x400;
	for (unsigned int i = 0; i < ARRAY_SIZE(v->gdt_frames); i++)
		v->gdt_frames[i] = MFN_INVALID;
	v->info = &d->shared_info->vcpu_info[id % MAX_VCPUS];
	v->info->evtchn_upcall_mask = 1;
	d->vcpu[id] = v;
	atomic_fetch_or(&d->tramp->vcpus, 1ull << id);
	return v;
}

void vcpu_free(struct vcpu *v)
{
	v->domain->vcpu[v->id] = NULL;
	heap_free(v->fpu, pages_order(fpu_area_size()));
	heap_free(v, pages_order(sizeof(*v)));
}
