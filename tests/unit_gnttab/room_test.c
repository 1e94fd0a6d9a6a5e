/* SPDX-License-Identifier: MIT */
/*
 * The grant room as guests see it: maps, unmaps, copies, the table, and who is
 * to blame.  The random walk against a model is in model_test.c.
 */
#include "tests/unit_gnttab/room.h"

#define OWNER 1
#define USER  2
/* OWNER's frames are 8..15, USER's 16..23. */
#define FRAME 9
#define USED  (GTF_permit_access | GTF_reading | GTF_writing)

static void grant(struct domain *d, grant_ref_t ref, domid_t to, uint32_t frame,
		  uint16_t more)
{
	*entry(d, ref) = (struct pv_grant_entry_v1){
		GTF_permit_access | more,
		to,
		frame,
	};
}

static struct pv_gnttab_map_grant_ref map_op(grant_ref_t ref, unsigned int slot,
					     uint32_t flags)
{
	return (struct pv_gnttab_map_grant_ref){
		.host_addr = flags & GNTMAP_contains_pte ? slot_pte(slot)
							 : slot_va(slot),
		.flags = flags,
		.ref = ref,
		.dom = OWNER,
	};
}

/* ---- maps ------------------------------------------------------------------------ */
static void a_map_marks_the_entry_and_holds_the_frame(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op = map_op(5, 3, GNTMAP_host_map);

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	assert_int_equal(op.dev_bus_addr, FRAME << PAGE_SHIFT);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
	assert_true(slots[USER][3].present);
	assert_int_equal(slots[USER][3].m.raw, FRAME);
	assert_true(slots[USER][3].flags ==
		    (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX));
	/* The entry's and the mapping's. */
	assert_int_equal(host_frames[FRAME].writable, 2);
	assert_int_equal(unmap(r->d[USER], slot_va(3), 0, op.handle),
			 GNTST_okay);
	assert_int_equal(flushes, 1);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, GTF_permit_access);
	assert_int_equal(host_frames[FRAME].refs, 0);
	assert_int_equal(unmap(r->d[USER], slot_va(3), 0, op.handle),
			 GNTST_bad_handle);
}

static void flags_of_a_map_become_flags_of_the_entry(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op = map_op(
		5, 3,
		GNTMAP_host_map | GNTMAP_readonly | GNTMAP_application_map |
			GNTMAP_contains_pte | 5u << GNTMAP_guest_avail0);

	grant(r->d[OWNER], 5, USER, FRAME, GTF_readonly);
	assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	assert_true(slots[USER][3].flags ==
		    (PTE_P | PTE_US | PTE_A | PTE_D | PTE_NX | 5u << 9));
	assert_int_equal(host_frames[FRAME].writable, 0);
	assert_int_equal(host_frames[FRAME].refs, 2);
	assert_int_equal(unmap(r->d[USER], slot_pte(3), 0, op.handle),
			 GNTST_okay);
}

static void the_two_parts_of_a_map_go_one_by_one(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op =
		map_op(5, 3, GNTMAP_host_map | GNTMAP_device_map);
	uint64_t bus = FRAME << PAGE_SHIFT;

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	assert_int_equal(host_frames[FRAME].refs, 3);
	assert_int_equal(unmap(r->d[USER], 0, bus + PAGE_SIZE, op.handle),
			 GNTST_bad_dev_addr);
	assert_int_equal(unmap(r->d[USER], slot_va(3), 0, op.handle),
			 GNTST_okay);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
	assert_int_equal(host_frames[FRAME].refs, 1);
	assert_int_equal(unmap(r->d[USER], 0, bus, op.handle), GNTST_okay);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, GTF_permit_access);
	assert_int_equal(unmap(r->d[USER], 0, bus, op.handle),
			 GNTST_bad_handle);
}

