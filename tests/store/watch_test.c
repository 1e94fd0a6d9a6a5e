/* SPDX-License-Identifier: MIT */
/*
 * Watches: which changes are told to whom, how often and in which order.
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_watch_fires_at_once_and_for_everything_below),
		T(removal_of_a_parent_names_the_watched_path),
		T(depth_limits_a_watch),
		T(a_relative_watch_gives_relative_events),
		T(events_of_one_change_come_in_order_of_registration),
		T(a_guest_learns_only_of_what_it_may_read),
		T(an_answer_comes_before_the_events_of_its_request),
		T(introduce_and_release_are_announced),
		T(reset_watches_forgets_watches_and_transactions),
	};

	return cmocka_run_group_tests_name("watches", tests, NULL, NULL);
}
