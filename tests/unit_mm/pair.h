/* SPDX-License-Identifier: MIT */
/* What tests start from: a guest and a privileged domain, and a clean end. */
#ifndef TESTS_UNIT_MM_PAIR_H
#define TESTS_UNIT_MM_PAIR_H

#include "tests/unit_mm/machine.h"

#define RW (PTE_TABLE | PTE_US)
#define RO (RW & ~PTE_RW)

static struct guest a, b;
static uint64_t free_before;

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	(void)state;
	check_all();
	guest_end(&b); /* it may map frames of the other */
	guest_end(&a);
	/* The slab and the CPU's root copies may have grown once. */
	assert_true(mm_free_frames() + 8 >= free_before);
	return 0;
}

static inline uint64_t pte_at(uint64_t table, unsigned int slot)
{
	return table << PAGE_SHIFT | slot * 8;
}

/* The guest takes its writable mapping of page @n away. */
static inline void unmap_page(unsigned int n)
{
	assert_int_equal(update_va(gva(n), 0, 0), 0);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif /* TESTS_UNIT_MM_PAIR_H */
