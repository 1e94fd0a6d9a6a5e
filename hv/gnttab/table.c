/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table: its frames, and the uses of its entries.
 *
 * The entries' pages are the hypervisor's and lent to the domain, which maps
 * and writes them.  The counts of uses lie beside them in our own memory, and
 * outlive the entries: a mapping holds a reference on the domain that granted
 * it, so a domain that has been destroyed keeps its counts until its last
 * mapper is done.
 *
 * LOCKING  One lock per table, held for a few stores.  Nothing here takes two.
 */
#include <pv/memory.h>

#include "hv/gnttab/internal.h"

int gnttab_domain_init(struct domain *d, unsigned int max_frames)
{
	struct gnttab *t = heap_alloc(0);

	d->gnttab = t;
	if (!t)
		return -ENOMEM;
	spin_lock_init(&t->lock, RUNG_GNTTAB);
	maptrack_init(&t->track);
	t->max_frames = min((unsigned long)max_frames, GNTTAB_MAX_FRAMES);
	return t->max_frames && table_grow(d, 1) == GNTST_okay ? 0 : -ENOMEM;
}

void gnttab_limit_mappings(struct domain *d, uint32_t max)
{
	struct maptrack *t = &d->gnttab->track;

	t->limit = min(t->limit, max);
}

static int add_frame(struct domain *d, struct gnttab *t) MUST_HOLD(t->lock)
{
	struct grant_frame *f = &t->frame[t->nr_frames];

	f->uses = heap_alloc(USES_ORDER);
	if (!f->uses)
		return GNTST_general_error;
	f->entries = heap_alloc(0);
	if (!f->entries)
		goto free_uses;
	frame_share(direct_to_mfn(f->entries), d, true);
	t->nr_frames++;
	return GNTST_okay;

free_uses:
	heap_free(f->uses, USES_ORDER);
	f->uses = NULL;
	return GNTST_general_error;
}

int table_grow(struct domain *d, unsigned int nr)
{
	struct gnttab *t = d->gnttab;
	int rc = GNTST_okay;

	if (nr > t->max_frames)
		return GNTST_general_error;
	spin_lock(&t->lock);
	while (t->nr_frames < nr && !rc)
		rc = d->dying ? GNTST_bad_domain : add_frame(d, t);
	spin_unlock(&t->lock);
	return rc;
}

mfn_t table_mfn(struct domain *d, unsigned int i)
{
	void *entries = READ_ONCE(d->gnttab->frame[i].entries);

	return entries ? direct_to_mfn(entries) : MFN_INVALID;
}

int gnttab_resource(struct domain *d, uint32_t id, uint64_t first, uint32_t nr,
		    uint64_t *mfns)
{
	uint64_t most = d->gnttab->max_frames;

	if (id != XENMEM_resource_grant_table_id_shared || first > most ||
	    nr > most - first)
		return -EINVAL;
	if (nr && table_grow(d, (unsigned int)first + nr))
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		mfns[i] = table_mfn(d, (unsigned int)first + i).raw;
	return nr ? 0 : (int)most;
}

static struct pv_grant_entry_v1 *entry_at(struct gnttab *t, grant_ref_t ref)
{
	struct pv_grant_entry_v1 *page =
		t->frame[ref / GRANTS_PER_FRAME].entries;

	return page ? &page[ref % GRANTS_PER_FRAME] : NULL;
}

static struct grant_use *use_at(struct gnttab *t, grant_ref_t ref)
{
	return &t->frame[ref / GRANTS_PER_FRAME].uses[ref % GRANTS_PER_FRAME];
}

static bool ref_exists(const struct gnttab *t, grant_ref_t ref)
{
	return ref / GRANTS_PER_FRAME < t->nr_frames;
}

int table_pin(struct domain *owner, grant_ref_t ref, domid_t user,
	      bool writable, mfn_t *m)
{
	struct gnttab *t = owner->gnttab;
	int rc = GNTST_bad_gntref;

	spin_lock(&t->lock);
	if (ref_exists(t, ref) && entry_at(t, ref)) {
		rc = grant_pin(entry_at(t, ref), use_at(t, ref), user,
			       writable);
		*m = mfn_of(use_at(t, ref)->frame);
	}
	spin_unlock(&t->lock);
	return rc;
}

void table_unpin(struct domain *owner, grant_ref_t ref, bool writable)
{
	struct gnttab *t = owner->gnttab;

	spin_lock(&t->lock);
	grant_unpin(entry_at(t, ref), use_at(t, ref), writable);
	spin_unlock(&t->lock);
}

mfn_t table_frame(struct domain *owner, grant_ref_t ref)
{
	return mfn_of(use_at(owner->gnttab, ref)->frame);
}

int table_swap(struct domain *d, grant_ref_t a, grant_ref_t b)
{
	struct gnttab *t = d->gnttab;
	int rc = GNTST_okay;

	spin_lock(&t->lock);
	if (!ref_exists(t, a) || !ref_exists(t, b)) {
		rc = GNTST_bad_gntref;
	} else if (use_at(t, a)->readers | use_at(t, a)->writers |
		   use_at(t, b)->readers | use_at(t, b)->writers) {
		rc = GNTST_eagain;
	} else if (a != b) {
		struct pv_grant_entry_v1 was = *entry_at(t, a);

		*entry_at(t, a) = *entry_at(t, b);
		*entry_at(t, b) = was;
	}
	spin_unlock(&t->lock);
	return rc;
}

/* Mappings that one call of gnttab_domain_destroy ends. */
#define RELEASE_BUDGET 1024

int gnttab_domain_destroy(struct domain *d)
{
	struct gnttab *t = d->gnttab;

	if (!t)
		return 0;
	t->released = release_mappings(d, t->released, RELEASE_BUDGET);
	if (t->released < t->track.nr)
		return -ERESTART;

	spin_lock(&t->lock);
	for (unsigned int i = 0; i < t->nr_frames; i++) {
		if (t->frame[i].entries)
			frame_unshare(direct_to_mfn(t->frame[i].entries));
		t->frame[i].entries = NULL;
	}
	spin_unlock(&t->lock);
	return 0;
}

void gnttab_domain_free(struct domain *d)
{
	struct gnttab *t = d->gnttab;

	if (!t)
		return;
	for (unsigned int i = 0; i < t->nr_frames; i++) {
		BUG_ON(t->frame[i].entries);
		heap_free(t->frame[i].uses, USES_ORDER);
	}
	maptrack_free(&t->track);
	heap_free(t, 0);
	d->gnttab = NULL;
}
