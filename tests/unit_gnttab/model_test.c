/* SPDX-License-Identifier: MIT */
/*
 * Random grants, maps, unmaps and copies of three domains against a model.
 *
 * The model is a list of live mappings.  From it follows, after each step,
 * what must be seen elsewhere: the flags that the owners see in their entries,
 * the references of every frame, what page tables hold.  Owners are hostile:
 * they change entries in use at will (never our two flags, which the
 * comparison needs) and guests clear page-table entries behind our back.
 */
#include "tests/unit_gnttab/room.h"

#define REFS 8
#define MAPS 40

struct live {
	bool on;
	unsigned int user, owner, ref, slot;
	uint32_t flags; /* parts that are left, readonly, contains_pte */
	uint32_t frame;
	grant_handle_t handle;
};

struct walk {
	struct room *r;
	struct live live[MAPS];
	uint64_t seed;
};

static unsigned int rnd(struct walk *w, unsigned int below)
{
	return host_random(&w->seed, below);
}

/* Uses of an entry, by the model: of both kinds, or for writing. */
static unsigned int uses(struct walk *w, unsigned int owner, unsigned int ref,
			 bool writing)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < MAPS; i++) {
		struct live *l = &w->live[i];

		if (!l->on || l->owner != owner || l->ref != ref ||
		    (writing && l->flags & GNTMAP_readonly))
			continue;
		n += !!(l->flags & GNTMAP_host_map) +
		     !!(l->flags & GNTMAP_device_map);
	}
	return n;
}

static struct live *first_use(struct walk *w, unsigned int owner,
			      unsigned int ref)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (w->live[i].on && w->live[i].owner == owner &&
		    w->live[i].ref == ref)
			return &w->live[i];
	return NULL;
}

/* The owner rewrites an entry, but for the bits that say it is in use. */
static void step_grant(struct walk *w)
{
	unsigned int owner = rnd(w, DOMS), ref = rnd(w, REFS);
	struct pv_grant_entry_v1 *e = entry(w->r->d[owner], ref);
	uint16_t ours = e->flags & (GTF_reading | GTF_writing);
	uint16_t flags = rnd(w, 6) ? GTF_permit_access : (uint16_t)rnd(w, 4);

	if (!rnd(w, 4))
		flags |= GTF_readonly;
	e->flags = flags | ours;
	e->domid = (domid_t)rnd(w, DOMS);
	/* Mostly its own frames; the address of frame 0 would mean "none". */
	e->frame = rnd(w, 8) ? 8 * owner + 1 + rnd(w, 7) : 1 + rnd(w, 70);
}

/* May @user use the entry now, and which frame does it get? */
static bool allowed(struct walk *w, unsigned int user, unsigned int owner,
		    unsigned int ref, bool writable, uint32_t *frame)
{
	struct pv_grant_entry_v1 *e = entry(w->r->d[owner], ref);
	struct live *l = first_use(w, owner, ref);

	*frame = l ? l->frame : e->frame;
	if (l && l->user != user)
		return false;
	if (l && (!writable || uses(w, owner, ref, true)))
		return true;
	return (e->flags & GTF_type_mask) == GTF_permit_access &&
	       e->domid == user && !(writable && e->flags & GTF_readonly);
}

static bool usable(unsigned int owner, uint32_t frame, bool writable)
{
	return frame / 8 == owner && !(writable && host_frames[frame].table);
}

static void step_map(struct walk *w)
{
	static const uint32_t parts[] = {GNTMAP_host_map, GNTMAP_device_map,
					 GNTMAP_host_map | GNTMAP_device_map};
	struct pv_gnttab_map_grant_ref op = {.ref = rnd(w, REFS)};
	unsigned int user = rnd(w, DOMS), owner = rnd(w, DOMS), i = 0;
	unsigned int slot = rnd(w, SLOTS);
	bool writable = rnd(w, 2);
	uint32_t frame;

	while (i < MAPS && w->live[i].on)
		i++;
	if (i == MAPS)
		return;
	op.dom = (domid_t)owner;
	op.flags = parts[rnd(w, 3)] | (writable ? 0 : GNTMAP_readonly) |
		   (rnd(w, 2) ? GNTMAP_contains_pte : 0);
	op.host_addr =
		op.flags & GNTMAP_contains_pte ? slot_pte(slot) : slot_va(slot);
	if (!allowed(w, user, owner, op.ref, writable, &frame)) {
		assert_int_equal(map(w->r->d[user], &op), GNTST_bad_gntref);
		return;
	}
	if (!usable(owner, frame, writable)) {
		assert_int_equal(map(w->r->d[user], &op), GNTST_bad_page);
		return;
	}
	assert_int_equal(map(w->r->d[user], &op), GNTST_okay);
	assert_int_equal(op.dev_bus_addr, (uint64_t)frame << PAGE_SHIFT);
	w->live[i] = (struct live){
		true, user, owner, op.ref, slot, op.flags, frame, op.handle,
	};
}

