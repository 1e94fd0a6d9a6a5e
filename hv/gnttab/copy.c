/* SPDX-License-Identifier: MIT */
/*
 * Copies between frames of the caller and granted frames, through the direct
 * map.  A grant is in use (its flags set, its frame held) for the copy alone.
 *
 * HOSTILE  Both frames may be written by their domains while we copy; nothing
 * is decided by what is in them.
 */
#include "hv/gnttab/internal.h"

/* One end of a copy, held. */
struct end {
	struct domain *d; /* a reference */
	grant_ref_t ref;
	bool granted, writable;
	mfn_t m;
};

/* Where the end is: what it names, and whether the caller may name it. */
static int end_find(struct end *e, const struct pv_gnttab_copy_ptr *p)
{
	int rc;

	if (!e->granted && p->domid != DOMID_SELF)
		return GNTST_permission_denied;
	e->d = domain_get(p->domid);
	if (!e->d)
		return GNTST_bad_domain;
	if (!e->granted) {
		e->m = mfn_of(p->u.gmfn);
		return GNTST_okay;
	}
	e->ref = p->u.ref;
	rc = table_pin(e->d, e->ref, current->domain->id, e->writable, &e->m);
	if (rc)
		domain_put(e->d);
	return rc;
}

static void end_forget(const struct end *e)
{
	if (e->granted)
		table_unpin(e->d, e->ref, e->writable);
	domain_put(e->d);
}

static int end_get(struct end *e, const struct pv_gnttab_copy_ptr *p)
{
	int rc = end_find(e, p);

	if (rc)
		return rc;
	if (!use_frame(e->d, e->m, e->writable)) {
		end_forget(e);
		return GNTST_bad_page;
	}
	return GNTST_okay;
}

static void end_put(const struct end *e)
{
	unuse_frame(e->m, e->writable);
	end_forget(e);
}

static int copy_one(const struct pv_gnttab_copy *op)
{
	struct end from = {.granted = op->flags & GNTCOPY_source_gref};
	struct end to = {.granted = op->flags & GNTCOPY_dest_gref,
			 .writable = true};
	int rc;

	if (op->source.offset + op->len > (int)PAGE_SIZE ||
	    op->dest.offset + op->len > (int)PAGE_SIZE)
		return GNTST_bad_copy_arg;
	rc = end_get(&from, &op->source);
	if (rc)
		return rc;
	rc = end_get(&to, &op->dest);
	if (!rc) {
		memmove((char *)direct_map(to.m) + op->dest.offset,
			(char *)direct_map(from.m) + op->source.offset,
			op->len);
		end_put(&to);
	}
	end_put(&from);
	return rc;
}

void copy_ops(void *ops, unsigned int n)
{
	struct pv_gnttab_copy *op = ops;

	for (unsigned int i = 0; i < n; i++)
		op[i].status = copy_one(&op[i]);
}
