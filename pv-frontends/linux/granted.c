/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is granted once.
 *
 * Pages are taken one by one, for there may be no large piece, and mapped
 * behind one another: both ends see an area as one.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/page.h>

#include "pv-frontends/linux/granted.h"

static int take_pages(struct granted *g, unsigned int nr)
{
	g->page = kvcalloc(nr, sizeof(*g->page), GFP_KERNEL);
	g->ref = kvcalloc(nr, sizeof(*g->ref), GFP_KERNEL);
	if (!g->page || !g->ref)
		return -ENOMEM;
	for (; g->nr_page < nr; g->nr_page++) {
		g->page[g->nr_page] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!g->page[g->nr_page])
			return -ENOMEM;
	}
	g->dir = page_address(g->page[0]);
	g->map = vmap(g->page + 1, nr - 1, VM_MAP, PAGE_KERNEL);
	return g->map ? 0 : -ENOMEM;
}

static int grant_pages(struct granted *g, domid_t backend)
{
	for (; g->nr_granted < g->nr_page; g->nr_granted++) {
		int ref = gnttab_grant_foreign_access(
			backend, xen_page_to_gfn(g->page[g->nr_granted]), 0);

		if (ref < 0)
			return ref;
		g->ref[g->nr_granted] = ref;
	}
	return 0;
}

int granted_open(struct granted *g, domid_t backend, unsigned int nr,
		 size_t refs)
{
	u32 *to;
	int rc = take_pages(g, nr);

	if (!rc)
		rc = grant_pages(g, backend);
	if (rc)
		return rc;
	to = (u32 *)((char *)g->dir + refs);
	for (unsigned int i = 1; i < nr; i++)
		to[i - 1] = g->ref[i];
	return 0;
}

void granted_close(struct granted *g)
{
	if (g->map)
		vunmap(g->map);
	for (unsigned int i = g->nr_page; i-- > 0;) {
		if (i >= g->nr_granted)
			__free_page(g->page[i]);
		else
			gnttab_end_foreign_access(g->ref[i], g->page[i]);
	}
	kvfree(g->page);
	kvfree(g->ref);
	*g = (struct granted){.page = NULL};
}
