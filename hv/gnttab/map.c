/* SPDX-License-Identifier: MIT */
/*
 * Mapping others' frames, and giving them back.
 *
 * A mapping has up to two parts: the host part is an entry in the mapper's
 * page tables, the device part the right to give the frame's machine address
 * to a device.  Each is a use of the grant and holds the frame.  Memory safety
 * does not hang on their being undone in order: the page-table entry holds the
 * frame once more, by itself, until it is cleared by whatever means.  What
 * hangs on this file is the promise to the granting domain: reading and
 * writing are set in its entry for as long as its frame can be reached.
 *
 * Hence an unmap has three steps: clear the page-table entries of a whole
 * chunk, and only those that map what the handle says; flush, so that no CPU
 * of the mapper can reach the frames through an old translation; end the uses.
 *
 * Handles that the guest never hears of, because their copy-out fails, stay
 * mapped until the domain is destroyed: they are its own loss.
 */
#include "hv/cpu/tlb.h"
#include "hv/gnttab/internal.h"

#define PARTS (GNTMAP_host_map | GNTMAP_device_map)
/* What the table of mappings remembers of a map's flags. */
#define KEPT (PARTS | GNTMAP_readonly | GNTMAP_contains_pte)

static bool is_writable(uint32_t flags)
{
	return !(flags & GNTMAP_readonly);
}

static uint64_t pte_flags(uint32_t flags)
{
	uint64_t pte = PTE_P | PTE_A | PTE_D | PTE_NX;

	if (is_writable(flags))
		pte |= PTE_RW;
	if (flags & GNTMAP_application_map)
		pte |= PTE_US;
	return pte | (flags >> GNTMAP_guest_avail0 & 7) << 9;
}

/* ---- the parts of a mapping ------------------------------------------------ */
static unsigned int nr_parts(uint32_t flags)
{
	return !!(flags & GNTMAP_host_map) + !!(flags & GNTMAP_device_map);
}

/* End @n parts of a mapping of frame @m. */
static void parts_end(const struct mapping *track, mfn_t m, unsigned int n)
{
	bool writable = is_writable(track->flags);

	while (n--) {
		unuse_frame(m, writable);
		table_unpin(track->owner, track->ref, writable);
	}
}

/* Each part is a use of the grant and a hold on the frame. */
static int parts_begin(const struct mapping *track, domid_t user, mfn_t *m)
{
	bool writable = is_writable(track->flags);
	unsigned int begun = 0;
	int rc;

	do {
		rc = table_pin(track->owner, track->ref, user, writable, m);
		if (rc)
			break;
		if (!use_frame(track->owner, *m, writable)) {
			table_unpin(track->owner, track->ref, writable);
			rc = GNTST_bad_page;
			break;
		}
	} while (++begun < nr_parts(track->flags));
	if (rc)
		parts_end(track, *m, begun);
	return rc;
}

/* ---- map ------------------------------------------------------------------- */
static int map_one(struct domain *d, struct pv_gnttab_map_grant_ref *op)
{
	struct mapping track = {.ref = op->ref, .flags = op->flags & KEPT};
	mfn_t m;
	int rc;

	if (!(op->flags & PARTS))
		return GNTST_bad_gntref;
	track.owner = domain_get(op->dom);
	if (!track.owner)
		return GNTST_bad_domain;
	rc = maptrack_alloc(&d->gnttab->track, &op->handle);
	if (rc)
		goto put_owner;
	rc = parts_begin(&track, d->id, &m);
	if (rc)
		goto free_handle;
	if (op->flags & GNTMAP_host_map &&
	    mm_grant_map(current, op->host_addr,
			 op->flags & GNTMAP_contains_pte, m, track.owner,
			 pte_flags(op->flags))) {
		rc = GNTST_bad_virt_addr;
		goto end_parts;
	}
	op->dev_bus_addr = m.raw << PAGE_SHIFT;
	maptrack_give(&d->gnttab->track, op->handle, &track);
	return GNTST_okay;

end_parts:
	parts_end(&track, m, nr_parts(track.flags));
free_handle:
	maptrack_give(&d->gnttab->track, op->handle, &(struct mapping){0});
put_owner:
	domain_put(track.owner);
	return rc;
}

void map_ops(void *ops, unsigned int n)
{
	struct pv_gnttab_map_grant_ref *op = ops;

	for (unsigned int i = 0; i < n; i++)
		op[i].status = map_one(current->domain, &op[i]);
}

