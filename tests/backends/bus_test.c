/* SPDX-License-Identifier: MIT */
/* Event channels of a backend: floods, and what is kept of them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pv-backends/common/bus.h"

enum {
	DOMID = 7,
	FLOOD = 5000,
};

struct bed {
	char dir[32], up[64], down[64];
	struct ev_loop *loop;
	struct bus *bus;
	struct bus_port port;
	unsigned int seen;
	bool useful;
	int fd; /* the frontend's end */
};

static void on_event(struct bus_port *p)
{
	struct bed *b = (struct bed *)((char *)p - offsetof(struct bed, port));

	b->seen++;
	if (!b->useful)
		bus_idle_event(p);
}

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	char kind[64];

	strcpy(b->dir, "/tmp/parapet-bus-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->up, sizeof(b->up), "%s/7.1.up", b->dir);
	snprintf(b->down, sizeof(b->down), "%s/7.1.down", b->dir);
	assert_int_equal(mkfifo(b->up, 0600), 0);
	assert_int_equal(mkfifo(b->down, 0600), 0);
	b->fd = open(b->up, O_RDWR | O_NONBLOCK);
	snprintf(kind, sizeof(kind), "files:%s", b->dir);
	b->loop = ev_loop_new(EVFLAG_AUTO);
	b->bus = bus_open(kind, b->loop);
	assert_non_null(b->bus);
	b->port.event = on_event;
	assert_int_equal(bus_bind(b->bus, &b->port, DOMID, 1), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;

	bus_close(b->bus);
	ev_loop_destroy(b->loop);
	close(b->fd);
	unlink(b->up);
	unlink(b->down);
	rmdir(b->dir);
	free(b);
	return 0;
}

/* The loop between two events of a frontend that sends without end. */
static void flood(struct bed *b)
{
	for (int i = 0; i < FLOOD; i++) {
		assert_true(write(b->fd, "", 1) == 1);
		ev_run(b->loop, EVRUN_NOWAIT);
	}
}

static void work_is_not_limited(void **state)
{
	struct bed *b = *state;

	b->useful = true;
	flood(b);
	assert_true(b->seen >= FLOOD);
}

static void events_for_nothing_are(void **state)
{
	struct bed *b = *state;
	double began = ev_time();
	unsigned int before;

	flood(b);
	/* 2000 at once, 2000 a second. */
	assert_true(b->seen >= 2000);
	assert_true(b->seen < 2002 + 2000 * (ev_time() - began));
	/* The last one comes all the same, when the port has rested. */
	before = b->seen;
	assert_true(write(b->fd, "", 1) == 1);
	while (b->seen == before)
		ev_run(b->loop, EVRUN_ONCE);
}

static void a_port_may_go_while_it_rests(void **state)
{
	struct bed *b = *state;

	flood(b);
	bus_unbind(&b->port);
	assert_false(ev_is_active(&b->port.rest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(work_is_not_limited, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(events_for_nothing_are, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_port_may_go_while_it_rests,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
