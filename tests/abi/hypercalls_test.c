/* SPDX-License-Identifier: MIT */
/*
 * hypercalls.def, expanded in every way that the tree uses it: into numbers,
 * a table of names, a dispatch table, guest stubs, assembler symbols.
 *
 * The list is written by hand; what it must be so that each expansion is
 * right (ascending, unique, in range) is checked here once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <pv/hypercalls.h>

#define MAX_ARGUMENTS 6

struct entry {
	unsigned int number;
	const char *name;
	int nargs; /* -1: refused */
};

static const struct entry list[] = {
#define PV_HYPERCALL(number, name, nargs)  {number, #name, nargs},
#define PV_HYPERCALL_REFUSED(number, name) {number, #name, -1},
#include <pv/hypercalls.def>
};
#define LIST_SIZE (sizeof(list) / sizeof(list[0]))

/* As a dispatcher indexes it; a number that is there twice does not compile. */
static const char *const served[PV_NR_HYPERCALLS] = {
#define PV_HYPERCALL(number, name, nargs) [number] = #name,
#include <pv/hypercalls.def>
};

/* Guest stubs: each takes as many arguments as the list says. */
#define UNUSED __attribute__((unused))
#define ARGS_0 void
#define ARGS_1 UNUSED long a
#define ARGS_2 ARGS_1, UNUSED long b
#define ARGS_3 ARGS_2, UNUSED long c
#define ARGS_4 ARGS_3, UNUSED long d
#define ARGS_5 ARGS_4, UNUSED long e
#define ARGS_6 ARGS_5, UNUSED long f
#define PV_HYPERCALL(number, name, nargs)                                      \
	UNUSED static long stub_##name(ARGS_##nargs)                           \
	{                                                                      \
		return number;                                                 \
	}
#include <pv/hypercalls.def>

extern const uint32_t asm_numbers[], asm_numbers_end[];

static void the_list_is_ascending_and_has_no_number_twice(void **state)
{
	(void)state;
	assert_true(LIST_SIZE > 30);
	for (size_t i = 1; i < LIST_SIZE; i++)
		assert_true(list[i - 1].number < list[i].number);
}

static void no_name_is_there_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIST_SIZE; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(list[i].name, list[j].name);
}

static void numbers_and_argument_counts_are_in_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIST_SIZE; i++) {
		assert_in_range(list[i].number, 0, PV_NR_HYPERCALLS - 1);
		assert_true(list[i].nargs >= -1);
		assert_true(list[i].nargs <= MAX_ARGUMENTS);
	}
}

static void the_served_ones_are_in_the_table_and_no_others(void **state)
{
	size_t n = 0, in_table = 0;

	(void)state;
	for (size_t i = 0; i < LIST_SIZE; i++) {
		if (list[i].nargs < 0) {
			assert_null(served[list[i].number]);
			continue;
		}
		assert_string_equal(served[list[i].number], list[i].name);
		n++;
	}
	for (size_t i = 0; i < PV_NR_HYPERCALLS; i++)
		in_table += served[i] != NULL;
	assert_int_equal(n, in_table);
}

static void the_enumeration_has_the_numbers_of_the_list(void **state)
{
	(void)state;
#define PV_HYPERCALL(number, name, nargs)  assert_int_equal(HC_##name, number);
#define PV_HYPERCALL_REFUSED(number, name) assert_int_equal(HC_##name, number);
#include <pv/hypercalls.def>
}

static void stubs_expand_for_every_served_hypercall(void **state)
{
	(void)state;
	assert_int_equal(stub_iret(), HC_iret);
	assert_int_equal(stub_mmu_update(0, 0, 0, 0), HC_mmu_update);
	assert_int_equal(stub_ext_op(0, 0), HC_ext_op);
}

static void the_assembler_sees_the_same_numbers(void **state)
{
	size_t n = (size_t)(asm_numbers_end - asm_numbers);

	(void)state;
	assert_int_equal(n, LIST_SIZE);
	for (size_t i = 0; i < LIST_SIZE; i++)
		assert_int_equal(asm_numbers[i], list[i].number);
}

static void the_list_may_be_included_with_one_macro_or_none(void **state)
{
	size_t n = 0, refused = 0;

	(void)state;
#include <pv/hypercalls.def>
#define PV_HYPERCALL(number, name, nargs) n++;
#include <pv/hypercalls.def>
#define PV_HYPERCALL_REFUSED(number, name) refused++;
#include <pv/hypercalls.def>
#ifdef PV_HYPERCALL
	fail_msg("hypercalls.def leaves PV_HYPERCALL defined");
#endif
#ifdef PV_HYPERCALL_REFUSED
	fail_msg("hypercalls.def leaves PV_HYPERCALL_REFUSED defined");
#endif
	assert_int_equal(n + refused, LIST_SIZE);
	assert_true(refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_ascending_and_has_no_number_twice),
		cmocka_unit_test(no_name_is_there_twice),
		cmocka_unit_test(numbers_and_argument_counts_are_in_range),
		cmocka_unit_test(
			the_served_ones_are_in_the_table_and_no_others),
		cmocka_unit_test(the_enumeration_has_the_numbers_of_the_list),
		cmocka_unit_test(stubs_expand_for_every_served_hypercall),
		cmocka_unit_test(the_assembler_sees_the_same_numbers),
		cmocka_unit_test(
			the_list_may_be_included_with_one_macro_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