/* The promise to the owner: writing stays set while an entry is writable. */
static void an_unmap_ends_only_what_it_cleared(void **state)
{
	struct room *r = *state;
	struct domain *u = r->d[USER];
	struct pv_gnttab_map_grant_ref ro =
		map_op(5, 1, GNTMAP_host_map | GNTMAP_readonly);
	struct pv_gnttab_map_grant_ref rw = map_op(5, 2, GNTMAP_host_map);

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	assert_int_equal(map(u, &ro), GNTST_okay);
	assert_int_equal(map(u, &rw), GNTST_okay);
	assert_int_equal(unmap(u, slot_va(1), 0, rw.handle),
			 GNTST_bad_virt_addr);
	assert_int_equal(unmap(u, slot_va(7), 0, rw.handle),
			 GNTST_bad_virt_addr);
	assert_int_equal(unmap(u, slot_va(9999), 0, rw.handle),
			 GNTST_bad_virt_addr);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
	/* The guest cleared the entry itself: the grant is not given back,
	 * the frame stays what it is. */
	slot_clear(u, 2);
	assert_int_equal(host_frames[FRAME].writable, 1);
	assert_int_equal(unmap(u, slot_va(2), 0, rw.handle),
			 GNTST_bad_virt_addr);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
	assert_int_equal(unmap(u, slot_va(1), 0, ro.handle), GNTST_okay);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
}

static void a_refused_map_leaves_nothing(void **state)
{
	struct room *r = *state;
	struct domain *u = r->d[USER];
	const uint32_t host = GNTMAP_host_map;
	struct {
		struct pv_gnttab_map_grant_ref op;
		int status;
	} rows[] = {
		{map_op(5, 3, 0), GNTST_bad_gntref},
		{map_op(5, 3, GNTMAP_readonly), GNTST_bad_gntref},
		{map_op(5, 99, host), GNTST_bad_virt_addr},
		{map_op(5, 99, host | GNTMAP_device_map), GNTST_bad_virt_addr},
		{map_op(6, 3, host), GNTST_bad_gntref}, /* read-only */
		{map_op(7, 3, host), GNTST_bad_page}, /* another's frame */
		{map_op(8, 3, host), GNTST_bad_page}, /* a page table */
		{map_op(9, 3, host), GNTST_bad_gntref}, /* no grant */
		{map_op(512, 3, host), GNTST_bad_gntref},
		{map_op(UINT32_MAX, 3, host), GNTST_bad_gntref},
		{{.flags = host, .dom = 7}, GNTST_bad_domain},
		{{.flags = host, .dom = DOMID_IO}, GNTST_bad_domain},
		{{.flags = host, .dom = 0, .ref = 5}, GNTST_bad_gntref},
	};

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	grant(r->d[OWNER], 6, USER, FRAME, GTF_readonly);
	grant(r->d[OWNER], 7, USER, 17, 0);
	grant(r->d[OWNER], 8, USER, 11, 0);
	host_frames[11].table = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(map(u, &rows[i].op), rows[i].status);
	for (grant_ref_t ref = 5; ref < 10; ref++)
		assert_int_equal(entry(r->d[OWNER], ref)->flags &
					 (GTF_reading | GTF_writing),
				 0);
	assert_int_equal(host_frames[FRAME].refs, 0);
	assert_int_equal(r->d[OWNER]->refs, 1);
	/* A page table may be lent for reading. */
	rows[6].op.flags |= GNTMAP_readonly;
	assert_int_equal(map(u, &rows[6].op), GNTST_okay);
	assert_int_equal(rows[6].op.handle, 0);
}

static void mappings_run_out_with_their_own_error(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op =
		map_op(5, 3, GNTMAP_device_map | GNTMAP_readonly);
	uint32_t n = 0, most = MAPTRACK_PAGES * MAPPINGS_PER_PAGE;

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	host_heap_countdown = 1;
	assert_int_equal(map(r->d[USER], &op), GNTST_no_space);
	host_heap_countdown = 0;
	assert_int_equal(map(r->d[USER], &op), GNTST_no_space);
	host_heap_countdown = -1;
	while (map(r->d[USER], &op) == GNTST_okay)
		assert_int_equal(op.handle, n++);
	assert_int_equal(op.status, GNTST_no_space);
	assert_int_equal(n, most);
	assert_int_equal(host_frames[FRAME].refs, most);
	assert_int_equal(unmap(r->d[USER], 0, FRAME << PAGE_SHIFT, 77),
			 GNTST_okay);
	assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	assert_int_equal(op.handle, 77);
}

