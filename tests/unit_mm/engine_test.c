/* SPDX-License-Identifier: MIT */
/* The page-table calls, one rule at a time. */
#include "tests/unit_mm/pair.h"

/* ---- entries ----------------------------------------------------------------------- */

static void an_entry_moves_references(void **state)
{
	uint64_t m = frame_new(a.d);

	(void)state;
	assert_int_equal(refs_of(m), 1);
	assert_int_equal(
		mmu_update(&a, pte_at(a.l1, 20), mfn_pte(m, RO), DOMID_SELF),
		0);
	assert_int_equal(refs_of(m), 2);
	assert_int_equal(uses_of(m), 0);
	assert_int_equal(update_va(gva(20), mfn_pte(m, RW), 0), 0);
	assert_int_equal(refs_of(m), 2);
	assert_int_equal(uses_of(m), 1);
	check_all();
	assert_int_equal(update_va(gva(20), mfn_pte(a.page[1], RW), 0), 0);
	assert_int_equal(refs_of(m), 1);
	assert_int_equal(uses_of(m), 0);
	assert_int_equal(uses_of(a.page[1]), 2);
}

static void entries_that_are_refused(void **state)
{
	static const struct {
		uint64_t flags;
		bool device;
	} no[] = {
		{RW, false},
		{RO, false},
		{RW, true},
	};
	uint64_t foreign = b.page[3];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(no); i++) {
		uint64_t m = no[i].device ? MMIO_MFN : foreign;

		assert_int_equal(update_va(gva(9), mfn_pte(m, no[i].flags), 0),
				 -EINVAL);
		assert_int_equal(content(a.l1)[9], 0);
	}
	/* Tables, the hypervisor's own, beyond the end. */
	assert_int_equal(update_va(gva(9), mfn_pte(a.l1, RW), 0), -EINVAL);
	assert_int_equal(update_va(gva(9), mfn_pte(a.l4, RW), 0), -EINVAL);
	assert_int_equal(
		update_va(gva(9), mfn_pte(direct_to_mfn(a.d).raw, RO), 0),
		-EINVAL);
	assert_int_equal(update_va(gva(9), mfn_pte(0, RO), 0), -EINVAL);
	assert_int_equal(update_va(gva(9), mfn_pte(1ull << 39, RO), 0),
			 -EINVAL);
	/* A table read-only is fine, and so is any content that is absent. */
	assert_int_equal(update_va(gva(9), mfn_pte(a.l1, RO), 0), 0);
	assert_int_equal(update_va(gva(9), ~1ull, 0), 0);
	assert_int_equal(update_va(gva(9), 0, 0), 0);
}

static void upper_entries_that_are_refused(void **state)
{
	uint64_t m = frame_new(a.d);
	static const uint64_t flags[] = {RW | PTE_PS, RO | PTE_PS};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		uint64_t e = mfn_pte(m, flags[i]);

		assert_int_equal(mmu_update(&a, pte_at(a.l2, 0), e, DOMID_SELF),
				 -EINVAL);
		assert_int_equal(mmu_update(&a, pte_at(a.l3, 1), e, DOMID_SELF),
				 -EINVAL);
		assert_int_equal(mmu_update(&a, pte_at(a.l4, 1), e, DOMID_SELF),
				 -EINVAL);
	}
	/* Of another level, of its own, of another domain. */
	assert_int_equal(
		mmu_update(&a, pte_at(a.l2, 0), mfn_pte(a.l3, RW), DOMID_SELF),
		-EINVAL);
	assert_int_equal(
		mmu_update(&a, pte_at(a.l4, 1), mfn_pte(a.l4, RW), DOMID_SELF),
		-EINVAL);
	assert_int_equal(
		mmu_update(&a, pte_at(a.l2, 0), mfn_pte(b.l1, RW), DOMID_SELF),
		-EINVAL);
	/* A page that is mapped writable. */
	assert_int_equal(mmu_update(&a, pte_at(a.l2, 0), mfn_pte(a.page[5], RW),
				    DOMID_SELF),
			 -EINVAL);
	check_all();
}

static void the_reserved_slots_stay_ours(void **state)
{
	uint64_t e = mfn_pte(a.l3, RW);

	(void)state;
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 255), e, DOMID_SELF), 0);
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 256), e, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 271), e, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 271), 0, DOMID_SELF), 0);
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 272), e, DOMID_SELF), 0);
	check_all();
	/* What is in them when a table is made is not looked at. */
	unmap_page(1);
	content(a.page[1])[260] = mfn_pte(a.page[2], RW);
	assert_int_equal(mmuext(MMUEXT_PIN_L4_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	check_all();
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
}

static void the_global_bit_is_taken_away(void **state)
{
	(void)state;
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW | PTE_G), 0),
			 0);
	assert_int_equal(content(a.l1)[1], mfn_pte(a.page[1], RW));
	unmap_page(1);
	content(a.page[1])[77] = mfn_pte(a.page[2], RW | PTE_G);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(content(a.page[1])[77], mfn_pte(a.page[2], RW));
}

