/* SPDX-License-Identifier: MIT */
/*
 * The grant-table hypercall.
 *
 * Operations on grants come in arrays that are read, done and written back a
 * chunk at a time; after a few chunks the call restarts with what is left.
 * Operations on the table itself take one structure.
 */
#include <pv/hypercalls.h>

#include "hv/gnttab/internal.h"

/* Chunks that one entry works on: 128 copies of a page. */
#define CHUNK_BUDGET 4

union gnttab_op {
	struct pv_gnttab_setup_table setup_table;
	struct pv_gnttab_query_size query_size;
	struct pv_gnttab_set_version set_version;
	struct pv_gnttab_get_version get_version;
	struct pv_gnttab_swap_grant_ref swap;
	struct pv_gnttab_cache_flush cache_flush;
};

/* ---- one structure --------------------------------------------------------- */
/* The domain that a call is about, with a reference; GNTST_*. */
static int find_subject(domid_t id, struct domain **d)
{
	if (id != DOMID_SELF && id != current->domain->id &&
	    !current->domain->privileged)
		return GNTST_permission_denied;
	*d = domain_get(id);
	return *d ? GNTST_okay : GNTST_bad_domain;
}

static int op_setup_table(struct pv_gnttab_setup_table *op)
{
	struct domain *d;
	int rc = 0;

	op->status = find_subject(op->dom, &d);
	if (op->status)
		return 0;
	op->status = table_grow(d, op->nr_frames);
	for (unsigned int i = 0; !op->status && !rc && i < op->nr_frames; i++) {
		uint64_t mfn = table_mfn(d, i).raw;

		rc = copy_to_guest(op->frame_list + i * sizeof(mfn), &mfn,
				   sizeof(mfn));
	}
	domain_put(d);
	return rc;
}

static int op_query_size(struct pv_gnttab_query_size *op)
{
	struct domain *d;

	op->status = find_subject(op->dom, &d);
	if (op->status)
		return 0;
	op->nr_frames = READ_ONCE(d->gnttab->nr_frames);
	op->max_nr_frames = d->gnttab->max_frames;
	domain_put(d);
	return 0;
}

static int op_set_version(struct pv_gnttab_set_version *op)
{
	uint32_t wanted = op->version;

	op->version = 1;
	return wanted == 1 ? 0 : wanted == 2 ? -ENOSYS : -EINVAL;
}

static int op_get_version(struct pv_gnttab_get_version *op)
{
	struct domain *d;
	int rc = find_subject(op->dom, &d);

	if (rc)
		return rc == GNTST_bad_domain ? -ESRCH : -EPERM;
	op->version = 1;
	domain_put(d);
	return 0;
}

/* Nothing to do on a machine with coherent caches but to look at it. */
static int op_cache_flush(const struct pv_gnttab_cache_flush *op)
{
	if (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL) ||
	    op->offset + op->length > (int)PAGE_SIZE)
		return -EINVAL;
	return 0;
}

static int do_single(uint32_t cmd, union gnttab_op *op)
{
	switch (cmd) {
	case GNTTABOP_setup_table:
		return op_setup_table(&op->setup_table);
	case GNTTABOP_query_size:
		return op_query_size(&op->query_size);
	case GNTTABOP_set_version:
		return op_set_version(&op->set_version);
	case GNTTABOP_get_version:
		return op_get_version(&op->get_version);
	case GNTTABOP_swap_grant_ref:
		op->swap.status = table_swap(current->domain, op->swap.ref_a,
					     op->swap.ref_b);
		return 0;
	default:
		return op_cache_flush(&op->cache_flush);
	}
}

/* ---- arrays ---------------------------------------------------------------- */
static long do_array(uint32_t cmd, uint64_t arg, uint32_t count, size_t size,
		     void (*work)(void *ops, unsigned int n))
{
	union {
		struct pv_gnttab_copy largest[GNTTAB_CHUNK];
		struct pv_gnttab_map_grant_ref map[GNTTAB_CHUNK];
	} buf;
	unsigned int budget = CHUNK_BUDGET;

	while (count) {
		uint32_t n = min(count, GNTTAB_CHUNK);

		if (!budget--)
			return mm_restart(HC_grant_table_op, cmd, arg, count,
					  0);
		if (copy_from_guest(&buf, arg, n * size)) {
			/* Those before the bad one are to be done. */
			n = 1;
			if (copy_from_guest(&buf, arg, size))
				return -EFAULT;
		}
		work(&buf, n);
		if (copy_to_guest(arg, &buf, n * size))
			return -EFAULT;
		arg += n * size;
		count -= n;
	}
	return 0;
}

long hc_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count)
{
	static const uint8_t size[] = {
		[GNTTABOP_setup_table] = sizeof(struct pv_gnttab_setup_table),
		[GNTTABOP_query_size] = sizeof(struct pv_gnttab_query_size),
		[GNTTABOP_set_version] = sizeof(struct pv_gnttab_set_version),
		[GNTTABOP_get_version] = sizeof(struct pv_gnttab_get_version),
		[GNTTABOP_swap_grant_ref] =
			sizeof(struct pv_gnttab_swap_grant_ref),
		[GNTTABOP_cache_flush] = sizeof(struct pv_gnttab_cache_flush),
	};
	union gnttab_op op;
	long rc;

	switch (cmd) {
	case GNTTABOP_map_grant_ref:
		return do_array(cmd, arg, count,
				sizeof(struct pv_gnttab_map_grant_ref),
				map_ops);
	case GNTTABOP_unmap_grant_ref:
		return do_array(cmd, arg, count,
				sizeof(struct pv_gnttab_unmap_grant_ref),
				unmap_ops);
	case GNTTABOP_unmap_and_replace:
		return do_array(cmd, arg, count,
				sizeof(struct pv_gnttab_unmap_and_replace),
				replace_ops);
	case GNTTABOP_copy:
		return do_array(cmd, arg, count, sizeof(struct pv_gnttab_copy),
				copy_ops);
	}
	if (cmd >= ARRAY_SIZE(size) || !size[cmd])
		return -ENOSYS;
	if (count != 1)
		return -EINVAL;
	if (copy_from_guest(&op, arg, size[cmd]))
		return -EFAULT;
	rc = do_single(cmd, &op);
	if (copy_to_guest(arg, &op, size[cmd]))
		return -EFAULT;
	return rc;
}