static void step_unmap(struct walk *w)
{
	struct live *l = &w->live[rnd(w, MAPS)];
	bool host = rnd(w, 4), dev = rnd(w, 2);
	unsigned int slot = rnd(w, 6) ? l->slot : rnd(w, SLOTS);
	struct slot *s;
	uint64_t at;
	int rc;

	if (!l->on) {
		assert_int_equal(unmap(w->r->d[rnd(w, DOMS)], slot_va(0), 0,
				       MAPS + rnd(w, 1000)),
				 GNTST_bad_handle);
		return;
	}
	at = l->flags & GNTMAP_contains_pte ? slot_pte(slot) : slot_va(slot);
	s = &slots[l->user][slot];
	host &= !!(l->flags & GNTMAP_host_map);
	dev &= !!(l->flags & GNTMAP_device_map);
	if (host && (!s->present || s->m.raw != l->frame ||
		     !(s->flags & PTE_RW) != !!(l->flags & GNTMAP_readonly))) {
		assert_int_equal(unmap(w->r->d[l->user], at,
				       (uint64_t)l->frame << PAGE_SHIFT,
				       l->handle),
				 GNTST_bad_virt_addr);
		return;
	}
	rc = unmap(w->r->d[l->user], host ? at : 0,
		   dev ? (uint64_t)l->frame << PAGE_SHIFT : 0, l->handle);
	assert_int_equal(rc, GNTST_okay);
	if (host)
		l->flags &= ~GNTMAP_host_map;
	if (dev)
		l->flags &= ~GNTMAP_device_map;
	l->on = l->flags & (GNTMAP_host_map | GNTMAP_device_map);
}

static void step_copy(struct walk *w)
{
	unsigned int user = rnd(w, DOMS), owner = rnd(w, DOMS);
	unsigned int ref = rnd(w, REFS), own = 8 * user + rnd(w, 8);
	bool to = rnd(w, 2);
	struct pv_gnttab_copy_ptr lent = {.u.ref = ref,
					  .domid = (domid_t)owner,
					  .offset = (uint16_t)rnd(w, 100)};
	struct pv_gnttab_copy_ptr mine = {.u.gmfn = own, .domid = DOMID_SELF};
	struct pv_gnttab_copy op = {
		.source = to ? mine : lent,
		.dest = to ? lent : mine,
		.len = (uint16_t)rnd(w, 3000),
		.flags = to ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
	};
	uint32_t frame;
	int want = GNTST_okay;

	if (!allowed(w, user, owner, ref, to, &frame))
		want = GNTST_bad_gntref;
	else if (!usable(owner, frame, to) || !usable(user, own, !to))
		want = GNTST_bad_page;
	/* Of two errors the source's is named. */
	if (to && !usable(user, own, false))
		want = GNTST_bad_page;
	assert_int_equal(call(w->r->d[user], GNTTABOP_copy, &op, 1), 0);
	assert_int_equal(op.status, want);
}

static void step_guest_clears(struct walk *w)
{
	slot_clear(w->r->d[rnd(w, DOMS)], rnd(w, SLOTS));
}

static void check_entries(struct walk *w)
{
	for (unsigned int owner = 0; owner < DOMS; owner++) {
		for (unsigned int ref = 0; ref < REFS; ref++) {
			uint16_t flags = entry(w->r->d[owner], ref)->flags;

			assert_int_equal(!!(flags & GTF_reading),
					 !!uses(w, owner, ref, false));
			assert_int_equal(!!(flags & GTF_writing),
					 !!uses(w, owner, ref, true));
		}
	}
}

static void check_frames(struct walk *w)
{
	int refs[HOST_FRAMES] = {0}, writable[HOST_FRAMES] = {0};

	for (unsigned int i = 0; i < MAPS; i++) {
		struct live *l = &w->live[i];
		int parts = !!(l->flags & GNTMAP_host_map) +
			    !!(l->flags & GNTMAP_device_map);

		if (!l->on)
			continue;
		refs[l->frame] += parts;
		if (!(l->flags & GNTMAP_readonly))
			writable[l->frame] += parts;
	}
	for (unsigned int d = 0; d < DOMS; d++) {
		for (unsigned int n = 0; n < SLOTS; n++) {
			struct slot *s = &slots[d][n];

			if (!s->present)
				continue;
			refs[s->m.raw]++;
			writable[s->m.raw] += !!(s->flags & PTE_RW);
		}
	}
	for (unsigned int f = 0; f < HOST_FRAMES; f++) {
		assert_int_equal(host_frames[f].refs, refs[f]);
		assert_int_equal(host_frames[f].writable, writable[f]);
	}
}

/* Whatever a writable entry reaches, its owner sees as being written. */
static void check_promise(struct walk *w)
{
	for (unsigned int d = 0; d < DOMS; d++) {
		for (unsigned int n = 0; n < SLOTS; n++) {
			struct slot *s = &slots[d][n];
			bool seen = !s->present;

			for (unsigned int i = 0; i < MAPS && !seen; i++) {
				struct live *l = &w->live[i];

				seen = l->on && l->user == d &&
				       l->frame == s->m.raw &&
				       l->flags & GNTMAP_host_map &&
				       !(l->flags & GNTMAP_readonly) ==
					       !!(s->flags & PTE_RW);
			}
			assert_true(seen);
		}
	}
}

static void the_room_accounts_as_the_model_does(void **state)
{
	static void (*const steps[])(struct walk *) = {
		step_grant, step_grant, step_map,          step_map,
		step_map,   step_map,   step_unmap,        step_unmap,
		step_unmap, step_copy,  step_guest_clears,
	};

	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct walk w = {.seed = seed * 0x9e3779b97f4a7c15ull};

		print_message("# seed %lu\n", (unsigned long)seed);
		room_make(state);
		w.r = *state;
		for (unsigned int f = 3; f < 8 * DOMS; f += 8)
			host_frames[f].table = true;
		for (int i = 0; i < 2000; i++) {
			steps[rnd(&w, ARRAY_SIZE(steps))](&w);
			check_entries(&w);
			check_frames(&w);
			check_promise(&w);
		}
		room_free(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_room_accounts_as_the_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
