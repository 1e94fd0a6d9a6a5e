/* SPDX-License-Identifier: MIT */
/*
 * Domains and their quotas: accounts, refusals, management.
 */
#include <errno.h>

#include "tests/store/harness.h"

static char out[XS_PAYLOAD_MAX + 1];

static int setup(void **state)
{
	*state = test_store();
	return 0;
}

static int teardown(void **state)
{
	test_store_free(*state);
	return 0;
}

static void a_released_domain_leaves_no_nodes(void **state)
{
	struct store *st = *state;
	struct conn *c = test_conn(st, 0);
	struct answer a;

	t_introduce(c, 6);
	t_write(c, 0, "/local/domain/6/a/b", "1");
	t_chmod(c, 0, "/local/domain/6/a", "n6");
	t_chmod(c, 0, "/local/domain/6/a/b", "n6");
	t_write(c, 0, "/elsewhere/x", "1");
	t_chmod(c, 0, "/elsewhere/x", "b6");
	test_call(c, XS_RELEASE, 0, "6", 2, &a);
	assert_int_equal(t_read(c, 0, "/local/domain/6/a", out), ENOENT);
	assert_int_equal(t_read(c, 0, "/elsewhere/x", out), ENOENT);
	assert_int_equal(t_read(c, 0, "/local/domain/6", out), 0);
	assert_null(domain_find(&st->domains, 6));
}

/*
 * Quotas: each refusal has its error, its line in the log, and its reason.
 */
static void refused(struct conn *g, int got, int want, const char *quota)
{
	struct answer a;

	assert_int_equal(got, want);
	assert_non_null(strstr(test_log, quota));
	assert_non_null(strstr(test_log, "d5 "));
	test_call(g, XS_CONTROL, 0, "why", 4, &a);
	assert_non_null(strstr(a.data, quota));
	test_log[0] = '\0';
	test_time += 100;
}

static void set_quota(struct conn *c, const char *name, const char *value)
{
	char data[64];
	int n = sprintf(data, "5%c%s%c%s", 0, name, 0, value);
	struct answer a;

	test_call(c, XS_SET_QUOTA, 0, data, (size_t)n + 1, &a);
	assert_int_equal(a.error, 0);
}

static void a_quota_names_itself(void **state)
{
	struct conn *c = test_conn(*state, 0), *g = test_conn(*state, 5);
	char big[3000], path[400];
	int i;

	t_mkdir(c, 0, "/local/domain/5");
	t_chmod(c, 0, "/local/domain/5", "n5");
	set_quota(c, "nodes", "10");
	set_quota(c, "watches", "3");
	set_quota(c, "transactions", "2");
	set_quota(c, "node-size", "100");
	set_quota(c, "node-permissions", "3");
	set_quota(c, "path-max", "50");
	for (i = 0; i < 9; i++) {
		sprintf(path, "n%d", i);
		assert_int_equal(t_write(g, 0, path, "1"), 0);
	}
	refused(g, t_write(g, 0, "n9", "1"), ENOSPC, "nodes");
	memset(big, 'x', 100);
	big[100] = '\0';
	refused(g, t_write(g, 0, "n1", big), ENOSPC, "node-size");
	for (i = 0; i < 3; i++) {
		sprintf(path, "t%d", i);
		assert_int_equal(t_watch(g, "n1", path, -1), 0);
	}
	refused(g, t_watch(g, "n1", "t3", -1), ENOSPC, "watches");
	test_drain(g);
	assert_true(t_start(g) && t_start(g));
	refused(g, t_start(g) ? 0 : ENOSPC, ENOSPC, "transactions");
	refused(g, t_chmod(g, 0, "n1", "n5 r1 r2 r3"), ENOSPC,
		"node-permissions");
	memset(path, 'p', 51);
	path[51] = '\0';
	refused(g, t_write(g, 0, path, "1"), EINVAL, "path-max");
	set_quota(c, "memory", "1000");
	refused(g, t_write(g, 0, "n1", "0123456789"), ENOSPC, "memory");
	/* 0 is no limit; the control domain has none. */
	set_quota(c, "memory", "0");
	set_quota(c, "nodes", "0");
	assert_int_equal(t_write(g, 0, "n9", "1"), 0);
	assert_int_equal(t_write(c, 0, "/local/domain/5/more", big), 0);
}

