/* SPDX-License-Identifier: MIT */
/*
 * Devices that come and go while their domain runs, with a hypervisor and a
 * store that fail where a test wants, and guests that hold what they have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/daemon/life_bed.h"
#include "tools/daemon/device.h"
#include "tools/daemon/record.h"
#include "tools/daemon/xml/xml.h"

static void what_fails_of_a_plug_is_undone(void **state)
{
	static const char xml[] = "<interface type='bridge'>"
				  "<source bridge='run'/>"
				  "<virtualport type='openvswitch'/>"
				  "</interface>";
	struct bed *b = *state;
	struct xml_report report = {0};
	struct dom_config *add;
	unsigned int nodes;
	struct domain *d;
	struct fail why;

	assert_true(create(b, "web1"));
	d = domain_by_name(&b->dm, "web1");
	nodes = store_fake_nodes(b->dm.store);
	for (int i = 0; i < 3; i++) {
		add = xml_parse_device(xml, strlen(xml), "test", 0, &report,
				       &why);
		assert_non_null(add);
		store_fake_refuse(b->dm.store, i == 1 ? "/vif/" : NULL);
		store_fake_fail(b->dm.store, i == 0);
		assert_int_equal(life_attach(d, add, false, waiter(b), &why),
				 0);
		wait_done(b);
		store_fake_fail(b->dm.store, 0);
		assert_int_equal(b->rc, i < 2 ? -1 : 0);
		if (i < 2)
			assert_int_equal(store_fake_nodes(b->dm.store), nodes);
		assert_int_equal(d->live->nr_nics, i < 2 ? 0 : 1);
	}
	/* Not asked to close, it is as before. */
	store_fake_fail(b->dm.store, 1);
	assert_int_equal(life_detach(d, "0", false, false, waiter(b), &why), 0);
	wait_done(b);
	store_fake_fail(b->dm.store, 0);
	assert_int_equal(b->rc, -1);
	assert_int_equal(device_by_name(d, "0")->state, DEV_READY);
	assert_int_equal(life_detach(d, "0", false, false, waiter(b), &why), 0);
	wait_done(b);
	assert_int_equal(b->rc, 0);
	assert_int_equal(store_fake_nodes(b->dm.store), nodes);
	destroy(b, "web1");
	nothing_left(b);
}

/* ---- devices that guests hold ------------------------------------------------------ */

/* A defined domain with disk xvda, which its guest does not let go of. */
static struct domain *create_held(struct bed *b)
{
	struct domain *d;
	struct fail why;

	b->set.detach_timeout = 0.01;
	assert_int_equal(life_define(&b->dm, config(b, "web1", true), &d, &why),
			 0);
	assert_int_equal(life_start(d, false, waiter(b), &why), 0);
	wait_done(b);
	assert_int_equal(b->rc, 0);
	store_fake_hold(b->dm.store, true);
	return d;
}

static int detach(struct bed *b, struct domain *d, bool force, bool persistent)
{
	struct fail why;

	assert_int_equal(
		life_detach(d, "xvda", force, persistent, waiter(b), &why), 0);
	wait_done(b);
	return b->rc;
}

static struct device *disk_of(struct domain *d)
{
	return device_by_name(d, "xvda");
}

/* The daemon ends and is started again. */
static struct domain *restart(struct bed *b)
{
	struct domain *d;

	while ((d = TAILQ_FIRST(&b->dm.domains)))
		domain_forget(d);
	record_recover(&b->dm);
	d = domain_by_name(&b->dm, "web1");
	assert_non_null(d);
	return d;
}

static void end_held(struct bed *b)
{
	struct fail why;

	store_fake_hold(b->dm.store, false);
	destroy(b, "web1");
	assert_int_equal(life_undefine(domain_by_name(&b->dm, "web1"), &why),
			 0);
	nothing_left(b);
}

static unsigned int disk_nodes(const struct bed *b)
{
	char *state = store_read(b->dm.store, "/parapet/backend/vbd/1/51712/"
					      "state");
	unsigned int n = state != NULL;

	free(state);
	return n;
}

static void a_guest_lets_go_when_it_likes(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);
	struct dom_config *c = config(b, "x", true);
	struct dom_config *add = xml_copy_device(c);
	struct fail why;

	config_put(c);
	for (int i = 0; i < 3; i++) { /* and whoever asks again waits again */
		assert_int_equal(detach(b, d, false, i == 1), -1);
		assert_string_equal(b->why,
				    "detach web1: disk xvda: the guest has "
				    "not let go of it within 0.01 s: it goes "
				    "when the guest does, or by force");
		assert_int_equal(disk_of(d)->state, DEV_CLOSING);
		assert_int_equal(d->live->nr_disks, 1);
	}
	assert_int_equal(life_attach(d, add, false, waiter(b), &why), 0);
	assert_string_equal(b->why, "attach web1: disk xvda: there is one "
				    "already, which the guest has not let go "
				    "of");
	store_fake_hold(b->dm.store, false);
	while (disk_of(d))
		ev_run(b->dm.loop, EVRUN_ONCE);
	assert_int_equal(disk_nodes(b), 0);
	assert_int_equal(d->live->nr_disks, 0);
	assert_int_equal(d->config->nr_disks, 0); /* one of them wanted that */
	assert_int_equal(device_by_name(restart(b), "xvda") != NULL, 0);
	end_held(b);
}

