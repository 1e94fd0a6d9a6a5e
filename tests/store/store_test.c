/* SPDX-License-Identifier: MIT */
/*
 * The store's engine, request by request: nodes, permissions, watches, quotas,
 * domains, and requests that make no sense.
 */
#include <errno.h>

#include "tests/store/harness.h"
#include "tools/store/config.h"

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

static void a_write_makes_its_parents_and_reads_back(void **state)
{
	struct conn *c = test_conn(*state, 0);

	assert_int_equal(t_read(c, 0, "/a/b/c", out), ENOENT);
	assert_int_equal(t_write(c, 0, "/a/b/c", "hello"), 0);
	assert_int_equal(t_read(c, 0, "/a/b/c", out), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(t_read(c, 0, "/a/b", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(t_list(c, 0, "/a", out), 0);
	assert_string_equal(out, "b");
	assert_int_equal(t_write(c, 0, "/a/b/c", ""), 0);
	assert_int_equal(t_read(c, 0, "/a/b/c", out), 0);
	assert_string_equal(out, "");
}

static void values_of_every_length_survive_being_overwritten(void **state)
{
	struct conn *c = test_conn(*state, 0);
	char value[3001];
	uint64_t seed = 1;
	int i, n;

	for (i = 0; i < 300; i++) {
		n = (int)test_rand(&seed, i % 2 ? 40 : 3000);
		memset(value, 'a' + i % 26, (size_t)n);
		value[n] = '\0';
		assert_int_equal(t_write(c, 0, "/v", value), 0);
		assert_int_equal(t_read(c, 0, "/v", out), 0);
		assert_string_equal(out, value);
	}
}

static void a_value_may_hold_any_byte(void **state)
{
	struct conn *c = test_conn(*state, 0);
	struct answer a;

	test_call(c, XS_WRITE, 0, "/bin\0a\0b\xff\0", 10, &a);
	assert_int_equal(a.error, 0);
	test_call(c, XS_READ, 0, "/bin", 5, &a);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.data, "a\0b\xff\0", 5);
}

static void mkdir_leaves_what_is_there(void **state)
{
	struct conn *c = test_conn(*state, 0);

	assert_int_equal(t_write(c, 0, "/a", "1"), 0);
	assert_int_equal(t_mkdir(c, 0, "/a"), 0);
	assert_int_equal(t_read(c, 0, "/a", out), 0);
	assert_string_equal(out, "1");
	assert_int_equal(t_mkdir(c, 0, "/x/y/z"), 0);
	assert_int_equal(t_read(c, 0, "/x/y/z", out), 0);
}

static void rm_takes_the_subtree_and_needs_a_parent(void **state)
{
	struct conn *c = test_conn(*state, 0);

	t_write(c, 0, "/a/b/c", "1");
	t_write(c, 0, "/a/d", "2");
	assert_int_equal(t_rm(c, 0, "/a/b"), 0);
	assert_int_equal(t_read(c, 0, "/a/b/c", out), ENOENT);
	assert_int_equal(t_read(c, 0, "/a/d", out), 0);
	assert_int_equal(t_rm(c, 0, "/a/b"), 0);
	assert_int_equal(t_rm(c, 0, "/no/where"), ENOENT);
	assert_int_equal(t_rm(c, 0, "/"), EINVAL);
}

static void paths_that_no_store_accepts_are_refused(void **state)
{
	static const char *const bad[] = {"",     "//",    "/a//b", "/a/",
					  "/a b", "/a.b",  "/a\\",  "/ä",
					  "@x",   "/a/\n", "//a"};
	struct conn *c = test_conn(*state, 0);
	char path[4000];
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(t_write(c, 0, bad[i], "1"), EINVAL);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[3073] = '\0';
	assert_int_equal(t_write(c, 0, path, "1"), EINVAL);
	path[3072] = '\0';
	assert_int_equal(t_write(c, 0, path, "1"), 0);
	path[2049] = '\0';
	assert_int_equal(t_write(c, 0, path + 1, "1"), 0);
	path[2049] = 'a';
	path[2050] = '\0';
	assert_int_equal(t_write(c, 0, path + 1, "1"), EINVAL);
}

static void the_deepest_path_works(void **state)
{
	struct conn *c = test_conn(*state, 0);
	char path[3073];
	int i;

	for (i = 0; i < 3072; i++)
		path[i] = i % 2 ? 'x' : '/';
	path[3072] = '\0';
	assert_int_equal(t_write(c, 0, path, "deep"), 0);
	assert_int_equal(t_read(c, 0, path, out), 0);
	assert_string_equal(out, "deep");
	assert_int_equal(t_rm(c, 0, "/x"), 0);
	assert_int_equal(((struct store *)*state)->tree.count, 1);
}

static void relative_paths_start_at_the_domains_home(void **state)
{
	struct conn *c = test_conn(*state, 0), *g = test_conn(*state, 7);

	assert_int_equal(t_write(c, 0, "domid", "0"), 0);
	assert_int_equal(t_read(c, 0, "/local/domain/0/domid", out), 0);
	t_mkdir(c, 0, "/local/domain/7");
	t_chmod(c, 0, "/local/domain/7", "n7");
	assert_int_equal(t_write(g, 0, "data/x", "1"), 0);
	assert_int_equal(t_read(c, 0, "/local/domain/7/data/x", out), 0);
	assert_string_equal(out, "1");
}

static void a_long_directory_comes_in_parts(void **state)
{
	struct conn *c = test_conn(*state, 0);
	char path[64], gen[32] = "", *p;
	static char seen[10000];
	unsigned i, count = 0, done = 0;
	size_t offset = 0;
	struct answer a;

	for (i = 0; i < 10000; i++) {
		sprintf(path, "/dir/n%u", i);
		t_write(c, 0, path, "");
	}
	assert_int_equal(t_list(c, 0, "/dir", out), E2BIG);
	while (!done) {
		int n = sprintf(path, "/dir%c%zu", 0, offset);

		test_call(c, XS_DIRECTORY_PART, 0, path, (size_t)n + 1, &a);
		assert_int_equal(a.error, 0);
		if (*gen)
			assert_string_equal(gen, a.data);
		strcpy(gen, a.data);
		for (p = a.data + strlen(gen) + 1; p < a.data + a.len;
		     p += strlen(p) + 1) {
			if (!*p) {
				done = 1;
				break;
			}
			seen[atoi(p + 1)]++;
			count++;
			offset += strlen(p) + 1;
		}
	}
	assert_int_equal(count, 10000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(seen[i], 1);
	t_write(c, 0, "/dir/n0", "changed value, same names");
	test_call(c, XS_DIRECTORY_PART, 0,
		  "/dir\0"
		  "0",
		  7, &a);
	assert_string_equal(a.data, gen);
	t_rm(c, 0, "/dir/n0");
	test_call(c, XS_DIRECTORY_PART, 0,
		  "/dir\0"
		  "0",
		  7, &a);
	assert_string_not_equal(a.data, gen);
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

static void a_watch_fires_at_once_and_for_everything_below(void **state)
{
	struct conn *c = test_conn(*state, 0), *w = test_conn(*state, 0);

	assert_int_equal(t_watch(w, "/a", "tok", -1), 0);
	assert_string_equal(test_event(w), "/a tok");
	assert_string_equal(test_event(w), "");
	t_write(c, 0, "/a/b/c", "1");
	assert_string_equal(test_event(w), "/a/b/c tok");
	t_write(c, 0, "/a", "1");
	assert_string_equal(test_event(w), "/a tok");
	t_write(c, 0, "/ab", "1");
	assert_string_equal(test_event(w), "");
	t_chmod(c, 0, "/a/b", "r0");
	assert_string_equal(test_event(w), "/a/b tok");
	t_mkdir(c, 0, "/a/b");
	assert_string_equal(test_event(w), "");
	t_rm(c, 0, "/a/b");
	assert_string_equal(test_event(w), "/a/b tok");
	assert_string_equal(test_event(w), "");
	assert_int_equal(t_unwatch(w, "/a", "tok"), 0);
	t_write(c, 0, "/a", "2");
	assert_string_equal(test_event(w), "");
	assert_int_equal(t_unwatch(w, "/a", "tok"), ENOENT);
}

static void removal_of_a_parent_names_the_watched_path(void **state)
{
	struct conn *c = test_conn(*state, 0), *w = test_conn(*state, 0);

	t_write(c, 0, "/a/b/c", "1");
	t_watch(w, "/a/b/c", "t", -1);
	test_drain(w);
	t_rm(c, 0, "/a");
	assert_string_equal(test_event(w), "/a/b/c t");
	assert_string_equal(test_event(w), "");
}

static void depth_limits_a_watch(void **state)
{
	struct conn *c = test_conn(*state, 0), *w = test_conn(*state, 0);

	t_watch(w, "/a", "d0", 0);
	t_watch(w, "/a", "d1", 1);
	test_drain(w);
	t_write(c, 0, "/a/b/c", "1");
	assert_string_equal(test_event(w), "");
	t_write(c, 0, "/a/b", "1");
	assert_string_equal(test_event(w), "/a/b d1");
	assert_string_equal(test_event(w), "");
	t_write(c, 0, "/a", "1");
	assert_string_equal(test_event(w), "/a d0");
	assert_string_equal(test_event(w), "/a d1");
}

static void a_relative_watch_gives_relative_events(void **state)
{
	struct conn *c = test_conn(*state, 0), *g = test_conn(*state, 5);

	t_mkdir(c, 0, "/local/domain/5");
	t_chmod(c, 0, "/local/domain/5", "n5");
	t_watch(g, "data", "t", -1);
	assert_string_equal(test_event(g), "data t");
	t_write(c, 0, "/local/domain/5/data/x", "1");
	assert_string_equal(test_event(g), "data/x t");
	assert_int_equal(t_watch(g, "data", "t", -1), EEXIST);
	assert_int_equal(t_watch(g, "/local/domain/5/data", "t", -1), EEXIST);
}

static void events_of_one_change_come_in_order_of_registration(void **state)
{
	struct conn *c = test_conn(*state, 0), *w = test_conn(*state, 0);

	t_watch(w, "/a/b", "1", -1);
	t_watch(w, "/", "2", -1);
	t_watch(w, "/a", "3", -1);
	test_drain(w);
	t_write(c, 0, "/a/b", "x");
	assert_string_equal(test_event(w), "/a/b 1");
	assert_string_equal(test_event(w), "/a/b 2");
	assert_string_equal(test_event(w), "/a/b 3");
}

static void a_guest_learns_only_of_what_it_may_read(void **state)
{
	struct conn *c = test_conn(*state, 0), *g = test_conn(*state, 5);

	t_write(c, 0, "/dir/secret/x", "1");
	t_watch(g, "/dir", "t", -1);
	test_drain(g);
	t_write(c, 0, "/dir/secret/x", "2");
	assert_string_equal(test_event(g), "");
	t_chmod(c, 0, "/dir/secret/x", "n0 r5");
	assert_string_equal(test_event(g), "/dir/secret/x t");
	t_write(c, 0, "/dir/secret/x", "3");
	assert_string_equal(test_event(g), "/dir/secret/x t");
	t_chmod(c, 0, "/dir/secret/x", "n0");
	assert_string_equal(test_event(g), "/dir/secret/x t");
	t_write(c, 0, "/dir/secret/x", "4");
	assert_string_equal(test_event(g), "");
}

static void an_answer_comes_before_the_events_of_its_request(void **state)
{
	struct conn *c = test_conn(*state, 0);
	struct answer a;

	test_put(c, XS_WATCH, 0, "/a\0t", 5);
	test_put(c, XS_WRITE, 0, "/a\0x", 4);
	conn_run(c, 2);
	assert_true(test_get(c, &a) && a.type == XS_WATCH);
	assert_true(test_get(c, &a) && a.type == XS_WATCH_EVENT);
	assert_true(test_get(c, &a) && a.type == XS_WRITE);
	assert_true(test_get(c, &a) && a.type == XS_WATCH_EVENT);
	assert_false(test_get(c, &a));
}

static void introduce_and_release_are_announced(void **state)
{
	struct conn *c = test_conn(*state, 0), *w = test_conn(*state, 0);
	struct conn *g = test_conn(*state, 5);
	struct answer a;

	assert_int_equal(t_watch(w, "@introduceDomain", "i", -1), 0);
	t_watch(w, "@releaseDomain", "r", -1);
	t_watch(w, "@releaseDomain", "r1", 1);
	t_watch(w, "@releaseDomain/6", "r6", -1);
	t_watch(w, "@releaseDomain/7", "r7", -1);
	t_watch(g, "@releaseDomain", "g", -1);
	test_drain(w);
	test_drain(g);
	assert_int_equal(t_introduce(c, 6), 0);
	assert_string_equal(test_event(w), "@introduceDomain i");
	test_call(c, XS_IS_DOMAIN_INTRODUCED, 0, "6", 2, &a);
	assert_string_equal(a.data, "T");
	test_call(c, XS_RELEASE, 0, "6", 2, &a);
	assert_int_equal(a.error, 0);
	assert_string_equal(test_event(w), "@releaseDomain r");
	assert_string_equal(test_event(w), "@releaseDomain/6 r1");
	assert_string_equal(test_event(w), "@releaseDomain/6 r6");
	assert_string_equal(test_event(w), "");
	assert_string_equal(test_event(g), "");
	test_call(c, XS_IS_DOMAIN_INTRODUCED, 0, "6", 2, &a);
	assert_string_equal(a.data, "F");
	test_call(c, XS_RELEASE, 0, "6", 2, &a);
	assert_int_equal(a.error, ENOENT);
	/* A guest is told if it was allowed to be. */
	assert_int_equal(t_chmod(c, 0, "@releaseDomain", "n0 r5"), 0);
	t_perms(c, 0, "@releaseDomain", out);
	assert_string_equal(out, "n0 r5");
	t_introduce(c, 6);
	test_call(c, XS_RELEASE, 0, "6", 2, &a);
	assert_string_equal(test_event(g), "@releaseDomain g");
	assert_int_equal(t_chmod(g, 0, "@releaseDomain", "n5"), EACCES);
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

static void reset_watches_forgets_watches_and_transactions(void **state)
{
	struct conn *c = test_conn(*state, 0);
	struct answer a;
	uint32_t t = t_start(c);

	t_watch(c, "/a", "t", -1);
	test_drain(c);
	test_call(c, XS_RESET_WATCHES, 0, "", 1, &a);
	assert_int_equal(a.error, 0);
	t_write(c, 0, "/a", "1");
	assert_string_equal(test_event(c), "");
	assert_int_equal(t_end(c, t, true), ENOENT);
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

static void senseless_requests_get_an_error_and_nothing_else(void **state)
{
	static const struct {
		uint32_t type;
		const char *data;
		size_t len;
		int error;
	} rows[] = {
		{20, "", 0, ENOSYS},
		{27, "", 0, ENOSYS},
		{0xffffffff, "", 0, ENOSYS},
		{XS_WATCH_EVENT, "/\0t", 4, ENOSYS},
		{XS_ERROR, "EIO", 4, ENOSYS},
		{XS_READ, "/a", 2, EINVAL},
		{XS_READ, "", 0, EINVAL},
		{XS_READ, "/a\0b", 5, EINVAL},
		{XS_WRITE, "/a", 2, EINVAL},
		{XS_MKDIR, "/a\0/b", 6, EINVAL},
		{XS_WATCH, "/a", 3, EINVAL},
		{XS_WATCH, "/a\0t\0x", 7, EINVAL},
		{XS_WATCH,
		 "/a\0t\0"
		 "5\0z",
		 9, EINVAL},
		{XS_UNWATCH, "/a", 3, EINVAL},
		{XS_DIRECTORY_PART, "/", 2, EINVAL},
		{XS_DIRECTORY_PART, "/\0x", 4, EINVAL},
		{XS_SET_PERMS, "/", 2, EINVAL},
		{XS_SET_PERMS, "/\0n0\0r", 7, EINVAL},
		{XS_TRANSACTION_END, "T", 2, ENOENT},
		{XS_TRANSACTION_END, "X", 2, EINVAL},
		{XS_INTRODUCE, "6", 2, EINVAL},
		{XS_INTRODUCE,
		 "99999999\0"
		 "1\0"
		 "1",
		 13, EINVAL},
		{XS_INTRODUCE,
		 "40000\0"
		 "1\0"
		 "1",
		 10, EINVAL},
		{XS_INTRODUCE,
		 "6\0x\0"
		 "1",
		 6, EINVAL},
		{XS_INTRODUCE,
		 "6\0"
		 "1\0"
		 "0",
		 6, EINVAL},
		{XS_RELEASE, "-1", 3, EINVAL},
		{XS_CONTROL, "", 0, EINVAL},
		{XS_CONTROL, "nonsense", 9, EINVAL},
		{XS_SET_QUOTA, "nodes", 6, EINVAL},
	};
	struct store *st = *state;
	struct conn *c = test_conn(st, 0);
	struct answer a;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		test_call(c, rows[i].type, 0, rows[i].data, rows[i].len, &a);
		if (a.error != rows[i].error)
			fail_msg("row %zu: error %d", i, a.error);
	}
	test_call(c, XS_READ, 77, "/", 2, &a);
	assert_int_equal(a.error, ENOENT);
	assert_int_equal(st->tree.count, 1);
	assert_string_equal(test_event(c), "");
}

static void a_message_that_is_too_long_breaks_the_connection(void **state)
{
	struct conn *c = test_conn(*state, 0);
	struct xs_hdr h = {XS_READ, 1, 0, XS_PAYLOAD_MAX + 1};

	conn_input(c, &h, sizeof(h));
	assert_int_equal(conn_run(c, 10), 0);
	assert_true(c->broken);
	assert_int_equal(c->out.len, 0);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct conn *c = test_conn(*state, 0);
	char msg[32];
	struct xs_hdr h = {XS_WRITE, 9, 0, 6};
	struct answer a;
	size_t i;

	memcpy(msg, &h, sizeof(h));
	memcpy(msg + sizeof(h), "/a\0xyz", 6);
	for (i = 0; i < sizeof(h) + 6; i++) {
		assert_int_equal(conn_run(c, 5), 0);
		conn_input(c, msg + i, 1);
	}
	assert_int_equal(conn_run(c, 5), 1);
	assert_true(test_get(c, &a));
	assert_int_equal(a.error, 0);
	assert_int_equal(t_read(c, 0, "/a", out), 0);
	assert_string_equal(out, "xyz");
}

static void who_never_reads_is_throttled_and_told_later(void **state)
{
	struct store *st = *state;
	struct conn *c = test_conn(st, 0), *w = test_conn(st, 0);
	struct answer a;
	char path[32];
	int i, events = 0;
	bool overall = false;

	t_watch(w, "/a", "t", -1);
	for (i = 0; i < 100000; i++) {
		sprintf(path, "/a/n%d", i % 500);
		t_write(c, 0, path, "1");
	}
	assert_true(w->out.len < 256 * 1024);
	while (test_get(w, &a)) {
		events++;
		overall |= !strcmp(a.data, "/a");
	}
	assert_true(events > 100 && overall);
	assert_int_equal(w->lost_watches, 0);
	/* Requests are not taken either. */
	for (i = 0; i < 10000; i++)
		test_put(w, XS_DIRECTORY, 0, "/a", 3);
	while (conn_run(w, 100))
		;
	assert_true(conn_throttled(w));
	assert_true(w->out.len < 300 * 1024);
	for (i = 0; test_get(w, &a); i++)
		conn_run(w, 100);
	assert_int_equal(i, 10000);
}

static void a_guest_has_few_answers_outstanding(void **state)
{
	struct conn *g = test_conn(*state, 5);
	int i;

	for (i = 0; i < 1000; i++)
		test_put(g, XS_GET_DOMAIN_PATH, 0, "5", 2);
	while (conn_run(g, 100))
		;
	assert_true(conn_throttled(g));
	assert_true(g->out.len < 8192);
}

static void control_commands_answer(void **state)
{
	static const char *const cmds[] = {
		"help", "quota", "memreport", "stats", "usage", "check", "log"};
	struct conn *c = test_conn(*state, 0);
	struct answer a;
	size_t i;

	t_write(c, 0, "/a/b", "1");
	for (i = 0; i < ARRAY_LEN(cmds); i++) {
		test_call(c, XS_CONTROL, 0, cmds[i], strlen(cmds[i]) + 1, &a);
		assert_int_equal(a.error, 0);
		assert_true(a.len > 3);
	}
	test_call(c, XS_CONTROL, 0, "check", 6, &a);
	assert_string_equal(a.data, "OK: 3 nodes\n");
	test_call(c, XS_CONTROL, 0,
		  "quota\0set\0nodes\0"
		  "9",
		  18, &a);
	assert_string_equal(a.data, "OK");
	test_call(c, XS_CONTROL, 0,
		  "quota\0"
		  "0",
		  8, &a);
	assert_non_null(strstr(a.data, "nodes"));
}

static void settings_are_checked(void **state)
{
	static const struct {
		const char *key, *value;
		int rc;
	} rows[] = {
		{"socket", "/tmp/x", 0},
		{"socket-mode", "0660", 0},
		{"socket-mode", "abc", EINVAL},
		{"quota.nodes", "5", 0},
		{"quota.nodes", "-5", EINVAL},
		{"quota.nope", "5", EINVAL},
		{"sync", "yes", 0},
		{"sync", "maybe", EINVAL},
		{"rings", "xen", 0},
		{"rings", "files:/x", 0},
		{"rings", "tcp", EINVAL},
		{"nothing", "1", EINVAL},
	};
	struct config cfg;
	char why[256];
	size_t i;

	(void)state;
	config_init(&cfg);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		why[0] = '\0';
		assert_int_equal(config_set(&cfg, rows[i].key, rows[i].value,
					    why, sizeof(why)),
				 rows[i].rc);
		assert_int_equal(!!why[0], !!rows[i].rc);
	}
	config_free(&cfg);
}

static void a_hash_table_survives_growing_and_shrinking(void **state)
{
	static struct hlink links[5000];
	struct htab t;
	struct hlink *l;
	uint32_t i, h, round;

	(void)state;
	htab_init(&t);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 5000; i++)
			htab_add(&t, &links[i], i * 2654435761u);
		for (i = 0; i < 5000; i++) {
			h = i * 2654435761u;
			for (l = htab_chain(&t, h); l && l != &links[i];)
				l = l->next;
			assert_ptr_equal(l, &links[i]);
		}
		for (i = 0; i < 5000; i++)
			htab_del(&t, &links[(i * 7919u) % 5000]);
		assert_int_equal(t.count, 0);
		assert_int_equal(t.nbucket, 16);
	}
	htab_free(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_write_makes_its_parents_and_reads_back),
		T(values_of_every_length_survive_being_overwritten),
		T(a_value_may_hold_any_byte),
		T(mkdir_leaves_what_is_there),
		T(rm_takes_the_subtree_and_needs_a_parent),
		T(paths_that_no_store_accepts_are_refused),
		T(the_deepest_path_works),
		T(relative_paths_start_at_the_domains_home),
		T(a_long_directory_comes_in_parts),
		T(permissions_decide_for_each_domain),
		T(a_guest_owns_what_it_creates_and_children_inherit),
		T(only_the_owner_changes_permissions_and_only_root_the_owner),
		T(what_does_not_exist_is_no_secret_of_a_readable_parent_only),
		T(a_domain_acts_for_its_target),
		T(a_watch_fires_at_once_and_for_everything_below),
		T(removal_of_a_parent_names_the_watched_path),
		T(depth_limits_a_watch),
		T(a_relative_watch_gives_relative_events),
		T(events_of_one_change_come_in_order_of_registration),
		T(a_guest_learns_only_of_what_it_may_read),
		T(an_answer_comes_before_the_events_of_its_request),
		T(introduce_and_release_are_announced),
		T(a_released_domain_leaves_no_nodes),
		T(reset_watches_forgets_watches_and_transactions),
		T(a_quota_names_itself),
		T(what_goes_away_is_given_back_to_the_quota),
		T(complaints_about_quotas_are_rate_limited),
		T(only_the_control_domain_manages),
		T(quotas_and_features_can_be_asked_and_set),
		T(senseless_requests_get_an_error_and_nothing_else),
		T(a_message_that_is_too_long_breaks_the_connection),
		T(a_request_may_come_byte_by_byte),
		T(who_never_reads_is_throttled_and_told_later),
		T(a_guest_has_few_answers_outstanding),
		T(control_commands_answer),
		T(settings_are_checked),
		T(a_hash_table_survives_growing_and_shrinking),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
