/* SPDX-License-Identifier: MIT */
/*
 * Lives of domains, with a hypervisor and a store that fail where a test wants.
 *
 * Whatever fails, nothing may be left: no domain, node, record or device, and
 * the next create works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/daemon/life_bed.h"
#include "tools/daemon/xml/xml.h"

/* ---- tests --------------------------------------------------------------------- */

static void a_life_leaves_nothing(void **state)
{
	struct bed *b = *state;

	for (int i = 0; i < 10; i++) {
		assert_true(create(b, "web1"));
		assert_int_equal(domain_by_name(&b->dm, "web1")->state,
				 DOM_RUNNING);
		destroy(b, "web1");
		nothing_left(b);
	}
}

typedef void fail_fn(struct bed *b, unsigned int n);

static void fail_hv(struct bed *b, unsigned int n)
{
	hv_fake_fail(b->dm.hv, n);
}

static void fail_store(struct bed *b, unsigned int n)
{
	store_fake_fail(b->dm.store, n);
}

/* Fail the first call, the second, ... until all work. */
static unsigned int fail_each(struct bed *b, fail_fn *fail_at)
{
	unsigned int n = 1;

	for (;; n++) {
		fail_at(b, n);
		if (create(b, "web1"))
			break;
		assert_non_null(strstr(b->why, "create web1: "));
		fail_at(b, 0);
		nothing_left(b);
	}
	fail_at(b, 0);
	destroy(b, "web1");
	nothing_left(b);
	return n - 1;
}

static void each_call_of_the_hypervisor_may_fail(void **state)
{
	/* create, claim, scheduler, build, fill, unpause */
	assert_int_equal(fail_each(*state, fail_hv), 6);
}

static void each_change_of_the_store_may_fail(void **state)
{
	/* nodes, rings, introduce */
	assert_int_equal(fail_each(*state, fail_store), 3);
}

static void a_backend_may_refuse(void **state)
{
	struct bed *b = *state;

	store_fake_refuse(b->dm.store, "/vbd/");
	assert_false(create(b, "web1"));
	assert_string_equal(b->why, "create web1: disk xvda: not today");
	nothing_left(b);
	store_fake_refuse(b->dm.store, NULL);
	assert_true(create(b, "web1"));
	destroy(b, "web1");
	nothing_left(b);
}

static void a_record_may_not_be_written(void **state)
{
	struct bed *b = *state;
	char path[160], other[160];

	snprintf(path, sizeof(path), "%s/run/domains", b->dir);
	snprintf(other, sizeof(other), "%s/run/elsewhere", b->dir);
	assert_int_equal(rename(path, other), 0);
	assert_false(create(b, "web1"));
	assert_non_null(strstr(b->why, "create web1: record: "));
	assert_int_equal(rename(other, path), 0);
	nothing_left(b);
}

static void a_file_may_be_missing(void **state)
{
	struct bed *b = *state;
	char other[160];

	snprintf(other, sizeof(other), "%s/other", b->dir);
	assert_int_equal(rename(b->kernel, other), 0);
	assert_false(create(b, "web1"));
	assert_non_null(strstr(b->why, "create web1: kernel: "));
	nothing_left(b);
	assert_int_equal(rename(other, b->kernel), 0);
}

static void names_and_uuids_belong_to_one(void **state)
{
	struct bed *b = *state;
	struct dom_config *c = config(b, "one", false);
	struct dom_config *same = xml_copy(c);
	struct domain *d;
	struct fail why;

	assert_int_equal(life_define(&b->dm, c, &d, &why), 0);
	strcpy(same->name, "two");
	assert_int_equal(life_define(&b->dm, same, &d, &why), -1);
	assert_int_equal(why.code, FAIL_EXISTS);
	assert_int_equal(life_define(&b->dm, config(b, "one", false), &d, &why),
			 -1);
	assert_int_equal(why.code, FAIL_EXISTS);
	assert_int_equal(life_undefine(domain_by_name(&b->dm, "one"), &why), 0);
	nothing_left(b);
}

static void an_end_is_followed_by_what_is_configured(void **state)
{
	/* the reason, and whether it runs again */
	static const struct {
		unsigned int reason;
		bool again;
	} table[] = {{0, false}, {1, true}, {3, false}};
	struct bed *b = *state;
	int before;

	for (size_t i = 0; i < 3; i++) {
		assert_true(create(b, "web1"));
		before = domain_by_name(&b->dm, "web1")->domid;
		hv_fake_end(b->dm.hv, (domid_t)before, table[i].reason);
		daemon_check_domains(&b->dm);
		run_until(b, "web1", table[i].again ? DOM_RUNNING : DOM_OFF);
		if (table[i].again)
			destroy(b, "web1");
		nothing_left(b);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bed_make, bed_free)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_life_leaves_nothing),
		TEST(each_call_of_the_hypervisor_may_fail),
		TEST(each_change_of_the_store_may_fail),
		TEST(a_backend_may_refuse),
		TEST(a_record_may_not_be_written),
		TEST(a_file_may_be_missing),
		TEST(names_and_uuids_belong_to_one),
		TEST(an_end_is_followed_by_what_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
