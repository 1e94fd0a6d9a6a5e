/* SPDX-License-Identifier: MIT */
/*
 * The table of a domain's mappings, by handle.
 *
 * Free handles are a list through the entries; memory comes a page at a time
 * and stays.  Whoever works on a mapping makes it busy, so that a second
 * unmap of the same handle, on another vcpu, finds no mapping.
 */
#include "hv/gnttab/maptrack.h"
#include "hv/lib/bug.h"
#include "hv/mm/mm.h"

static struct mapping *mapping_at(struct maptrack *t, grant_handle_t handle)
{
	return &t->pages[handle / MAPPINGS_PER_PAGE]
			[handle % MAPPINGS_PER_PAGE];
}

void maptrack_init(struct maptrack *t)
{
	spin_lock_init(&t->lock, RUNG_GNTTAB);
	t->nr = 0;
	t->limit = MAPTRACK_PAGES * MAPPINGS_PER_PAGE;
	t->free = HANDLE_NONE;
	t->pages = NULL;
}

void maptrack_free(struct maptrack *t)
{
	for (uint32_t i = 0; i < t->nr / MAPPINGS_PER_PAGE; i++)
		heap_free(t->pages[i], 0);
	if (t->pages)
		heap_free(t->pages, MAPTRACK_DIR_ORDER);
}

static bool grow(struct maptrack *t) MUST_HOLD(t->lock)
{
	struct mapping *page;

	if (t->nr >= t->limit)
		return false;
	if (!t->pages)
		t->pages = heap_alloc(MAPTRACK_DIR_ORDER);
	page = t->pages ? heap_alloc(0) : NULL;
	if (!page)
		return false;
	t->pages[t->nr / MAPPINGS_PER_PAGE] = page;
	for (uint32_t i = MAPPINGS_PER_PAGE; i-- > 0;) {
		page[i].ref = t->free;
		t->free = t->nr + i;
	}
	t->nr += MAPPINGS_PER_PAGE;
	return true;
}

int maptrack_alloc(struct maptrack *t, grant_handle_t *handle)
{
	struct mapping *m;
	int rc = GNTST_no_space;

	spin_lock(&t->lock);
	if (t->free != HANDLE_NONE || grow(t)) {
		*handle = t->free;
		m = mapping_at(t, *handle);
		t->free = m->ref;
		m->flags = MAPPING_BUSY;
		rc = GNTST_okay;
	}
	spin_unlock(&t->lock);
	return rc;
}

int maptrack_take(struct maptrack *t, grant_handle_t handle,
		  struct mapping *out)
{
	int rc = GNTST_bad_handle;

	spin_lock(&t->lock);
	if (handle < t->nr) {
		struct mapping *m = mapping_at(t, handle);

		if (m->flags && !(m->flags & MAPPING_BUSY)) {
			*out = *m;
			m->flags |= MAPPING_BUSY;
			rc = GNTST_okay;
		}
	}
	spin_unlock(&t->lock);
	return rc;
}

void maptrack_give(struct maptrack *t, grant_handle_t handle,
		   const struct mapping *with)
{
	struct mapping *m = mapping_at(t, handle);

	spin_lock(&t->lock);
	BUG_ON(!(m->flags & MAPPING_BUSY));
	*m = *with;
	if (!m->flags) {
		m->ref = t->free;
		t->free = handle;
	}
	spin_unlock(&t->lock);
}