static void accessed_and_dirty_survive_if_asked(void **state)
{
	uint64_t ro = mfn_pte(a.page[1], PTE_P | PTE_US);

	(void)state;
	assert_int_equal(mmu_update(&a, pte_at(a.l1, 1) | 2, ro, DOMID_SELF),
			 0);
	assert_int_equal(content(a.l1)[1], ro | PTE_A | PTE_D);
	assert_int_equal(mmu_update(&a, pte_at(a.l1, 1), ro, DOMID_SELF), 0);
	assert_int_equal(content(a.l1)[1], ro);
	assert_int_equal(uses_of(a.page[1]), 0);
}

static void a_plain_frame_is_written_plainly(void **state)
{
	uint64_t m = frame_new(a.d);

	(void)state;
	assert_int_equal(mmu_update(&a, pte_at(m, 7), 0xabc, DOMID_SELF), 0);
	assert_int_equal(content(m)[7], 0xabc);
	assert_int_equal(mmu_update(&a, pte_at(b.page[1], 7), 1, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(mmu_update(&a, pte_at(m, 7) | 4, 1, DOMID_SELF),
			 -EINVAL);
}

static void the_machine_to_physical_table_follows(void **state)
{
	(void)state;
	assert_int_equal(mmu_update(&a, a.page[1] << 12 | 1, 77, DOMID_SELF),
			 0);
	assert_int_equal(m2p_table[a.page[1]], 77);
	assert_int_equal(mmu_update(&a, b.page[1] << 12 | 1, 77, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(mmu_update(&b, a.page[1] << 12 | 1, 78, 1), 0);
	assert_int_equal(m2p_table[a.page[1]], 78);
}

/* ---- others' frames ------------------------------------------------------------------ */

static bool all_of_a(struct domain *d, uint64_t mfn)
{
	return d == b.d && frame_is_of(mfn_of(mfn), a.d);
}

static void the_privileged_map_others_frames(void **state)
{
	uint64_t m = a.page[1];

	(void)state;
	foreign_allowed = all_of_a;
	assert_int_equal(mmu_update(&a, pte_at(a.l1, 30), mfn_pte(m, RW), 0),
			 -EPERM);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), mfn_pte(m, RW), 5),
			 -ESRCH);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), mfn_pte(m, RW), 1),
			 0);
	assert_int_equal(uses_of(m), 2);
	check_all();
	/* Less needs no name, more does. */
	assert_int_equal(
		mmu_update(&b, pte_at(b.l1, 30), mfn_pte(m, RO), DOMID_SELF),
		0);
	assert_int_equal(
		mmu_update(&b, pte_at(b.l1, 30), mfn_pte(m, RW), DOMID_SELF),
		-EINVAL);
	/* Its tables can be mapped to read only. */
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 31), mfn_pte(a.l1, RW), 1),
			 -EINVAL);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 31), mfn_pte(a.l1, RO), 1),
			 0);
	check_all();
}

static void a_builder_writes_others_tables(void **state)
{
	uint64_t e = mfn_pte(a.page[1], RO);

	(void)state;
	/* Not while it may run: a table of it could be on loan. */
	assert_int_equal(mmu_update(&b, pte_at(a.l1, 30), e, 2 << 16 | 1),
			 -EBUSY);
	a.d->pause_count = 1;
	assert_int_equal(mmu_update(&b, pte_at(a.l1, 30), e, 2 << 16 | 1), 0);
	assert_int_equal(content(a.l1)[30], e);
	become(b.v);
	assert_int_equal(mmuext(MMUEXT_PIN_L4_TABLE, a.l4, 0, 1), 0);
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, a.l4, 0, 1), -EPERM);
	check_all();
}

static void device_frames_are_for_the_privileged(void **state)
{
	(void)state;
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), mfn_pte(MMIO_MFN, RW),
				    DOMID_IO),
			 0);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 31),
				    mfn_pte(MMIO_MFN + 1, RW), DOMID_IO),
			 -EINVAL);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 31),
				    mfn_pte(mm_phys_limit + MMIO_MFN, RW),
				    DOMID_IO),
			 -EINVAL);
	check_all();
}

