/* SPDX-License-Identifier: MIT */
/* Descriptors, grants, copies, emulated stores, the end of a domain. */
#include "tests/unit_mm/pair.h"

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
	assert_false(frame_release(&a.d->mm, m));
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
	assert_int_equal(refs_of(r), 0);
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
	assert_int_equal(frames_alloc(&c.d->mm, 0, HEAP_ANYWHERE), LINK_NONE);
	assert_int_equal(mmu_update(&b, pte_at(b.l1, 30), 0, DOMID_SELF), 0);
	assert_int_equal(c.d->refs, 1);
	guest_end(&c);
	mm_budget = 2000;
	guest_make(&a, 1, false, 200);
	caller = &a;
	become(a.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