static void force_takes_what_was_asked_for(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	assert_int_equal(detach(b, d, false, false), -1);
	assert_int_equal(detach(b, d, true, false), 0);
	assert_null(disk_of(d));
	assert_int_equal(disk_nodes(b), 0);
	assert_int_equal(d->config->nr_disks, 1);
	end_held(b);
}

static void a_daemon_goes_on_waiting(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	assert_int_equal(detach(b, d, false, true), -1);
	d = restart(b);
	assert_int_equal(disk_of(d)->state, DEV_CLOSING);
	store_fake_hold(b->dm.store, false);
	while (disk_of(d))
		ev_run(b->dm.loop, EVRUN_ONCE);
	assert_int_equal(d->config->nr_disks, 0);
	end_held(b);
}

static void a_daemon_finds_what_was_let_go_of(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	assert_int_equal(detach(b, d, false, false), -1);
	store_fake_hold(b->dm.store, false); /* heard by nobody */
	d = restart(b);
	assert_null(disk_of(d));
	assert_int_equal(disk_nodes(b), 0);
	assert_int_equal(d->config->nr_disks, 1);
	end_held(b);
}

static void a_next_life_is_without_it(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	assert_int_equal(detach(b, d, false, false), -1);
	hv_fake_end(b->dm.hv, (domid_t)d->domid, 1);
	store_fake_hold(b->dm.store, false);
	daemon_check_domains(&b->dm);
	while (d->state != DOM_RUNNING || d->domid == 1)
		ev_run(b->dm.loop, EVRUN_ONCE);
	assert_int_equal(d->live->nr_disks, 0);
	assert_int_equal(d->config->nr_disks, 1);
	end_held(b);
}

/* Nobody may have to wait for a guest to be destroyed, or to end. */
static void an_end_does_not_wait_for_a_plug(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);
	struct job_waiter w = {.done = on_done};
	struct bed other = {0};
	struct fail why;

	b->set.detach_timeout = 3000;
	other.waiter = w;
	assert_int_equal(
		life_detach(d, "xvda", false, false, &other.waiter, &why), 0);
	assert_false(other.ended);
	destroy(b, "web1");
	assert_true(other.ended);
	assert_string_equal(other.why, "detach web1: the domain is destroyed");
	store_fake_hold(b->dm.store, false);
	assert_int_equal(life_start(d, false, waiter(b), &why), 0);
	wait_done(b);
	store_fake_hold(b->dm.store, true);
	assert_int_equal(life_detach(d, "xvda", false, false, waiter(b), &why),
			 0);
	hv_fake_end(b->dm.hv, (domid_t)d->domid, 0);
	daemon_check_domains(&b->dm);
	wait_done(b);
	assert_string_equal(b->why, "detach web1: the domain has ended");
	store_fake_hold(b->dm.store, false);
	run_until(b, "web1", DOM_OFF);
	assert_int_equal(life_undefine(d, &why), 0);
	nothing_left(b);
}

static void a_half_attached_device_goes(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);
	struct dom_config *c = config(b, "x", true);
	struct dom_config *add = xml_copy_device(c);
	struct fail why;

	config_put(c);
	assert_int_equal(detach(b, d, true, false), 0);
	store_fake_deaf(b->dm.store, true);
	assert_int_equal(life_attach(d, add, false, waiter(b), &why), 0);
	assert_false(b->ended);
	assert_int_equal(disk_nodes(b), 1);
	d = restart(b);
	assert_null(disk_of(d));
	assert_int_equal(disk_nodes(b), 0);
	assert_int_equal(d->live->nr_disks, 0);
	store_fake_deaf(b->dm.store, false);
	end_held(b);
}

static void nobody_waits_for_a_backend_that_failed(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	b->set.detach_timeout = 3000;
	device_fail(disk_of(d), "it broke");
	assert_int_equal(detach(b, d, false, false), 0);
	assert_null(disk_of(d));
	assert_int_equal(disk_nodes(b), 0);
	end_held(b);
}

static void each_change_of_a_detach_may_fail(void **state)
{
	struct bed *b = *state;
	struct domain *d = create_held(b);

	store_fake_hold(b->dm.store, false);
	b->set.detach_timeout = 30;
	for (unsigned int n = 1; n <= 2; n++) {
		store_fake_fail(b->dm.store, n);
		assert_int_equal(detach(b, d, false, false), -1);
		store_fake_fail(b->dm.store, 0);
		/* Closed, it goes as soon as the store lets it. */
		assert_int_equal(disk_of(d) != NULL, n == 1);
		assert_int_equal(disk_nodes(b), n == 1);
	}
	end_held(b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bed_make, bed_free)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_fails_of_a_plug_is_undone),
		TEST(a_guest_lets_go_when_it_likes),
		TEST(force_takes_what_was_asked_for),
		TEST(a_daemon_goes_on_waiting),
		TEST(a_daemon_finds_what_was_let_go_of),
		TEST(a_next_life_is_without_it),
		TEST(an_end_does_not_wait_for_a_plug),
		TEST(a_half_attached_device_goes),
		TEST(nobody_waits_for_a_backend_that_failed),
		TEST(each_change_of_a_detach_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
