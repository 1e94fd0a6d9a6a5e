/* SPDX-License-Identifier: MIT */
/*
 * Permissions: who may do what to which node.
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

/*
 * Permissions: rows of (mode of the node, who, may read, may write).
 */
static void permissions_decide_for_each_domain(void **state)
{
	static const struct {
		const char *perms;
		unsigned domid;
		int read, write;
	} rows[] = {
		{"n1", 1, 0, 0},
		{"n1", 2, EACCES, EACCES},
		{"r1", 2, 0, EACCES},
		{"w1", 2, EACCES, 0},
		{"b1", 2, 0, 0},
		{"n1 r2", 2, 0, EACCES},
		{"n1 r2", 3, EACCES, EACCES},
		{"b1 n2", 2, EACCES, EACCES},
		{"b1 n2", 3, 0, 0},
		{"n0 b2", 2, 0, 0},
		{"n0 w2", 2, EACCES, 0},
		{"n0 b2", 1, EACCES, EACCES},
	};
	struct conn *root = test_conn(*state, 0), *g[4];
	unsigned i;

	for (i = 1; i < 4; i++)
		g[i] = test_conn(*state, i);
	t_write(root, 0, "/n", "v");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct conn *c = g[rows[i].domid];

		assert_int_equal(t_chmod(root, 0, "/n", rows[i].perms), 0);
		assert_int_equal(t_read(c, 0, "/n", out), rows[i].read);
		assert_int_equal(t_list(c, 0, "/n", out), rows[i].read);
		assert_int_equal(t_perms(c, 0, "/n", out), rows[i].read);
		assert_int_equal(t_write(c, 0, "/n", "w"), rows[i].write);
		assert_int_equal(t_read(root, 0, "/n", out), 0);
	}
}

static void a_guest_owns_what_it_creates_and_children_inherit(void **state)
{
	struct conn *root = test_conn(*state, 0), *g = test_conn(*state, 3);

	t_mkdir(root, 0, "/shared");
	t_chmod(root, 0, "/shared", "n0 b3 r4");
	assert_int_equal(t_write(g, 0, "/shared/x/y", "1"), 0);
	t_perms(root, 0, "/shared/x/y", out);
	assert_string_equal(out, "n3 b3 r4");
	t_perms(root, 0, "/shared/x", out);
	assert_string_equal(out, "n3 b3 r4");
	t_write(root, 0, "/shared/x/z", "1");
	t_perms(root, 0, "/shared/x/z", out);
	assert_string_equal(out, "n3 b3 r4");
}

static void only_the_owner_changes_permissions_and_only_root_the_owner(
	void **state)
{
	struct conn *root = test_conn(*state, 0), *g = test_conn(*state, 3);
	struct conn *o = test_conn(*state, 4);

	t_write(root, 0, "/n", "1");
	t_chmod(root, 0, "/n", "n3 b4");
	assert_int_equal(t_chmod(o, 0, "/n", "n3 b4 r5"), EACCES);
	assert_int_equal(t_chmod(g, 0, "/n", "n3 r5"), 0);
	assert_int_equal(t_chmod(g, 0, "/n", "n5"), EPERM);
	assert_int_equal(t_chmod(root, 0, "/n", "n5"), 0);
	assert_int_equal(t_chmod(root, 0, "/n", "q5"), EINVAL);
	assert_int_equal(t_chmod(root, 0, "/n", "n70000"), EINVAL);
	assert_int_equal(t_chmod(root, 0, "/n", "n"), EINVAL);
}

static void what_does_not_exist_is_no_secret_of_a_readable_parent_only(
	void **state)
{
	struct conn *root = test_conn(*state, 0), *g = test_conn(*state, 3);

	t_mkdir(root, 0, "/open");
	t_chmod(root, 0, "/open", "r0");
	t_mkdir(root, 0, "/shut");
	assert_int_equal(t_read(g, 0, "/open/x", out), ENOENT);
	assert_int_equal(t_read(g, 0, "/shut/x", out), EACCES);
	assert_int_equal(t_write(g, 0, "/open/x", "1"), EACCES);
}

static void a_domain_acts_for_its_target(void **state)
{
	struct conn *root = test_conn(*state, 0), *stub = test_conn(*state, 8);
	struct answer a;

	test_conn(*state, 9);
	t_write(root, 0, "/of9", "1");
	t_chmod(root, 0, "/of9", "n9");
	t_write(root, 0, "/for9", "1");
	t_chmod(root, 0, "/for9", "n0 r9");
	assert_int_equal(t_read(stub, 0, "/of9", out), EACCES);
	test_call(root, XS_SET_TARGET, 0,
		  "8\0"
		  "9",
		  4, &a);
	assert_int_equal(a.error, 0);
	assert_int_equal(t_read(stub, 0, "/of9", out), 0);
	assert_int_equal(t_write(stub, 0, "/of9", "2"), 0);
	assert_int_equal(t_read(stub, 0, "/for9", out), 0);
	test_call(stub, XS_SET_TARGET, 0,
		  "8\0"
		  "9",
		  4, &a);
	assert_int_equal(a.error, EACCES);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(permissions_decide_for_each_domain),
		T(a_guest_owns_what_it_creates_and_children_inherit),
		T(only_the_owner_changes_permissions_and_only_root_the_owner),
		T(what_does_not_exist_is_no_secret_of_a_readable_parent_only),
		T(a_domain_acts_for_its_target),
	};

	return cmocka_run_group_tests_name("permissions", tests, NULL, NULL);
}
