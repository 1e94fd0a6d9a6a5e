/* SPDX-License-Identifier: MIT */
/*
 * What the grant room stands on: page tables that keep references of their
 * own, as the memory room's do, the flush, and the restart of calls.
 */
#include "tests/unit_gnttab/room.h"

#include <pv/hypercalls.h>

#include "hv/cpu/tlb.h"

struct slot slots[DOMS][SLOTS];
unsigned int flushes, restarts;

/* ---- page tables --------------------------------------------------------------- */
static struct slot *find(struct vcpu *v, uint64_t where, bool is_pte)
{
	uint64_t n = is_pte ? (where - slot_pte(0)) / 8
			    : (where - slot_va(0)) / PAGE_SIZE;

	return n < SLOTS ? &slots[v->domain->id][n] : NULL;
}

static void put(struct slot *s)
{
	if (s->present)
		unuse_frame(s->m, s->flags & PTE_RW);
	s->present = false;
}

int mm_grant_map(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		 struct domain *owner, uint64_t flags)
{
	struct slot *s = find(v, where, is_pte);

	if (!s || !use_frame(owner, m, flags & PTE_RW))
		return -EINVAL;
	put(s);
	*s = (struct slot){true, m, flags};
	return 0;
}

static bool maps(const struct slot *s, mfn_t m, bool writable)
{
	return s && s->present && mfn_eq(s->m, m) &&
	       !!(s->flags & PTE_RW) == writable;
}

int mm_grant_unmap(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		   bool writable)
{
	struct slot *s = find(v, where, is_pte);

	if (!maps(s, m, writable))
		return -EINVAL;
	put(s);
	return 0;
}

int mm_grant_replace(struct vcpu *v, uint64_t where, uint64_t from, mfn_t m,
		     bool writable)
{
	struct slot *s = find(v, where, false), *f = find(v, from, false);

	if (!maps(s, m, writable) || !f || !f->present || s == f)
		return -EINVAL;
	put(s);
	*s = *f;
	f->present = false;
	return 0;
}

void slot_clear(struct domain *d, unsigned int n)
{
	put(&slots[d->id][n]);
}

/* ---- processors, the dispatcher ------------------------------------------------ */
uint32_t tlb_now(void)
{
	return 1;
}

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
	assert_int_equal(stamp, 1);
	return mask;
}

void tlb_flush_mask(cpumask_t mask)
{
	assert_true(mask == ~0ull);
	flushes++;
}

static struct {
	bool wanted;
	uint64_t a[3];
} again;

static long restart(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		    uint64_t a3)
{
	(void)a3;
	assert_int_equal(nr, HC_grant_table_op);
	again.wanted = true;
	again.a[0] = a0;
	again.a[1] = a1;
	again.a[2] = a2;
	restarts++;
	return 0;
}

long (*mm_restart)(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		   uint64_t a3) = restart;

/* ---- domains -------------------------------------------------------------------- */
int room_make(void **state)
{
	static struct room r;

	host_begin();
	memset(slots, 0, sizeof(slots));
	flushes = restarts = 0;
	for (domid_t id = 0; id < DOMS; id++) {
		r.d[id] = host_domain(id, 1, id == 0);
		assert_int_equal(gnttab_domain_init(r.d[id], 4), 0);
	}
	*state = &r;
	return 0;
}

static void begin_destroy(struct domain *d)
{
	d->dying = true;
	for (unsigned int n = 0; n < SLOTS; n++)
		slot_clear(d, n);
	while (gnttab_domain_destroy(d) == -ERESTART)
		;
	assert_int_equal(gnttab_domain_destroy(d), 0);
}

void room_destroy(struct room *r, unsigned int id)
{
	begin_destroy(r->d[id]);
	gnttab_domain_free(r->d[id]);
	host_domain_free(r->d[id]);
	r->d[id] = NULL;
}

int room_free(void **state)
{
	struct room *r = *state;

	for (unsigned int id = 0; id < DOMS; id++)
		if (r->d[id])
			begin_destroy(r->d[id]);
	for (unsigned int id = 0; id < DOMS; id++) {
		if (!r->d[id])
			continue;
		gnttab_domain_free(r->d[id]);
		host_domain_free(r->d[id]);
	}
	host_end();
	return 0;
}

struct pv_grant_entry_v1 *entry(struct domain *d, grant_ref_t ref)
{
	return &d->gnttab->frame[ref / GRANTS_PER_FRAME]
			.entries[ref % GRANTS_PER_FRAME];
}

long call(struct domain *d, uint32_t cmd, void *ops, uint32_t count)
{
	long rc;

	host_run(d, 0);
	again.wanted = false;
	rc = hc_grant_table_op(cmd, gva(ops), count);
	while (again.wanted) {
		again.wanted = false;
		rc = hc_grant_table_op((uint32_t)again.a[0], again.a[1],
				       (uint32_t)again.a[2]);
	}
	return rc;
}

int map(struct domain *d, struct pv_gnttab_map_grant_ref *op)
{
	op->status = 1;
	assert_int_equal(call(d, GNTTABOP_map_grant_ref, op, 1), 0);
	return op->status;
}

int unmap(struct domain *d, uint64_t host_addr, uint64_t dev_bus_addr,
	  grant_handle_t handle)
{
	struct pv_gnttab_unmap_grant_ref op = {.host_addr = host_addr,
					       .dev_bus_addr = dev_bus_addr,
					       .handle = handle,
					       .status = 1};

	assert_int_equal(call(d, GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}