static void what_goes_away_is_given_back_to_the_quota(void **state)
{
	struct store *st = *state;
	struct conn *c = test_conn(st, 0), *g = test_conn(st, 5);
	struct domain *d = domain_find(&st->domains, 5);
	uint32_t t, memory;

	t_mkdir(c, 0, "/d");
	t_chmod(c, 0, "/d", "n5");
	memory = d->use[QUOTA_MEMORY];
	t_write(g, 0, "/d/a/b", "123");
	t_write(g, 0, "/d/a/b", "a longer value than the first one was");
	t_watch(g, "/d", "t", -1);
	test_drain(g);
	t = t_start(g);
	t_write(g, t, "/d/x", "1");
	assert_int_equal(t_end(g, t, true), 0);
	assert_int_equal(d->use[QUOTA_NODES], 4);
	assert_int_equal(d->use[QUOTA_WATCHES], 1);
	test_drain(g);
	t_rm(g, 0, "/d/a");
	t_rm(g, 0, "/d/x");
	t_unwatch(g, "/d", "t");
	assert_int_equal(d->use[QUOTA_NODES], 1);
	assert_int_equal(d->use[QUOTA_WATCHES], 0);
	assert_int_equal(d->use[QUOTA_TRANSACTIONS], 0);
	assert_int_equal(d->use[QUOTA_MEMORY], memory);
}

static void complaints_about_quotas_are_rate_limited(void **state)
{
	struct conn *c = test_conn(*state, 0), *g = test_conn(*state, 5);
	int i, lines = 0;

	set_quota(c, "watches", "1");
	t_watch(g, "/", "0", -1);
	for (i = 0; i < 1000; i++) {
		test_log[0] = '\0';
		t_watch(g, "/", "1", -1);
		lines += !!test_log[0];
	}
	assert_in_range(lines, 1, 10);
	test_time += 60;
	t_watch(g, "/", "1", -1);
	assert_non_null(strstr(test_log, "quota=watches"));
}

static void only_the_control_domain_manages(void **state)
{
	static const struct {
		uint32_t type;
		const char *data;
		size_t len;
	} rows[] = {
		{XS_INTRODUCE,
		 "6\0"
		 "1\0"
		 "2",
		 6},
		{XS_RELEASE, "6", 2},
		{XS_RESUME, "6", 2},
		{XS_SET_TARGET,
		 "6\0"
		 "7",
		 4},
		{XS_SET_FEATURE,
		 "6\0"
		 "1",
		 4},
		{XS_GET_QUOTA, "nodes", 6},
		{XS_SET_QUOTA,
		 "nodes\0"
		 "5",
		 8},
		{XS_GET_FEATURE, "6", 2},
		{XS_CONTROL, "help", 5},
	};
	struct conn *g = test_conn(*state, 5);
	struct answer a;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		test_call(g, rows[i].type, 0, rows[i].data, rows[i].len, &a);
		assert_int_equal(a.error, EACCES);
	}
	test_call(g, XS_GET_FEATURE, 0, "", 0, &a);
	assert_string_equal(a.data, "7");
	test_call(g, XS_GET_DOMAIN_PATH, 0, "12", 3, &a);
	assert_string_equal(a.data, "/local/domain/12");
}

static void quotas_and_features_can_be_asked_and_set(void **state)
{
	struct conn *c = test_conn(*state, 0);
	struct answer a;

	test_call(c, XS_GET_QUOTA, 0, "", 0, &a);
	assert_non_null(strstr(a.data, "nodes watches"));
	test_call(c, XS_SET_QUOTA, 0,
		  "nodes\0"
		  "77",
		  9, &a);
	assert_int_equal(a.error, 0);
	test_call(c, XS_GET_QUOTA, 0, "nodes", 6, &a);
	assert_string_equal(a.data, "77");
	test_call(c, XS_SET_QUOTA, 0,
		  "9\0nodes\0"
		  "5",
		  10, &a);
	test_call(c, XS_GET_QUOTA, 0, "9\0nodes", 8, &a);
	assert_string_equal(a.data, "5");
	test_call(c, XS_GET_QUOTA, 0, "nonsense", 9, &a);
	assert_int_equal(a.error, EINVAL);
	test_call(c, XS_SET_FEATURE, 0,
		  "9\0"
		  "1",
		  4, &a);
	assert_int_equal(a.error, 0);
	test_call(c, XS_GET_FEATURE, 0, "9", 2, &a);
	assert_string_equal(a.data, "1");
	t_introduce(c, 9);
	test_call(c, XS_SET_FEATURE, 0,
		  "9\0"
		  "3",
		  4, &a);
	assert_int_equal(a.error, EBUSY);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_released_domain_leaves_no_nodes),
		T(a_quota_names_itself),
		T(what_goes_away_is_given_back_to_the_quota),
		T(complaints_about_quotas_are_rate_limited),
		T(only_the_control_domain_manages),
		T(quotas_and_features_can_be_asked_and_set),
	};

	return cmocka_run_group_tests_name("quotas", tests, NULL, NULL);
}
