/* SPDX-License-Identifier: MIT */
/* The page-table calls, one rule at a time. */
#include "tests/unit_mm/machine.h"

#define RW (PTE_TABLE | PTE_US)
#define RO (RW & ~PTE_RW)

static struct guest a, b;
static uint64_t free_before;

static int setup(void **state)
{
	(void)state;
	mm_budget = 2000;
	between = NULL;
	foreign_allowed = NULL;
	free_before = mm_free_frames();
	guest_make(&a, 1, false, 200);
	guest_make(&b, 0, true, 200);
	caller = &a;
	become(a.v);
	check_all();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_all();
	guest_end(&b); /* it may map frames of the other */
	guest_end(&a);
	/* The slab and the CPU's root copies may have grown once. */
	assert_true(mm_free_frames() + 8 >= free_before);
	return 0;
}

static uint64_t pte_at(uint64_t table, unsigned int slot)
{
	return table << PAGE_SHIFT | slot * 8;
}

/* The guest takes its writable mapping of page @n away. */
static void unmap_page(unsigned int n)
{
	assert_int_equal(update_va(gva(n), 0, 0), 0);
}

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
	return d == b.d && frame_owner(mfn_of(mfn)) == a.d;
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

/* ---- descriptors --------------------------------------------------------------------- */

#define CODE64 0x00af9a000000ffffull
#define TSS    0x0000890000000067ull

static void descriptor_pages_are_checked(void **state)
{
	uint64_t list[2] = {a.page[1], a.page[2]};

	(void)state;
	content(a.page[1])[3] = CODE64;
	assert_int_equal(desc_set_gdt(a.v, list, 600), -EINVAL);
	unmap_page(1);
	unmap_page(2);
	assert_int_equal(desc_set_gdt(a.v, list, 600), 0);
	assert_int_equal(content(a.page[1])[3],
			 CODE64 | 1ull << 45 | 1ull << 40);
	check_all();
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), -EINVAL);
	assert_int_equal(hc_update_descriptor(a.page[2] << 12 | 80, TSS),
			 -EINVAL);
	assert_int_equal(hc_update_descriptor(a.page[2] << 12 | 84, CODE64),
			 -EINVAL);
	assert_int_equal(hc_update_descriptor(a.page[2] << 12 | 80, CODE64), 0);
	check_all();
	assert_int_equal(desc_set_gdt(a.v, NULL, 0), 0);
	content(a.page[1])[3] = TSS;
	assert_int_equal(desc_set_gdt(a.v, list, 600), -EINVAL);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RW), 0), 0);
	assert_int_equal(desc_set_gdt(a.v, list, 7169), -EINVAL);
}

static void an_ldt_is_looked_up_once(void **state)
{
	struct vcpu *other = a.d->vcpu[1];

	(void)state;
	assert_int_equal(root_set(other, mfn_of(a.l4)), 0);
	content(a.page[1])[0] = CODE64;
	content(a.page[2])[0] = CODE64;
	assert_int_equal(desc_set_ldt(other, gva(1), 1024), -EINVAL);
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RO), 0), 0);
	assert_int_equal(update_va(gva(2), mfn_pte(a.page[2], RO), 0), 0);
	assert_int_equal(desc_set_ldt(other, gva(1) + 8, 512), -EINVAL);
	assert_int_equal(desc_set_ldt(other, gva(1), 8193), -EINVAL);
	assert_int_equal(desc_set_ldt(other, gva(1), 1024), 0);
	check_all();
	unmap_page(1);
	assert_int_equal(type_of(a.page[1]), FT_SEGDESC);
	check_all();
	assert_int_equal(desc_set_ldt(other, 0, 0), 0);
	assert_int_equal(uses_of(a.page[1]), 0);
}

/* ---- grants ------------------------------------------------------------------------- */