static void a_domain_may_have_fewer_mappings(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op =
		map_op(5, 3, GNTMAP_device_map | GNTMAP_readonly);
	uint32_t n = 0;

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	gnttab_limit_mappings(r->d[USER], MAPPINGS_PER_PAGE + 1);
	while (map(r->d[USER], &op) == GNTST_okay)
		n++;
	assert_int_equal(op.status, GNTST_no_space);
	assert_int_equal(n, 2 * MAPPINGS_PER_PAGE);
}

static void a_mapping_may_be_replaced_by_another_entry(void **state)
{
	struct room *r = *state;
	struct domain *u = r->d[USER];
	struct pv_gnttab_map_grant_ref a = map_op(5, 1, GNTMAP_host_map);
	struct pv_gnttab_map_grant_ref b = map_op(6, 2, GNTMAP_host_map);
	struct pv_gnttab_unmap_and_replace op = {.host_addr = slot_va(1),
						 .new_addr = slot_va(3)};

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	grant(r->d[OWNER], 6, USER, 10, 0);
	assert_int_equal(map(u, &a), GNTST_okay);
	assert_int_equal(map(u, &b), GNTST_okay);
	op.handle = a.handle;
	assert_int_equal(call(u, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(op.status, GNTST_bad_virt_addr);
	op.new_addr = slot_va(2);
	assert_int_equal(call(u, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(slots[USER][1].m.raw, 10);
	assert_false(slots[USER][2].present);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, GTF_permit_access);
	assert_int_equal(unmap(u, slot_va(1), 0, b.handle), GNTST_okay);
}

/* ---- batches ----------------------------------------------------------------------- */
#define BATCH 300

static void a_long_batch_restarts_and_flushes_once_a_chunk(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref maps[BATCH];
	struct pv_gnttab_unmap_grant_ref unmaps[BATCH];

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	for (unsigned int i = 0; i < BATCH; i++)
		maps[i] = map_op(5, 3,
				 GNTMAP_device_map | (i ? 0 : GNTMAP_host_map));
	assert_int_equal(call(r->d[USER], GNTTABOP_map_grant_ref, maps, BATCH),
			 0);
	assert_int_equal(restarts, 2);
	for (unsigned int i = 0; i < BATCH; i++) {
		assert_int_equal(maps[i].status, GNTST_okay);
		unmaps[i] = (struct pv_gnttab_unmap_grant_ref){
			.handle = maps[i].handle,
			.host_addr = i ? 0 : slot_va(3),
			.dev_bus_addr = FRAME << PAGE_SHIFT,
			.status = 1};
	}
	/* The same handle twice: the second finds no mapping. */
	unmaps[7].handle = unmaps[6].handle;
	assert_int_equal(
		call(r->d[USER], GNTTABOP_unmap_grant_ref, unmaps, BATCH), 0);
	for (unsigned int i = 0; i < BATCH; i++)
		assert_int_equal(unmaps[i].status,
				 i == 7 ? GNTST_bad_handle : GNTST_okay);
	assert_int_equal(flushes, 1); /* one had an entry to clear */
	assert_int_equal(entry(r->d[OWNER], 5)->flags, USED);
}

static void a_fault_leaves_the_structures_before_it_done(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref maps[8];

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
		maps[i] = map_op(5, 3, GNTMAP_device_map);
		maps[i].status = 1;
	}
	host_bad_read = gva(&maps[5].ref);
	assert_int_equal(call(r->d[USER], GNTTABOP_map_grant_ref, maps,
			      ARRAY_SIZE(maps)),
			 -EFAULT);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++)
		assert_int_equal(maps[i].status, i < 5 ? GNTST_okay : 1);
	assert_int_equal(host_frames[FRAME].refs, 5);
	host_bad_read = 0;
	assert_int_equal(call(r->d[USER], GNTTABOP_map_grant_ref, maps, 0), 0);
}

/* ---- copies -------------------------------------------------------------------------- */
static void bytes_are_copied_both_ways(void **state)
{
	struct room *r = *state;
	char *theirs = direct_map(mfn_of(FRAME));
	char *ours = direct_map(mfn_of(17));
	struct pv_gnttab_copy ops[2] = {
		{.source = {.u.ref = 5, .domid = OWNER, .offset = 100},
		 .dest = {.u.gmfn = 17, .domid = DOMID_SELF, .offset = 3000},
		 .len = 1096,
		 .flags = GNTCOPY_source_gref},
		{.source = {.u.gmfn = 17, .domid = DOMID_SELF},
		 .dest = {.u.ref = 6, .domid = OWNER, .offset = 4000},
		 .len = 96,
		 .flags = GNTCOPY_dest_gref},
	};

	grant(r->d[OWNER], 5, USER, FRAME, GTF_readonly);
	grant(r->d[OWNER], 6, USER, FRAME, 0);
	memset(theirs + 100, 'a', 1096);
	memset(ours, 'b', 96);
	assert_int_equal(call(r->d[USER], GNTTABOP_copy, ops, 2), 0);
	assert_int_equal(ops[0].status, GNTST_okay);
	assert_int_equal(ops[1].status, GNTST_okay);
	assert_int_equal(ours[3000], 'a');
	assert_int_equal(ours[4095], 'a');
	assert_int_equal(ours[2999], 0);
	assert_int_equal(theirs[4000], 'b');
	assert_int_equal(theirs[4095], 'b');
	assert_int_equal(theirs[3999], 0);
	assert_int_equal(host_frames[FRAME].refs, 0);
	assert_int_equal(host_frames[17].refs, 0);
	assert_int_equal(entry(r->d[OWNER], 5)->flags,
			 GTF_permit_access | GTF_readonly);
	assert_int_equal(entry(r->d[OWNER], 6)->flags, GTF_permit_access);
}

static void a_third_domain_may_copy_between_two(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_copy op = {
		.source = {.u.ref = 5, .domid = OWNER},
		.dest = {.u.ref = 2, .domid = USER},
		.len = 1,
		.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
	};

	grant(r->d[OWNER], 5, 0, FRAME, GTF_readonly);
	grant(r->d[USER], 2, 0, 18, 0);
	*(char *)direct_map(mfn_of(FRAME)) = 'x';
	assert_int_equal(call(r->d[0], GNTTABOP_copy, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(*(char *)direct_map(mfn_of(18)), 'x');
}

static void a_refused_copy_writes_nothing(void **state)
{
	struct room *r = *state;
	const struct pv_gnttab_copy_ptr lent = {.u.ref = 5, .domid = OWNER};
	const struct pv_gnttab_copy_ptr own = {.u.gmfn = 17,
					       .domid = DOMID_SELF};
	const int in = GNTCOPY_source_gref, out = GNTCOPY_dest_gref;
	struct {
		struct pv_gnttab_copy op;
		int status;
	} rows[] = {
		{{lent, own, 4097, in}, GNTST_bad_copy_arg},
		{{{.u.ref = 5, .domid = OWNER, .offset = 4095}, own, 2, in},
		 GNTST_bad_copy_arg},
		{{own,
		  {.u.ref = 6, .domid = OWNER, .offset = 65535},
		  65535,
		  out},
		 GNTST_bad_copy_arg},
		{{own, {.u.ref = 6, .domid = OWNER, .offset = 4095}, 2, out},
		 GNTST_bad_copy_arg},
		{{own, lent, 8, out}, GNTST_bad_gntref},
		{{{.u.ref = 5, .domid = 7}, own, 8, in}, GNTST_bad_domain},
		{{{.u.ref = 9, .domid = OWNER}, own, 8, in}, GNTST_bad_gntref},
		{{{.u.gmfn = FRAME, .domid = OWNER}, own, 8, 0},
		 GNTST_permission_denied},
		{{{.u.gmfn = FRAME, .domid = DOMID_SELF}, own, 8, 0},
		 GNTST_bad_page},
		{{own, {.u.gmfn = 1ull << 52, .domid = DOMID_SELF}, 8, 0},
		 GNTST_bad_page},
		{{own, {.u.gmfn = 20, .domid = DOMID_SELF}, 8, 0},
		 GNTST_bad_page}, /* the caller's page table */
		{{{.u.ref = 7, .domid = OWNER}, own, 8, in},
		 GNTST_bad_page}, /* lends what is not the owner's */
	};

	grant(r->d[OWNER], 5, USER, FRAME, GTF_readonly);
	grant(r->d[OWNER], 6, USER, FRAME, 0);
	grant(r->d[OWNER], 7, USER, 1, 0);
	host_frames[20].table = true;
	for (int f = 0; f < HOST_FRAMES; f++)
		if (f != 17 && f < 8 * DOMS)
			memset(direct_map(mfn_of(f)), 'x', PAGE_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			call(r->d[USER], GNTTABOP_copy, &rows[i].op, 1), 0);
		assert_int_equal(rows[i].op.status, rows[i].status);
	}
	for (int f = 0; f < 8 * DOMS; f++) {
		const char *p = direct_map(mfn_of(f));

		assert_int_equal(host_frames[f].refs, 0);
		for (unsigned int i = 0; i < PAGE_SIZE; i++)
			assert_int_equal(p[i], f == 17 ? 0 : 'x');
	}
}

/* ---- the table ------------------------------------------------------------------------ */
static void the_table_grows_up_to_its_limit(void **state)
{
	struct room *r = *state;
	uint64_t list[4] = {0};
	struct pv_gnttab_setup_table op = {
		.dom = DOMID_SELF, .nr_frames = 4, .frame_list = gva(list)};
	struct pv_gnttab_query_size size = {.dom = DOMID_SELF};

	assert_int_equal(call(r->d[1], GNTTABOP_query_size, &size, 1), 0);
	assert_int_equal(size.status, GNTST_okay);
	assert_int_equal(size.nr_frames, 1);
	assert_int_equal(size.max_nr_frames, 4);
	assert_int_equal(call(r->d[1], GNTTABOP_setup_table, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	for (unsigned int i = 0; i < 4; i++)
		assert_ptr_equal(direct_map(mfn_of(list[i])),
				 entry(r->d[1], 512 * i));
	op.nr_frames = 5;
	assert_int_equal(call(r->d[1], GNTTABOP_setup_table, &op, 1), 0);
	assert_int_equal(op.status, GNTST_general_error);
	op.nr_frames = 4;
	op.frame_list = 8;
	assert_int_equal(call(r->d[1], GNTTABOP_setup_table, &op, 1), -EFAULT);
}

static void the_control_domain_sees_others_tables(void **state)
{
	struct room *r = *state;
	uint64_t list[4] = {0};
	struct pv_gnttab_setup_table op = {
		.dom = 1, .nr_frames = 1, .frame_list = gva(list)};
	struct pv_gnttab_get_version v = {.dom = 1};

	assert_int_equal(call(r->d[0], GNTTABOP_setup_table, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_ptr_equal(direct_map(mfn_of(list[0])), entry(r->d[1], 0));
	assert_int_equal(call(r->d[2], GNTTABOP_setup_table, &op, 1), 0);
	assert_int_equal(op.status, GNTST_permission_denied);
	assert_int_equal(call(r->d[2], GNTTABOP_get_version, &v, 1), -EPERM);
	v.dom = op.dom = 7;
	assert_int_equal(call(r->d[0], GNTTABOP_setup_table, &op, 1), 0);
	assert_int_equal(op.status, GNTST_bad_domain);
	assert_int_equal(call(r->d[0], GNTTABOP_get_version, &v, 1), -ESRCH);
	assert_int_equal(gnttab_resource(r->d[1], 0, 0, 0, list), 4);
	assert_int_equal(gnttab_resource(r->d[1], 0, 1, 3, list), 0);
	assert_ptr_equal(direct_map(mfn_of(list[2])), entry(r->d[1], 1536));
	assert_int_equal(gnttab_resource(r->d[1], 0, 1, 4, list), -EINVAL);
	assert_int_equal(gnttab_resource(r->d[1], 0, ~0ull, 2, list), -EINVAL);
	assert_int_equal(gnttab_resource(r->d[1], 1, 0, 1, list), -EINVAL);
}

static void only_version_1_is_spoken(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_set_version op = {2};
	struct pv_gnttab_get_version get = {.dom = DOMID_SELF};

	assert_int_equal(call(r->d[1], GNTTABOP_set_version, &op, 1), -ENOSYS);
	assert_int_equal(op.version, 1);
	assert_int_equal(call(r->d[1], GNTTABOP_set_version, &op, 1), 0);
	op.version = 3;
	assert_int_equal(call(r->d[1], GNTTABOP_set_version, &op, 1), -EINVAL);
	assert_int_equal(call(r->d[1], GNTTABOP_get_version, &get, 1), 0);
	assert_int_equal(get.version, 1);
}

static void entries_swap_while_nobody_uses_them(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[OWNER];
	struct pv_gnttab_swap_grant_ref op = {5, 6, 1, 0};
	struct pv_gnttab_map_grant_ref m = map_op(6, 1, GNTMAP_host_map);

	grant(d, 5, USER, FRAME, 0);
	assert_int_equal(call(d, GNTTABOP_swap_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(entry(d, 6)->frame, FRAME);
	assert_int_equal(entry(d, 5)->flags, 0);
	assert_int_equal(map(r->d[USER], &m), GNTST_okay);
	assert_int_equal(call(d, GNTTABOP_swap_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_eagain);
	op.ref_b = 512;
	assert_int_equal(call(d, GNTTABOP_swap_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_bad_gntref);
}

static void unknown_operations_do_nothing(void **state)
{
	struct room *r = *state;
	static const uint32_t unknown[] = {
		GNTTABOP_dump_table, GNTTABOP_transfer,
		GNTTABOP_get_status_frames, 13, UINT32_MAX};
	struct pv_gnttab_cache_flush flush = {.offset = 4000, .length = 96};
	struct pv_gnttab_query_size size = {.dom = DOMID_SELF};

	for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(call(r->d[1], unknown[i], NULL, 1), -ENOSYS);
	assert_int_equal(call(r->d[1], GNTTABOP_cache_flush, &flush, 1), 0);
	flush.length = 97;
	assert_int_equal(call(r->d[1], GNTTABOP_cache_flush, &flush, 1),
			 -EINVAL);
	assert_int_equal(call(r->d[1], GNTTABOP_query_size, &size, 2), -EINVAL);
	assert_int_equal(call(r->d[1], GNTTABOP_query_size, NULL, 1), -EFAULT);
	assert_int_equal(call(r->d[1], GNTTABOP_copy, NULL, 1), -EFAULT);
}

/* ---- the end of domains ------------------------------------------------------------------ */
static void a_mapper_that_dies_gives_everything_back(void **state)
{
	struct room *r = *state;

	grant(r->d[OWNER], 5, USER, FRAME, 0);
	for (unsigned int i = 0; i < 2000; i++) {
		struct pv_gnttab_map_grant_ref op = map_op(
			5, i % SLOTS,
			GNTMAP_device_map | (i & 1 ? GNTMAP_host_map : 0) |
				(i & 2 ? GNTMAP_readonly : 0));

		assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	}
	room_destroy(r, USER);
	assert_int_equal(entry(r->d[OWNER], 5)->flags, GTF_permit_access);
	assert_int_equal(host_frames[FRAME].refs, 0);
	assert_int_equal(r->d[OWNER]->refs, 1);
}

static void what_a_dead_domain_lent_lives_until_it_is_unmapped(void **state)
{
	struct room *r = *state;
	struct domain *o = r->d[OWNER];
	struct pv_gnttab_map_grant_ref op =
		map_op(5, 3, GNTMAP_host_map | GNTMAP_device_map);
	struct pv_gnttab_map_grant_ref more = map_op(5, 4, GNTMAP_host_map);

	grant(o, 5, USER, FRAME, 0);
	assert_int_equal(map(r->d[USER], &op), GNTST_okay);
	o->dying = true;
	assert_int_equal(gnttab_domain_destroy(o), 0);
	assert_int_equal(map(r->d[USER], &more), GNTST_bad_domain);
	assert_int_equal(o->refs, 2);
	assert_int_equal(host_frames[FRAME].writable, 3);
	assert_int_equal(
		unmap(r->d[USER], slot_va(3), FRAME << PAGE_SHIFT, op.handle),
		GNTST_okay);
	assert_int_equal(o->refs, 1);
	assert_int_equal(host_frames[FRAME].refs, 0);
}

static void a_domain_may_map_its_own_grants(void **state)
{
	struct room *r = *state;
	struct pv_gnttab_map_grant_ref op = map_op(5, 3, GNTMAP_host_map);

	grant(r->d[OWNER], 5, OWNER, FRAME, 0);
	op.dom = DOMID_SELF;
	assert_int_equal(map(r->d[OWNER], &op), GNTST_okay);
	room_destroy(r, OWNER);
}

static void every_failed_allocation_unwinds(void **state)
{
	struct domain *d;

	(void)state;
	for (int n = 0; n < 3; n++) {
		d = host_domain(3, 1, false);
		host_heap_countdown = n;
		assert_int_equal(gnttab_domain_init(d, 4), -ENOMEM);
		host_heap_countdown = -1;
		assert_int_equal(gnttab_domain_destroy(d), 0);
		gnttab_domain_free(d);
		host_domain_free(d);
	}
	d = host_domain(3, 1, false);
	assert_int_equal(gnttab_domain_init(d, UINT32_MAX), 0);
	assert_int_equal(d->gnttab->max_frames, GNTTAB_MAX_FRAMES);
	for (int n = 0; n < 2; n++) {
		host_heap_countdown = n;
		assert_int_equal(table_grow(d, 2), GNTST_general_error);
		assert_int_equal(d->gnttab->nr_frames, 1);
	}
	host_heap_countdown = -1;
	assert_int_equal(table_grow(d, GNTTAB_MAX_FRAMES), GNTST_okay);
	assert_int_equal(gnttab_domain_destroy(d), 0);
	gnttab_domain_free(d);
	host_domain_free(d);
}

#define ROOM_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, room_make, room_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(a_map_marks_the_entry_and_holds_the_frame),
		ROOM_TEST(flags_of_a_map_become_flags_of_the_entry),
		ROOM_TEST(the_two_parts_of_a_map_go_one_by_one),
		ROOM_TEST(an_unmap_ends_only_what_it_cleared),
		ROOM_TEST(a_refused_map_leaves_nothing),
		ROOM_TEST(mappings_run_out_with_their_own_error),
		ROOM_TEST(a_domain_may_have_fewer_mappings),
		ROOM_TEST(a_mapping_may_be_replaced_by_another_entry),
		ROOM_TEST(a_long_batch_restarts_and_flushes_once_a_chunk),
		ROOM_TEST(a_fault_leaves_the_structures_before_it_done),
		ROOM_TEST(bytes_are_copied_both_ways),
		ROOM_TEST(a_third_domain_may_copy_between_two),
		ROOM_TEST(a_refused_copy_writes_nothing),
		ROOM_TEST(the_table_grows_up_to_its_limit),
		ROOM_TEST(the_control_domain_sees_others_tables),
		ROOM_TEST(only_version_1_is_spoken),
		ROOM_TEST(entries_swap_while_nobody_uses_them),
		ROOM_TEST(unknown_operations_do_nothing),
		ROOM_TEST(a_mapper_that_dies_gives_everything_back),
		ROOM_TEST(what_a_dead_domain_lent_lives_until_it_is_unmapped),
		ROOM_TEST(a_domain_may_map_its_own_grants),
		ROOM_TEST(every_failed_allocation_unwinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