/* ---- unmap ---------------------------------------------------------------- */
/* One request, and how far it is. */
struct unmapping {
	grant_handle_t handle;
	uint64_t host_addr, new_addr, dev_bus_addr; /* 0: not asked for   */
	int16_t status;
	struct mapping track; /* busy while status is okay                 */
	uint32_t parts; /* to end                                         */
	mfn_t m;
};

/* Clear (or replace) the page-table entry of the host part. */
static int unmap_host(const struct unmapping *u)
{
	int rc;

	if (u->new_addr)
		rc = mm_grant_replace(current, u->host_addr, u->new_addr, u->m,
				      is_writable(u->track.flags));
	else
		rc = mm_grant_unmap(current, u->host_addr,
				    u->track.flags & GNTMAP_contains_pte, u->m,
				    is_writable(u->track.flags));
	return rc ? GNTST_bad_virt_addr : GNTST_okay;
}

/* First step; afterwards status is okay and parts are as good as gone. */
static void unmap_begin(struct domain *d, struct unmapping *u)
{
	u->parts = 0;
	u->status = maptrack_take(&d->gnttab->track, u->handle, &u->track);
	if (u->status)
		return;
	u->m = table_frame(u->track.owner, u->track.ref);
	if (u->dev_bus_addr && u->track.flags & GNTMAP_device_map) {
		if (u->dev_bus_addr == u->m.raw << PAGE_SHIFT)
			u->parts |= GNTMAP_device_map;
		else
			u->status = GNTST_bad_dev_addr;
	}
	if (!u->status && u->host_addr && u->track.flags & GNTMAP_host_map) {
		u->status = unmap_host(u);
		u->parts |= GNTMAP_host_map;
	}
	if (u->status) {
		u->parts = 0;
		maptrack_give(&d->gnttab->track, u->handle, &u->track);
	}
}

/* Last step, after the flush. */
static void unmap_end(struct domain *d, struct unmapping *u)
{
	struct mapping left = u->track;

	if (u->status)
		return;
	parts_end(&u->track, u->m, nr_parts(u->parts));
	left.flags &= ~u->parts;
	if (!(left.flags & PARTS))
		left.flags = 0;
	maptrack_give(&d->gnttab->track, u->handle, &left);
	if (!left.flags)
		domain_put(u->track.owner);
}

static void unmap_chunk(struct unmapping *u, unsigned int n)
{
	struct domain *d = current->domain;
	bool flush = false;

	for (unsigned int i = 0; i < n; i++) {
		unmap_begin(d, &u[i]);
		flush |= u[i].parts & GNTMAP_host_map;
	}
	/* ORDER: entries before the clock, clock before the uses end. */
	if (flush)
		tlb_flush_mask(tlb_stale(~0ull, tlb_now()));
	for (unsigned int i = 0; i < n; i++)
		unmap_end(d, &u[i]);
}

void unmap_ops(void *ops, unsigned int n)
{
	struct pv_gnttab_unmap_grant_ref *op = ops;
	struct unmapping u[GNTTAB_CHUNK];

	for (unsigned int i = 0; i < n; i++) {
		u[i].handle = op[i].handle;
		u[i].host_addr = op[i].host_addr;
		u[i].new_addr = 0;
		u[i].dev_bus_addr = op[i].dev_bus_addr;
	}
	unmap_chunk(u, n);
	for (unsigned int i = 0; i < n; i++)
		op[i].status = u[i].status;
}

void replace_ops(void *ops, unsigned int n)
{
	struct pv_gnttab_unmap_and_replace *op = ops;
	struct unmapping u[GNTTAB_CHUNK];

	for (unsigned int i = 0; i < n; i++) {
		u[i].handle = op[i].handle;
		u[i].host_addr = op[i].host_addr;
		u[i].new_addr = op[i].new_addr;
		u[i].dev_bus_addr = 0;
	}
	unmap_chunk(u, n);
	for (unsigned int i = 0; i < n; i++)
		op[i].status = u[i].status;
}

uint32_t release_mappings(struct domain *d, uint32_t from, unsigned int budget)
{
	struct maptrack *t = &d->gnttab->track;

	for (; from < t->nr && budget; from++, budget--) {
		struct unmapping u = {.handle = from};

		u.status = maptrack_take(t, from, &u.track);
		if (u.status)
			continue;
		u.m = table_frame(u.track.owner, u.track.ref);
		u.parts = u.track.flags & PARTS;
		unmap_end(d, &u);
	}
	return from;
}