/* ---- types ------------------------------------------------------------------------- */

static void a_writable_page_is_no_table(void **state)
{
	(void)state;
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 -EINVAL);
	unmap_page(1);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), -EINVAL);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RO), 0), 0);
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), 0);
}

static void a_type_change_flushes(void **state)
{
	unsigned int before;

	(void)state;
	unmap_page(1);
	before = nr_flushes;
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(nr_flushes, before + 1);
	/* The same type again: no. */
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	assert_int_equal(nr_flushes, before + 1);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), 0);
	assert_int_equal(nr_flushes, before + 2);
}

static void a_table_that_is_refused_leaves_nothing(void **state)
{
	uint64_t *pt = content(a.page[1]);

	(void)state;
	unmap_page(1);
	pt[0] = mfn_pte(a.page[2], RW);
	pt[200] = mfn_pte(a.page[3], RO);
	pt[511] = mfn_pte(b.page[1], RO);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(uses_of(a.page[2]), 1);
	assert_int_equal(refs_of(a.page[3]), 2);
	check_all();
	/* An L2 of good tables and a bad one. */
	pt[0] = mfn_pte(a.l1, RW);
	pt[200] = 0;
	pt[511] = mfn_pte(a.page[2], RW);
	assert_int_equal(mmuext(MMUEXT_PIN_L2_TABLE, a.page[1], 0, DOMID_SELF),
			 -EINVAL);
	check_all();
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), 0);
}

static void a_table_may_not_contain_itself(void **state)
{
	static const uint32_t pin[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
				       MMUEXT_PIN_L3_TABLE,
				       MMUEXT_PIN_L4_TABLE};

	(void)state;
	unmap_page(1);
	for (unsigned int i = 0; i < 4; i++) {
		content(a.page[1])[9] = mfn_pte(a.page[1], RW);
		assert_int_equal(mmuext(pin[i], a.page[1], 0, DOMID_SELF),
				 -EINVAL);
		check_all();
	}
	/* Read-only as its own leaf, however. */
	content(a.page[1])[9] = mfn_pte(a.page[1], RO);
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
	check_all();
	assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, a.page[1], 0, DOMID_SELF),
			 0);
}

/* ---- preemption --------------------------------------------------------------------- */

/* A tree of @g: an L4 with @n L3s of one L2 of 4 L1s each. */
static uint64_t big_tree(unsigned int n)
{
	uint64_t l4 = frame_new(a.d);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t l3 = frame_new(a.d), l2 = frame_new(a.d);

		content(l4)[i * 3] = mfn_pte(l3, RW);
		content(l3)[i] = mfn_pte(l2, RW);
		for (unsigned int k = 0; k < 4; k++) {
			uint64_t l1 = frame_new(a.d);

			content(l2)[k * 100 + 7] = mfn_pte(l1, RW);
			for (unsigned int s = 0; s < 512; s += 3)
				content(l1)[s] = mfn_pte(a.page[2], RW);
		}
	}
	return l4;
}

static void long_calls_are_cut_and_go_on(void **state)
{
	uint64_t l4 = big_tree(5);

	(void)state;
	between = check_all;
	for (mm_budget = 1; mm_budget < 2000; mm_budget *= 11) {
		nr_restarts = 0;
		assert_int_equal(mmuext(MMUEXT_PIN_L4_TABLE, l4, 0, DOMID_SELF),
				 0);
		assert_true(mm_budget > 500 || nr_restarts > 1);
		assert_int_equal(uses_of(l4), 1);
		assert_int_equal(uses_of(a.page[2]), 1 + 5 * 4 * 171);
		check_all();
		nr_restarts = 0;
		assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, l4, 0, DOMID_SELF),
				 0);
		assert_true(mm_budget > 500 || nr_restarts > 1);
		assert_int_equal(uses_of(a.page[2]), 1);
		assert_int_equal(a.d->mm.zombies, LINK_NONE);
		check_all();
	}
}

static uint64_t parked;
static long other_result[2];

static void use_it_otherwise(void)
{
	uint64_t saved[8];

	between = NULL;
	check_all();
	assert_true(state_of(parked) & FS_BUSY);
	/* The restarted call's arguments are on that page. */
	memcpy(saved, content(a.page[0]), sizeof(saved));
	other_result[0] = update_va(gva(9), mfn_pte(parked, RW), 0);
	check_all();
	assert_true(state_of(parked) & FS_BUSY);
	/* A store has it unmade first. */
	other_result[1] =
		mmu_update(&a, pte_at(parked, 500), 0x1230, DOMID_SELF);
	check_all();
	assert_false(state_of(parked) & FS_BUSY);
	memcpy(content(a.page[0]), saved, sizeof(saved));
}

