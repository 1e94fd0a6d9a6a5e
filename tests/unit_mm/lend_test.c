/* SPDX-License-Identifier: MIT */
/* A page table that is lent: what comes back of it. */
#include "tests/unit_mm/pair.h"

static struct cpu_regs regs;

/* Where the guest sees its L1. */
static uint64_t *seen(void)
{
	return &content(a.window)[0];
}

static bool store(unsigned int slot, uint64_t e)
{
	poke(1, 16, "\x48\x89\x07", 3);
	regs.rip = gva(1) + 16;
	regs.rdi = gva(512) + slot * 8;
	regs.rax = e;
	end_loan();
	if (!mm_emulate_pt_write(a.v, &regs, regs.rdi))
		return false;
	begin_loan();
	return true;
}

/* Two stores in a row: the table is on loan. */
static uint64_t *borrow(void)
{
	assert_true(store(100, 0));
	assert_true(store(101, 0));
	assert_true(this_cpu->lent);
	return a.v->loan.copy;
}

static void a_run_of_stores_borrows_the_table(void **state)
{
	uint64_t *copy;

	(void)state;
	assert_true(store(100, mfn_pte(a.page[3], RO)));
	assert_false(this_cpu->lent);
	assert_true(store(300, 0)); /* not beside it */
	assert_false(this_cpu->lent);
	copy = borrow();
	assert_memory_equal(copy + 3, content(a.l1) + 3, 8);
	/* The guest writes the copy, the processor walks the table. */
	assert_int_equal(pte_mfn(*seen()), direct_to_mfn(copy).raw);
	assert_true(*seen() & PTE_RW);
	copy[102] = mfn_pte(a.page[4], RW);
	assert_int_equal(content(a.l1)[102], 0);
	end_loan();
	assert_int_equal(content(a.l1)[102], mfn_pte(a.page[4], RW));
	assert_int_equal(pte_mfn(*seen()), a.l1);
	assert_int_equal(uses_of(a.page[4]), 2);
	check_all();
}

static void what_is_refused_stays_as_it_was(void **state)
{
	uint64_t *copy = borrow();

	(void)state;
	copy[103] = mfn_pte(b.page[4], RO);
	copy[104] = mfn_pte(a.l1, RW);
	copy[105] = mfn_pte(direct_to_mfn(copy).raw, RW);
	copy[106] = mfn_pte(a.page[4], RO | PTE_G);
	end_loan();
	assert_int_equal(content(a.l1)[103], 0);
	assert_int_equal(content(a.l1)[104], 0);
	assert_int_equal(content(a.l1)[105], 0);
	assert_int_equal(content(a.l1)[106], mfn_pte(a.page[4], RO));
	assert_int_equal(*seen(), mfn_pte(a.l1, PTE_P | PTE_A));
	check_all();
}

static void calls_borrow_it_too(void **state)
{
	uint64_t e = mfn_pte(a.page[3], RO);

	(void)state;
	assert_true(store(50, 0)); /* tells where the guest sees memory */
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(
			mmu_update(&a, pte_at(a.l1, 200 + i), e, DOMID_SELF),
			0);
		begin_loan();
	}
	assert_true(this_cpu->lent);
	check_all();
	assert_int_equal(refs_of(a.page[3]), 2 + 3);
}

static void change(unsigned int slot, uint64_t e)
{
	end_loan();
	assert_int_equal(mmu_update(&a, pte_at(a.l1, slot), e, DOMID_SELF), 0);
	begin_loan();
}

/* Pages of a file come in runs: once that is known, after the first. */
static void what_came_in_runs_is_lent_after_one(void **state)
{
	uint64_t e = mfn_pte(a.page[3], RO | PTE_US);

	(void)state;
	assert_true(store(50, 0));
	for (unsigned int i = 0; i < 2; i++) {
		host_tramp_data.user_runs++;
		change(200, e);
		assert_false(this_cpu->lent);
		change(201, e);
		assert_true(this_cpu->lent);
		change(201, 0);
	}
	host_tramp_data.user_runs++;
	change(300, mfn_pte(a.page[4], RW | PTE_US));
	assert_false(this_cpu->lent);
	change(210, e);
	assert_true(this_cpu->lent);
	a.v->loan.copy[212] = e;
	end_loan();
	assert_int_equal(content(a.l1)[212], e);
	/* When nothing more comes it is given up, soon. */
	for (unsigned int i = 0; i < 2; i++) {
		host_tramp_data.user_runs++;
		change(220 + 2 * i, e);
		assert_true(this_cpu->lent);
	}
	host_tramp_data.user_runs++;
	change(230, e);
	assert_false(this_cpu->lent);
	check_all();
}

static void a_second_vcpu_ends_it_for_ever(void **state)
{
	(void)state;
	a.d->tramp->vcpus_up = 3;
	assert_true(store(100, 0));
	assert_true(store(101, 0));
	assert_true(store(102, 0));
	assert_false(this_cpu->lent);
}

static void a_table_that_is_seen_elsewhere_is_not_lent(void **state)
{
	(void)state;
	/* At the address by the frame's number there is another frame. */
	for (unsigned int i = 0; i < 4; i++) {
		static const uint64_t pfn[] = {3, 513, 1ull << 60, ~0ull};

		assert_true(store(100 + i, 0));
		m2p_table[a.l1] = pfn[i];
		assert_true(store(101 + i, 0) && store(102 + i, 0));
		end_loan();
		m2p_table[a.l1] = 512;
	}
	check_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(a_run_of_stores_borrows_the_table),
		t(what_is_refused_stays_as_it_was),
		t(calls_borrow_it_too),
		t(what_came_in_runs_is_lent_after_one),
		t(a_second_vcpu_ends_it_for_ever),
		t(a_table_that_is_seen_elsewhere_is_not_lent),
	};

	machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
