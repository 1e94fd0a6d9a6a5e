/* SPDX-License-Identifier: MIT */
/*
 * Lives of domains, with a hypervisor and a store that fail where a test wants.
 *
 * Whatever fails, nothing may be left: no domain, node, record or device, and
 * the next create works.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/daemon/store_fake.h"
#include "tools/daemon/device.h"
#include "tools/daemon/life.h"
#include "tools/daemon/record.h"
#include "tools/daemon/work.h"
#include "tools/daemon/xml/xml.h"

struct bed {
	struct daemon dm;
	struct settings set;
	struct job_waiter waiter;
	bool ended;
	int rc;
	char why[700];
	char dir[64], kernel[128];
};

/* ---- the bed ------------------------------------------------------------------- */

static void path_set(struct bed *b, const char *key, const char *tail)
{
	struct fail why;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", b->dir, tail);
	assert_int_equal(settings_set(&b->set, key, path, &why), 0);
}

static int bed_make(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct fail why;
	char text[100];

	strcpy(b->dir, "life-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	settings_init(&b->set);
	path_set(b, "state", "state");
	path_set(b, "run", "run");
	path_set(b, "net", ".");
	snprintf(b->kernel, sizeof(b->kernel), "%s/kernel", b->dir);
	close(open(b->kernel, O_CREAT | O_WRONLY, 0600));
	TAILQ_INIT(&b->dm.domains);
	b->dm.set = &b->set;
	b->dm.loop = ev_loop_new(0);
	b->dm.hv = hv_fake_open(NULL, 65536, text, sizeof(text));
	b->dm.store = store_open(NULL, &why);
	b->dm.work = work_new(b->dm.loop);
	assert_int_equal(record_open(&b->set, &why), 0);
	assert_int_equal(daemon_watch_store(&b->dm, &why), 0);
	daemon_watch_hv(&b->dm);
	*state = b;
	return 0;
}

static int bed_free(void **state)
{
	struct bed *b = *state;
	struct domain *d;
	char command[100];

	while ((d = TAILQ_FIRST(&b->dm.domains)))
		domain_forget(d);
	work_free(b->dm.work);
	daemon_unwatch(&b->dm);
	store_close(b->dm.store);
	b->dm.hv->ops->close(b->dm.hv);
	ev_loop_destroy(b->dm.loop);
	settings_free(&b->set);
	snprintf(command, sizeof(command), "rm -rf '%s'", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void on_done(struct job_waiter *w, struct job *job, int rc,
		    const struct fail *why)
{
	struct bed *b = (struct bed *)(void *)((char *)w -
					       offsetof(struct bed, waiter));

	(void)job;
	b->ended = true;
	b->rc = rc;
	snprintf(b->why, sizeof(b->why), "%s", rc ? why->text : "");
}

static struct job_waiter *waiter(struct bed *b)
{
	b->ended = false;
	b->waiter = (struct job_waiter){.done = on_done};
	return &b->waiter;
}

static void wait_done(struct bed *b)
{
	while (!b->ended)
		ev_run(b->dm.loop, EVRUN_ONCE);
}

/* A file must exist for each path that the XML names. */
static struct dom_config *config(struct bed *b, const char *name, bool full)
{
	struct xml_report report = {0};
	char xml[2048], cwd[512];
	struct dom_config *c;
	struct fail why;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(xml, sizeof(xml),
		 "<domain type='xen'><name>%s</name>"
		 "<memory unit='MiB'>64</memory><vcpu>2</vcpu>"
		 "<cputune><shares>512</shares></cputune>"
		 "<os><type>linux</type><kernel>%s/%s</kernel></os>"
		 "<devices>%s%s%s%s%s</devices></domain>",
		 name, cwd, b->kernel,
		 full ? "<disk type='file'><source file='" : "",
		 full ? cwd : "", full ? "/" : "", full ? b->kernel : "",
		 full ? "'/><target dev='xvda'/></disk>" : "");
	c = xml_parse_domain(xml, strlen(xml), "test", 0, &report, &why);
	if (!c)
		print_message("# %s\n", why.text);
	assert_non_null(c);
	xml_report_free(&report);
	return c;
}

static unsigned int records(const struct bed *b)
{
	char path[160];
	unsigned int n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/run/domains", b->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += *e->d_name != '.';
	closedir(dir);
	return n;
}

static void nothing_left(const struct bed *b)
{
	struct pv_machine_info m;

	assert_int_equal(hv_fake_domains(b->dm.hv), 0);
	assert_int_equal(store_fake_nodes(b->dm.store), 0);
	assert_int_equal(store_fake_introduced(b->dm.store), 0);
	assert_int_equal(records(b), 0);
	assert_true(TAILQ_EMPTY(&b->dm.domains));
	b->dm.hv->ops->machine(b->dm.hv, &m);
	assert_int_equal(m.free_pages, m.total_pages);
}

static bool create(struct bed *b, const char *name)
{
	struct fail why;

	assert_int_equal(life_create(&b->dm, config(b, name, true), false,
				     waiter(b), &why),
			 0);
	wait_done(b);
	return !b->rc;
}

static void destroy(struct bed *b, const char *name)
{
	struct domain *d = domain_by_name(&b->dm, name);
	struct fail why;

	assert_non_null(d);
	assert_int_equal(life_destroy(d, waiter(b), &why), 0);
	wait_done(b);
	assert_int_equal(b->rc, 0);
}

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

static void run_until(struct bed *b, const char *name, enum dom_state state)
{
	for (;;) {
		struct domain *d = domain_by_name(&b->dm, name);

		if (d ? d->state == state : state == DOM_OFF)
			return;
		ev_run(b->dm.loop, EVRUN_ONCE);
	}
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
		TEST(a_life_leaves_nothing),
		TEST(each_call_of_the_hypervisor_may_fail),
		TEST(each_change_of_the_store_may_fail),
		TEST(a_backend_may_refuse),
		TEST(a_record_may_not_be_written),
		TEST(a_file_may_be_missing),
		TEST(names_and_uuids_belong_to_one),
		TEST(an_end_is_followed_by_what_is_configured),
		TEST(what_fails_of_a_plug_is_undone),
		TEST(a_guest_lets_go_when_it_likes),
		TEST(force_takes_what_was_asked_for),
		TEST(a_daemon_goes_on_waiting),
		TEST(a_daemon_finds_what_was_let_go_of),
		TEST(a_next_life_is_without_it),
		TEST(an_end_does_not_wait_for_a_plug),
		TEST(a_half_attached_device_goes),
		TEST(each_change_of_a_detach_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
