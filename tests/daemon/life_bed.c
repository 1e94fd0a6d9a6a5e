/* SPDX-License-Identifier: MIT */
/* What tests of lives and of devices share. */
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

#include "tests/daemon/life_bed.h"
#include "tools/daemon/device.h"
#include "tools/daemon/record.h"
#include "tools/daemon/work.h"
#include "tools/daemon/xml/xml.h"

static void path_set(struct bed *b, const char *key, const char *tail)
{
	struct fail why;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", b->dir, tail);
	assert_int_equal(settings_set(&b->set, key, path, &why), 0);
}

int bed_make(void **state)
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

int bed_free(void **state)
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

void on_done(struct job_waiter *w, struct job *job, int rc,
	     const struct fail *why)
{
	struct bed *b = (struct bed *)(void *)((char *)w -
					       offsetof(struct bed, waiter));

	(void)job;
	b->ended = true;
	b->rc = rc;
	snprintf(b->why, sizeof(b->why), "%s", rc ? why->text : "");
}

struct job_waiter *waiter(struct bed *b)
{
	b->ended = false;
	b->waiter = (struct job_waiter){.done = on_done};
	return &b->waiter;
}

void wait_done(struct bed *b)
{
	while (!b->ended)
		ev_run(b->dm.loop, EVRUN_ONCE);
}

/* A file must exist for each path that the XML names. */
struct dom_config *config(struct bed *b, const char *name, bool full)
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

unsigned int records(const struct bed *b)
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

void nothing_left(const struct bed *b)
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

bool create(struct bed *b, const char *name)
{
	struct fail why;

	assert_int_equal(life_create(&b->dm, config(b, name, true), false,
				     waiter(b), &why),
			 0);
	wait_done(b);
	return !b->rc;
}

void destroy(struct bed *b, const char *name)
{
	struct domain *d = domain_by_name(&b->dm, name);
	struct fail why;

	assert_non_null(d);
	assert_int_equal(life_destroy(d, waiter(b), &why), 0);
	wait_done(b);
	assert_int_equal(b->rc, 0);
}

void run_until(struct bed *b, const char *name, enum dom_state state)
{
	for (;;) {
		struct domain *d = domain_by_name(&b->dm, name);

		if (d ? d->state == state : state == DOM_OFF)
			return;
		ev_run(b->dm.loop, EVRUN_ONCE);
	}
}
