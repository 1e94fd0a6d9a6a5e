/* SPDX-License-Identifier: MIT */
/*
 * One grant entry against its owner, in all orders of their steps.
 *
 * The owner grants, takes back (by exchanging the flags for 0 while it is not
 * in use) and flips other bits.  Once it has taken a grant back, nobody may
 * use the frame; while somebody uses it, taking back must fail.
 */
#include "hv/gnttab/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hv/lib/bug.h"
#include "hv/lib/string.h"

static struct pv_grant_entry_v1 entry ALIGNED(8);
static struct grant_use use;
static bool taken_back, in_use;

#define USER 3

/* The table's lock: one at a time among those who pin. */
static uint16_t locked;

static void lock(void)
{
	step_until_clear(&locked);
	locked = 1;
}

static void unlock(void)
{
	step();
	locked = 0;
}

static int pin(bool writable)
{
	int rc;

	lock();
	rc = grant_pin(&entry, &use, USER, writable);
	if (!rc) {
		CHECK(!taken_back);
		CHECK(use.frame == 77);
		in_use = true;
	}
	unlock();
	return rc;
}

static void unpin(bool writable)
{
	lock();
	if (use.readers + use.writers == 1)
		in_use = false;
	grant_unpin(&entry, &use, writable);
	unlock();
}

static void begin(void)
{
	entry = (struct pv_grant_entry_v1){GTF_permit_access, USER, 77};
	use = (struct grant_use){0};
	taken_back = in_use = false;
	locked = 0;
}

static void reads(void)
{
	if (pin(false) == GNTST_okay)
		unpin(false);
}

static void writes(void)
{
	if (pin(true) == GNTST_okay)
		unpin(true);
}

/* As a stock kernel ends a grant. */
static void takes_back(void)
{
	uint16_t flags = READ_ONCE(entry.flags);

	do {
		if (flags & (GTF_reading | GTF_writing))
			return;
	} while (!atomic_cmpxchg(&entry.flags, &flags, 0));
	CHECK(!in_use);
	taken_back = true;
	WRITE_ONCE(entry.frame, 78);
	WRITE_ONCE(entry.domid, 9);
}

static void flips_bits(void)
{
	for (int i = 0; i < 3; i++)
		atomic_fetch_or(&entry.flags, GTF_readonly << i);
}

/* Now it is one frame's for one domain, now another's for another. */
static void changes_its_mind(void)
{
	const struct pv_grant_entry_v1 other = {GTF_permit_access, 9, 78};
	const struct pv_grant_entry_v1 mine = {GTF_permit_access, USER, 77};
	uint64_t to[2];

	memcpy(&to[0], &other, sizeof(other));
	memcpy(&to[1], &mine, sizeof(mine));
	for (int i = 0; i < 4; i++)
		atomic_exchange((uint64_t *)(void *)&entry, to[i & 1]);
}

/* Other bits than ours come and go: only the bits of a use are ours. */
static void end(void)
{
	CHECK(use.readers == 0 && use.writers == 0);
	CHECK(taken_back ? entry.flags == 0 : entry.flags == GTF_permit_access);
}

static void end_flipped(void)
{
	CHECK(use.readers == 0 && use.writers == 0);
}

static const struct scenario scenarios[] = {
	{"read and take back", begin, {reads, takes_back}, end, 20},
	{"write and take back", begin, {writes, takes_back}, end, 20},
	{"read, write and take back",
	 begin,
	 {reads, writes, takes_back},
	 end,
	 5},
	{"two writers and take back",
	 begin,
	 {writes, writes, takes_back},
	 end,
	 5},
	{"write while bits flip", begin, {writes, flips_bits}, end_flipped, 20},
	{"write while the entry changes",
	 begin,
	 {writes, changes_its_mind},
	 end_flipped,
	 20},
};

static void no_order_of_steps_uses_what_was_taken_back(void **state)
{
	unsigned long orders = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
		orders += explore(&scenarios[i]);
	assert_true(orders > 1000);
}

/* ---- one at a time ------------------------------------------------------------- */
static void the_entry_decides_who_may_do_what(void **state)
{
	static const struct {
		uint16_t flags;
		domid_t domid;
		int read, write;
	} rows[] = {
		{GTF_permit_access, USER, GNTST_okay, GNTST_okay},
		{GTF_permit_access | GTF_readonly, USER, GNTST_okay,
		 GNTST_bad_gntref},
		{GTF_permit_access, 4, GNTST_bad_gntref, GNTST_bad_gntref},
		{GTF_invalid, USER, GNTST_bad_gntref, GNTST_bad_gntref},
		{GTF_accept_transfer, USER, GNTST_bad_gntref, GNTST_bad_gntref},
		{GTF_transitive, USER, GNTST_bad_gntref, GNTST_bad_gntref},
		{GTF_permit_access | GTF_sub_page, USER, GNTST_bad_gntref,
		 GNTST_bad_gntref},
		{GTF_permit_access | GTF_PCD, USER, GNTST_bad_gntref,
		 GNTST_bad_gntref},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int writable = 0; writable < 2; writable++) {
			int want = writable ? rows[i].write : rows[i].read;

			begin();
			entry.flags = rows[i].flags;
			entry.domid = rows[i].domid;
			assert_int_equal(
				grant_pin(&entry, &use, USER, writable), want);
			assert_int_equal(use.readers + use.writers, !want);
			if (want)
				assert_int_equal(entry.flags, rows[i].flags);
		}
	}
}

static void flags_are_set_by_the_first_and_cleared_by_the_last(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grant_pin(&entry, &use, USER, false), 0);
	assert_int_equal(entry.flags, GTF_permit_access | GTF_reading);
	assert_int_equal(grant_pin(&entry, &use, USER, true), 0);
	assert_int_equal(grant_pin(&entry, &use, USER, true), 0);
	assert_int_equal(entry.flags,
			 GTF_permit_access | GTF_reading | GTF_writing);
	grant_unpin(&entry, &use, true);
	assert_int_equal(entry.flags,
			 GTF_permit_access | GTF_reading | GTF_writing);
	grant_unpin(&entry, &use, true);
	assert_int_equal(entry.flags, GTF_permit_access | GTF_reading);
	/* The frame is the one of the first use, whatever is there now. */
	entry.frame = 5;
	assert_int_equal(grant_pin(&entry, &use, USER, true), 0);
	assert_int_equal(use.frame, 77);
	grant_unpin(&entry, &use, true);
	grant_unpin(&entry, &use, false);
	assert_int_equal(entry.flags, GTF_permit_access);
	assert_int_equal(grant_pin(&entry, &use, USER, true), 0);
	assert_int_equal(use.frame, 5);
	/* The table is gone: the counts go on. */
	grant_unpin(NULL, &use, true);
	assert_int_equal(use.writers, 0);
}

static void only_one_domain_uses_an_entry_at_a_time(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grant_pin(&entry, &use, USER, false), 0);
	entry.domid = 4;
	assert_int_equal(grant_pin(&entry, &use, 4, false), GNTST_bad_gntref);
	assert_int_equal(grant_pin(&entry, &use, USER, false), 0);
	/* More than before is asked of the entry again. */
	assert_int_equal(grant_pin(&entry, &use, USER, true), GNTST_bad_gntref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entry_decides_who_may_do_what),
		cmocka_unit_test(
			flags_are_set_by_the_first_and_cleared_by_the_last),
		cmocka_unit_test(only_one_domain_uses_an_entry_at_a_time),
		cmocka_unit_test(no_order_of_steps_uses_what_was_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