static void a_half_made_table_is_neither(void **state)
{
	(void)state;
	parked = big_tree(3);
	mm_budget = 3;
	between = use_it_otherwise;
	assert_int_equal(mmuext(MMUEXT_PIN_L4_TABLE, parked, 0, DOMID_SELF), 0);
	assert_int_equal(other_result[0], -EINVAL);
	assert_int_equal(other_result[1], 0);
	assert_int_equal(content(parked)[500], 0x1230);
	check_all();
}

static void a_root_is_replaced_in_parts(void **state)
{
	uint64_t l4 = big_tree(3);

	(void)state;
	/* The new root must map the page with the arguments, too. */
	content(l4)[0] = content(a.l4)[0];
	mm_budget = 2;
	between = check_all;
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, l4, 0, DOMID_SELF), 0);
	assert_int_equal(uses_of(a.l4), 0);
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, a.l4, 0, DOMID_SELF), 0);
	assert_int_equal(uses_of(l4), 0);
	assert_int_equal(uses_of(a.page[2]), 1);
	assert_int_equal(mmuext(MMUEXT_NEW_USER_BASEPTR, l4, 0, DOMID_SELF), 0);
	assert_int_equal(uses_of(l4), 1);
	assert_int_equal(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0, DOMID_SELF), 0);
	assert_int_equal(uses_of(l4), 0);
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, 0, 0, DOMID_SELF), -EINVAL);
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, a.l3, 0, DOMID_SELF),
			 -EINVAL);
}

static void batches_say_how_far_they_came(void **state)
{
	struct pv_mmu_update r[100];
	uint32_t done = 99;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		r[i] = (struct pv_mmu_update){pte_at(a.l1, 100 + i),
					      mfn_pte(a.page[1], RO)};
	mm_budget = 7;
	nr_restarts = 0;
	assert_int_equal(mmu_update_n(r, 100, DOMID_SELF, &done), 0);
	assert_int_equal(done, 100);
	assert_true(nr_restarts >= 10);
	r[63].val = mfn_pte(b.page[1], RO);
	assert_int_equal(mmu_update_n(r, 100, DOMID_SELF, &done), -EINVAL);
	assert_int_equal(done, 63);
	assert_int_equal(mmu_update_n(r, 0, DOMID_SELF, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(refs_of(a.page[1]), 1 + 1 + 100);
}

/* ---- roots -------------------------------------------------------------------------- */

static void the_copy_follows_the_root(void **state)
{
	uint64_t e = mfn_pte(a.l3, RW), l4[6];

	(void)state;
	assert_int_equal(mmu_update(&a, pte_at(a.l4, 300), e, DOMID_SELF), 0);
	assert_int_equal(this_cpu->root_copy[300], e);
	/* More roots than there are copies, turn by turn. */
	for (unsigned int i = 0; i < 6; i++) {
		l4[i] = frame_new(a.d);
		content(l4[i])[0] = content(a.l4)[0];
		content(l4[i])[100 + i] = e;
	}
	for (unsigned int i = 0; i < 30; i++) {
		uint64_t m = l4[(i * 7 + i / 6) % 6];

		assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, m, 0, DOMID_SELF),
				 0);
		check_all();
		/* A root that is not loaded changes. */
		m = l4[(i * 5 + 2) % 6];
		assert_int_equal(
			mmu_update(&a, pte_at(m, 400 + i), e, DOMID_SELF), 0);
		check_all();
	}
	assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, a.l4, 0, DOMID_SELF), 0);
	check_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(an_entry_moves_references),
		t(entries_that_are_refused),
		t(upper_entries_that_are_refused),
		t(the_reserved_slots_stay_ours),
		t(the_global_bit_is_taken_away),
		t(accessed_and_dirty_survive_if_asked),
		t(a_plain_frame_is_written_plainly),
		t(the_machine_to_physical_table_follows),
		t(the_privileged_map_others_frames),
		t(a_builder_writes_others_tables),
		t(device_frames_are_for_the_privileged),
		t(a_writable_page_is_no_table),
		t(a_type_change_flushes),
		t(a_table_that_is_refused_leaves_nothing),
		t(a_table_may_not_contain_itself),
		t(long_calls_are_cut_and_go_on),
		t(a_half_made_table_is_neither),
		t(a_root_is_replaced_in_parts),
		t(batches_say_how_far_they_came),
		t(the_copy_follows_the_root),
	};

	machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