static void a_granted_frame_is_an_entry_like_others(void **state)
{
	uint64_t m = b.page[4];

	(void)state;
	foreign_allowed = NULL;
	assert_int_equal(mm_grant_map(a.v, gva(40), false, mfn_of(m), b.d, RW),
			 0);
	assert_int_equal(refs_of(m), 3);
	assert_int_equal(uses_of(m), 2);
	assert_int_equal(mm_grant_unmap(a.v, gva(40), false, mfn_of(m), false),
			 -EINVAL);
	assert_int_equal(mm_grant_unmap(a.v, gva(41), false, mfn_of(m), true),
			 -EINVAL);
	assert_int_equal(mm_grant_unmap(a.v, gva(40), false, mfn_of(m), true),
			 0);
	assert_int_equal(refs_of(m), 2);
	/* By the entry's address, and cleared by the guest itself. */
	assert_int_equal(
		mm_grant_map(a.v, pte_at(a.l2, 40), true, mfn_of(m), b.d, RO),
		-EINVAL);
	assert_int_equal(
		mm_grant_map(a.v, pte_at(a.l1, 40), true, mfn_of(m), b.d, RO),
		0);
	unmap_page(40);
	assert_int_equal(refs_of(m), 2);
	/* Replaced by another entry. */
	assert_int_equal(mm_grant_map(a.v, gva(40), false, mfn_of(m), b.d, RO),
			 0);
	assert_int_equal(
		mm_grant_replace(a.v, gva(40), gva(3), mfn_of(m), false), 0);
	assert_int_equal(pte_mfn(content(a.l1)[40]), a.page[3]);
	assert_int_equal(content(a.l1)[3], 0);
	assert_int_equal(refs_of(m), 2);
	/* A table of the other domain cannot be granted writable. */
	assert_int_equal(
		mm_grant_map(a.v, gva(41), false, mfn_of(b.l1), b.d, RW),
		-EINVAL);
}

static void a_table_with_a_grant_is_given_up(void **state)
{
	uint64_t m = b.page[4], l1 = frame_new(a.d);

	(void)state;
	assert_int_equal(
		mmu_update(&a, pte_at(a.l2, 0), mfn_pte(l1, RW), DOMID_SELF),
		0);
	assert_int_equal(
		mm_grant_map(a.v, pte_at(l1, 0), true, mfn_of(m), b.d, RW), 0);
	assert_int_equal(refs_of(m), 3);
	assert_int_equal(mmu_update(&a, pte_at(a.l2, 0), 0, DOMID_SELF), 0);
	assert_int_equal(refs_of(m), 2);
	/* With its entry still there it is no table any more. */
	assert_int_equal(
		mmu_update(&a, pte_at(a.l2, 0), mfn_pte(l1, RW), DOMID_SELF),
		-EINVAL);
}

/* ---- guest memory ------------------------------------------------------------------- */

static void copies_respect_the_tables(void **state)
{
	char buf[3 * PAGE_SIZE], back[sizeof(buf)];

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(copy_to_guest(gva(1) + 5, buf, 2 * PAGE_SIZE), 0);
	assert_int_equal(copy_from_guest(back, gva(1) + 5, 2 * PAGE_SIZE), 0);
	assert_memory_equal(buf, back, 2 * PAGE_SIZE);
	assert_int_equal(((char *)content(a.page[1]))[5], 'x');
	/* Past the end, not mapped, not canonical, ours. */
	assert_int_equal(copy_to_guest(gva(6), buf, 3 * PAGE_SIZE), -EFAULT);
	assert_int_equal(copy_from_guest(back, 0, 8), -EFAULT);
	assert_int_equal(copy_from_guest(back, 1ull << 47, 8), -EFAULT);
	assert_int_equal(copy_from_guest(back, RESERVED_START, 8), -EFAULT);
	assert_int_equal(copy_from_guest(back, RESERVED_END - 8, 8), -EFAULT);
	assert_int_equal(copy_from_guest(back, ~0ull, 8), -EFAULT);
	/* Read-only at the leaf, at the top. */
	assert_int_equal(update_va(gva(1), mfn_pte(a.page[1], RO), 0), 0);
	assert_int_equal(copy_from_guest(back, gva(1), 8), 0);
	assert_int_equal(copy_to_guest(gva(1), buf, 8), -EFAULT);
	assert_int_equal(
		mmu_update(&a, pte_at(a.l4, 0), mfn_pte(a.l3, RO), DOMID_SELF),
		0);
	assert_int_equal(copy_from_guest(back, gva(2), 8), 0);
	assert_int_equal(copy_to_guest(gva(2), buf, 8), -EFAULT);
	assert_int_equal(
		mmu_update(&a, pte_at(a.l4, 0), mfn_pte(a.l3, RW), DOMID_SELF),
		0);
	/* A table that is mapped where it can be read only. */
	assert_int_equal(update_va(gva(1), mfn_pte(a.l1, RO), 0), 0);
	assert_int_equal(copy_to_guest(gva(1), buf, 8), -EFAULT);
}

/* ---- emulated writes ------------------------------------------------------------------ */

