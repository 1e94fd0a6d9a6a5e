/* SPDX-License-Identifier: MIT */
/* The port table by itself: every transition, every allocation. */
#include "tests/unit_evtchn/host.h"

#include <pv/errno.h>

#include "hv/evtchn/port_table.h"
#include "hv/lib/string.h"

/* Row: from; column: to; in the order of enum port_state. */
static const char *const transitions[PORT_STATES] = {
	/* FRUIPVi */
	".x.....", /* free        */
	"x.xxxxx", /* reserved    */
	"x..x...", /* unbound     */
	"x.x....", /* interdomain */
	"x......", /* pirq        */
	"x......", /* virq        */
	"x......", /* ipi         */
};

static void a_port_moves_as_the_table_says(void **state)
{
	(void)state;
	for (int from = 0; from < PORT_STATES; from++) {
		for (int to = 0; to < PORT_STATES; to++) {
			bool legal = transitions[from][to] == 'x';
			struct port p = {.state = from};

			assert_int_equal(port_may(from, to), legal);
			assert_int_equal(PANICS(port_move(&p, to)), !legal);
			assert_int_equal(p.state, legal ? to : from);
		}
	}
}

struct table {
	struct port_table t;
	struct port *dir[4];
};

static void table_make(struct table *t, uint32_t limit)
{
	memset(t, 0, sizeof(*t));
	port_table_init(&t->t, t->dir, limit);
	port_table_add_page(&t->t, heap_alloc(0));
}

static void table_free(struct table *t)
{
	for (unsigned int i = 0; i < t->t.nr / PORTS_PER_PAGE; i++)
		heap_free(t->dir[i], 0);
}

static void port_0_is_never_handed_out(void **state)
{
	struct table t;
	uint32_t port;

	(void)state;
	table_make(&t, PORTS_PER_PAGE);
	for (uint32_t want = 1; want < PORTS_PER_PAGE; want++) {
		assert_int_equal(port_alloc(&t.t, &port), 0);
		assert_int_equal(port, want);
	}
	assert_int_equal(port_alloc(&t.t, &port), -ENOSPC);
	assert_null(port_at(&t.t, PORTS_PER_PAGE));
	assert_null(port_at(&t.t, UINT32_MAX));
	table_free(&t);
}

static void a_full_table_asks_for_a_page_up_to_its_limit(void **state)
{
	struct table t;
	uint32_t port;

	(void)state;
	table_make(&t, 2 * PORTS_PER_PAGE);
	for (uint32_t i = 1; i < PORTS_PER_PAGE; i++)
		assert_int_equal(port_alloc(&t.t, &port), 0);
	assert_int_equal(port_alloc(&t.t, &port), -EAGAIN);
	port_table_add_page(&t.t, heap_alloc(0));
	assert_int_equal(port_alloc(&t.t, &port), 0);
	assert_int_equal(port, PORTS_PER_PAGE);
	/* The limit may sink below what has memory: the 2-level format. */
	t.t.limit = PORTS_PER_PAGE;
	assert_int_equal(port_alloc(&t.t, &port), -ENOSPC);
	port_release(&t.t, 7);
	assert_int_equal(port_alloc(&t.t, &port), 0);
	assert_int_equal(port, 7);
	assert_int_equal(port_alloc(&t.t, &port), -ENOSPC);
	table_free(&t);
}

static void a_released_port_forgets_its_owner(void **state)
{
	struct table t;
	struct port *p;
	uint32_t port;

	(void)state;
	table_make(&t, PORTS_PER_PAGE);
	assert_int_equal(port_alloc(&t.t, &port), 0);
	p = port_at(&t.t, port);
	p->vcpu = 3;
	p->priority = 1;
	p->missed = 1;
	p->remote_dom = 9;
	p->peer_port = 11;
	p->last_vcpu = 2;
	p->last_priority = 5;
	port_release(&t.t, port);
	assert_int_equal(p->state, PORT_FREE);
	assert_int_equal(p->vcpu, 0);
	assert_int_equal(p->priority, EVTCHN_FIFO_PRIORITY_DEFAULT);
	assert_int_equal(p->missed, 0);
	assert_int_equal(p->remote_dom, 0);
	assert_int_equal(p->peer_port, 0);
	/* Its place in a queue is not its owner's, but the word's. */
	assert_int_equal(p->last_vcpu, 2);
	assert_int_equal(p->last_priority, 5);
	table_free(&t);
}

/* Against a model: the lowest free port is the one that is handed out. */
static void the_lowest_free_port_comes_first(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	bool used[2 * PORTS_PER_PAGE] = {true};
	struct table t;

	(void)state;
	table_make(&t, 2 * PORTS_PER_PAGE);
	port_table_add_page(&t.t, heap_alloc(0));
	for (int i = 0; i < 100000; i++) {
		uint32_t n = host_random(&seed, ARRAY_SIZE(used)), want = 0;

		if (host_random(&seed, 5) < 3) {
			while (want < ARRAY_SIZE(used) && used[want])
				want++;
			if (want == ARRAY_SIZE(used)) {
				assert_int_equal(port_alloc(&t.t, &n), -ENOSPC);
				continue;
			}
			assert_int_equal(port_alloc(&t.t, &n), 0);
			assert_int_equal(n, want);
			used[n] = true;
		} else if (n && used[n]) {
			port_release(&t.t, n);
			used[n] = false;
		}
	}
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_moves_as_the_table_says),
		cmocka_unit_test(port_0_is_never_handed_out),
		cmocka_unit_test(a_full_table_asks_for_a_page_up_to_its_limit),
		cmocka_unit_test(a_released_port_forgets_its_owner),
		cmocka_unit_test(the_lowest_free_port_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
