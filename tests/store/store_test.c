/* SPDX-License-Identifier: MIT */
/*
 * The store's engine, request by request: nodes, listings, requests that make
 * no sense, and clients that do not read.
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