static bool store_with(const void *code, size_t n, struct cpu_regs *regs)
{
	regs->rip = gva(1) + 16;
	memcpy((char *)content(a.page[1]) + 16, code, n);
	return mm_emulate_pt_write(a.v, regs, regs->rdi);
}

static void stores_to_tables_are_carried_out(void **state)
{
	struct cpu_regs regs = {.rdi = gva(2) + 50 * 8};
	uint64_t e = mfn_pte(a.page[3], RO);

	(void)state;
	assert_int_equal(update_va(gva(2), mfn_pte(a.l1, RO), 0), 0);
	regs.rax = e;
	assert_true(store_with("\x48\x89\x07", 3, &regs)); /* mov */
	assert_int_equal(content(a.l1)[50], e);
	assert_int_equal(regs.rip, gva(1) + 19);
	regs.rax = 0;
	assert_true(store_with("\x48\x87\x07", 3, &regs)); /* xchg */
	assert_int_equal(content(a.l1)[50], 0);
	assert_int_equal(regs.rax, e);
	assert_int_equal(refs_of(a.page[3]), 2);
	/* Refused: the guest gets its fault. */
	regs.rax = mfn_pte(b.page[1], RO);
	assert_false(store_with("\x48\x89\x07", 3, &regs));
	assert_int_equal(regs.rip, gva(1) + 16);
	/* No store, no table, not there. */
	assert_false(store_with("\x0f\x0b", 2, &regs));
	regs.rdi = gva(3);
	assert_false(store_with("\x48\x89\x07", 3, &regs));
	regs.rdi = gva(100);
	assert_false(store_with("\x48\x89\x07", 3, &regs));
	check_all();
}

/* ---- lists, limits, ends ------------------------------------------------------------- */

static void shared_pages_outlive_their_owner_only_while_mapped(void **state)
{
	uint64_t m = direct_to_mfn(heap_alloc(0)).raw, r;

	(void)state;
	frame_share(mfn_of(m), a.d, true);
	hold(m, FT_WRITABLE);
	assert_int_equal(update_va(gva(9), mfn_pte(m, RW), 0), 0);
	check_all();
	/* Not a table, not to be given away. */
	assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, m, 0, DOMID_SELF),
			 -EINVAL);
	assert_int_equal(domain_frame_release(a.d, mfn_of(m)), -EINVAL);
	r = direct_to_mfn(heap_alloc(0)).raw;
	frame_share(mfn_of(r), a.d, false);
	hold(r, FT_LOCKED);
	assert_int_equal(update_va(gva(10), mfn_pte(r, RW), 0), -EINVAL);
	assert_int_equal(update_va(gva(10), mfn_pte(r, RO), 0), 0);
	check_all();
	frame_unshare(mfn_of(m));
	unhold(m, FT_WRITABLE);
	frame_unshare(mfn_of(r));
	unhold(r, FT_LOCKED);
	assert_int_equal(refs_of(m), 1);
	check_all();
	unmap_page(9);
	unmap_page(10);
	assert_int_equal(refs_of(m), 0);
	assert_int_equal(a.d->mm.nr_shared, 0);
}

static void a_domain_ends_while_others_map_it(void **state)
{
	struct guest c;
	uint64_t m;

	(void)state;
	guest_end(&a);
	guest_make(&c, 7, false, 100);
	m = c.page[1];
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), mfn_pte(m, RW), 7),
			 0);
	become(NULL);
	mm_budget = 10;
	mm_vcpu_relinquish(c.v);
	while (mm_domain_relinquish(c.d) == -ERESTART)
		;
	assert_int_equal(c.d->mm.nr_frames, 1);
	assert_int_equal(c.d->refs, 2);
	assert_true(domain_frame_alloc(c.d, 0).raw == MFN_INVALID.raw);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), 0, DOMID_SELF), 0);
	assert_int_equal(c.d->refs, 1);
	guest_end(&c);
	mm_budget = 2000;
	guest_make(&a, 1, false, 200);
	caller = &a;
	become(a.v);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		t(descriptor_pages_are_checked),
		t(an_ldt_is_looked_up_once),
		t(a_granted_frame_is_an_entry_like_others),
		t(a_table_with_a_grant_is_given_up),
		t(copies_respect_the_tables),
		t(stores_to_tables_are_carried_out),
		t(shared_pages_outlive_their_owner_only_while_mapped),
		t(a_domain_ends_while_others_map_it),
	};

	machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
