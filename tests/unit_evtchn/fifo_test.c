/* SPDX-License-Identifier: MIT */
/*
 * FIFO queues against a reference guest.
 *
 * The guest follows the public protocol as a kernel does: it takes events
 * from the heads by priority, masks, unmasks, handles.  Steps of guest and
 * hypervisor come in random order; the model is one bit per port, "something
 * happened that has not been handled".  A second guest lies: it scribbles over
 * words and control blocks; then nothing is promised but that the hypervisor's
 * own state stays sound, and that honest behaviour afterwards works again.
 */
#include "tests/unit_evtchn/host.h"

#include "hv/evtchn/fifo_queue.h"
#include "hv/lib/string.h"

#define VCPUS 3
#define PORTS 96 /* spread over two pages */

struct guest {
	struct fifo f;
	struct port port[PORTS];
	struct pv_evtchn_fifo_control_block *control[VCPUS];
	uint32_t *page[2];
	uint32_t head[VCPUS][EVTCHN_FIFO_MAX_QUEUES]; /* the guest's own */
	uint32_t ready[VCPUS];
	bool upcall[VCPUS]; /* told, and has not looked yet */
	bool owed[PORTS]; /* raised, not handled */
	unsigned int handled[PORTS];
	uint64_t seed;
};

/* Port n of the test is port_number(n) of the domain. */
static uint32_t port_number(unsigned int n)
{
	return n < PORTS / 2 ? n + 1 : 1024 + n;
}

static unsigned int port_index(uint32_t number)
{
	return number < 1024 ? number - 1 : number - 1024;
}

static uint32_t *word(struct guest *g, uint32_t number)
{
	return &g->page[number / 1024][number % 1024];
}

static struct guest *guest_make(uint64_t seed)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->seed = seed;
	spin_lock_init(&g->f.lock, RUNG_QUEUE);
	for (int i = 0; i < 2; i++) {
		g->page[i] = calloc(1024, sizeof(uint32_t));
		assert_non_null(g->page[i]);
		fifo_add_page(&g->f, g->page[i]);
	}
	for (unsigned int v = 0; v < VCPUS; v++) {
		g->control[v] = calloc(1, sizeof(*g->control[v]));
		assert_non_null(g->control[v]);
		g->f.vcpu[v].control = g->control[v];
	}
	for (unsigned int n = 0; n < PORTS; n++)
		g->port[n].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	return g;
}

static void guest_free(struct guest *g)
{
	free(g->page[0]);
	free(g->page[1]);
	for (unsigned int v = 0; v < VCPUS; v++)
		free(g->control[v]);
	free(g);
}

static void noted(struct guest *g, unsigned int did, unsigned int vcpu)
{
	if (did & FIFO_NOTIFY) {
		assert_true(vcpu < VCPUS);
		g->upcall[vcpu] = true;
	}
}

static unsigned int raise(struct guest *g, unsigned int n)
{
	unsigned int vcpu = 0, did;

	did = fifo_raise(&g->f, &g->port[n], port_number(n), &vcpu);
	noted(g, did, vcpu);
	g->owed[n] = true;
	return did;
}

/* The guest's unmask: by itself unless the event is pending. */
static void unmask(struct guest *g, unsigned int n)
{
	uint32_t *w = word(g, port_number(n));
	unsigned int vcpu = 0, did;

	if (*w & FIFO_PENDING) {
		did = fifo_unmask(&g->f, &g->port[n], port_number(n), &vcpu);
		noted(g, did, vcpu);
	} else {
		*w &= ~FIFO_MASKED;
	}
}

/* Take one event from the queue of highest priority.  False: none is ready. */
static bool consume_one(struct guest *g, unsigned int v)
{
	struct pv_evtchn_fifo_control_block *c = g->control[v];
	unsigned int q, n;
	uint32_t head, *w, link;

	g->ready[v] |= c->ready;
	c->ready = 0;
	if (!g->ready[v])
		return false;
	q = (unsigned int)__builtin_ctz(g->ready[v]);
	head = g->head[v][q] ? g->head[v][q] : c->head[q];
	assert_true(head && port_index(head) < PORTS);
	n = port_index(head);
	w = word(g, head);
	link = *w & EVTCHN_FIFO_LINK_MASK;
	*w &= ~(FIFO_LINKED | EVTCHN_FIFO_LINK_MASK);
	if (!link)
		g->ready[v] &= ~(1u << q);
	if ((*w & (FIFO_PENDING | FIFO_MASKED)) == FIFO_PENDING) {
		*w &= ~FIFO_PENDING;
		g->owed[n] = false;
		g->handled[n]++;
	}
	g->head[v][q] = link;
	return true;
}

static void upcall(struct guest *g, unsigned int v)
{
	g->upcall[v] = false;
	while (consume_one(g, v))
		;
}

/* Whatever is owed gets handled by upcalls that were asked for alone. */
static void settle(struct guest *g)
{
	for (unsigned int n = 0; n < PORTS; n++)
		unmask(g, n);
	for (unsigned int v = 0; v < VCPUS; v++)
		if (g->upcall[v] || g->ready[v])
			upcall(g, v);
	for (unsigned int n = 0; n < PORTS; n++)
		assert_false(g->owed[n]);
}

static void an_event_is_queued_told_and_handled_once(void **state)
{
	struct guest *g = guest_make(1);

	(void)state;
	assert_int_equal(raise(g, 4), FIFO_NEW | FIFO_NOTIFY);
	assert_int_equal(raise(g, 4), 0);
	assert_int_equal(raise(g, 5), FIFO_NEW);
	assert_int_equal(g->control[0]->head[7], 5);
	assert_int_equal(*word(g, 5),
			 FIFO_PENDING | FIFO_LINKED | port_number(5));
	upcall(g, 0);
	assert_int_equal(g->handled[4], 1);
	assert_int_equal(g->handled[5], 1);
	assert_int_equal(*word(g, 5), 0);
	assert_int_equal(raise(g, 5), FIFO_NEW | FIFO_NOTIFY);
	settle(g);
	guest_free(g);
}

static void a_masked_event_waits_for_the_unmask(void **state)
{
	struct guest *g = guest_make(1);

	(void)state;
	*word(g, port_number(9)) = FIFO_MASKED;
	assert_int_equal(raise(g, 9), FIFO_NEW);
	assert_int_equal(*word(g, port_number(9)), FIFO_MASKED | FIFO_PENDING);
	assert_false(g->upcall[0]);
	unmask(g, 9);
	assert_true(g->upcall[0]);
	settle(g);
	guest_free(g);
}

static void priorities_are_separate_queues(void **state)
{
	struct guest *g = guest_make(1);

	(void)state;
	g->port[3].priority = 15;
	g->port[4].priority = 0;
	raise(g, 3);
	raise(g, 4);
	assert_int_equal(g->control[0]->ready, 1u << 15 | 1u << 0);
	assert_true(consume_one(g, 0));
	assert_int_equal(g->handled[4], 1);
	assert_int_equal(g->handled[3], 0);
	settle(g);
	guest_free(g);
}

static void a_vcpu_without_a_control_block_is_stood_in_for(void **state)
{
	struct guest *g = guest_make(1);

	(void)state;
	g->f.vcpu[0].control = NULL;
	g->f.vcpu[1].control = NULL;
	g->f.first = 2;
	g->port[6].vcpu = 1;
	raise(g, 6);
	assert_true(g->upcall[2]);
	upcall(g, 2);
	assert_int_equal(g->handled[6], 1);
	guest_free(g);
}

static void an_event_without_a_word_waits_for_the_page(void **state)
{
	struct guest *g = guest_make(1);
	unsigned int n = PORTS - 1;

	(void)state;
	g->f.nr_pages = 1;
	assert_int_equal(raise(g, n), 0);
	fifo_add_page(&g->f, g->page[1]);
	assert_true(fifo_take_missed(&g->port[n]));
	assert_false(fifo_take_missed(&g->port[n]));
	assert_int_equal(raise(g, n), FIFO_NEW | FIFO_NOTIFY);
	settle(g);
	guest_free(g);
}

static void random_step(struct guest *g)
{
	unsigned int n = host_random(&g->seed, PORTS);
	unsigned int v = host_random(&g->seed, VCPUS);
	uint32_t *w = word(g, port_number(n));

	switch (host_random(&g->seed, 16)) {
	case 0 ... 5:
		raise(g, n);
		break;
	case 6:
		*w |= FIFO_MASKED;
		break;
	case 7 ... 8:
		unmask(g, n);
		break;
	case 9: /* moves take effect from the next time in a queue on */
		g->port[n].vcpu = v;
		break;
	case 10:
		g->port[n].priority = host_random(&g->seed, 16);
		break;
	case 11 ... 14:
		if (g->upcall[v] || g->ready[v])
			consume_one(g, v);
		break;
	default:
		if (g->upcall[v])
			upcall(g, v);
	}
}

static void nothing_is_lost_in_any_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct guest *g = guest_make(seed * 0x9e3779b97f4a7c15ull);

		for (int i = 0; i < 2000; i++)
			random_step(g);
		settle(g);
		guest_free(g);
	}
}

static uint32_t *random_target(struct guest *g)
{
	struct pv_evtchn_fifo_control_block *c;

	if (host_random(&g->seed, 4))
		return &g->page[host_random(&g->seed, 2)]
			       [host_random(&g->seed, 1024)];
	c = g->control[host_random(&g->seed, VCPUS)];
	return host_random(&g->seed, 2) ? &c->ready
					: &c->head[host_random(&g->seed, 16)];
}

/* Our own state: whatever the guest wrote, tails are ports that exist. */
static void check_sound(struct guest *g)
{
	for (unsigned int v = 0; v < VCPUS; v++) {
		for (unsigned int q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
			uint32_t tail = g->f.vcpu[v].tail[q];

			assert_true(!tail || port_index(tail) < PORTS);
			if (!tail)
				continue;
			assert_int_equal(g->port[port_index(tail)].last_vcpu,
					 v);
			assert_int_equal(
				g->port[port_index(tail)].last_priority, q);
		}
	}
	assert_false(spin_is_locked(&g->f.lock));
}

/* After its lies the guest starts afresh: all is taken, all is clear. */
static void repent(struct guest *g)
{
	for (int i = 0; i < 2; i++)
		memset(g->page[i], 0, PAGE_SIZE);
	for (unsigned int v = 0; v < VCPUS; v++) {
		memset(g->control[v], 0, sizeof(*g->control[v]));
		memset(g->head[v], 0, sizeof(g->head[v]));
		g->ready[v] = 0;
		g->upcall[v] = false;
	}
	memset(g->owed, 0, sizeof(g->owed));
}

static void a_guest_that_lies_hurts_itself_alone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct guest *g = guest_make(seed * 0x9e3779b97f4a7c15ull);
		unsigned int vcpu;

		for (int i = 0; i < 3000; i++) {
			unsigned int n = host_random(&g->seed, PORTS);

			switch (host_random(&g->seed, 6)) {
			case 0 ... 1:
				*random_target(g) = (uint32_t)g->seed;
				break;
			case 2:
				*random_target(g) ^=
					1u << host_random(&g->seed, 32);
				break;
			case 3:
				g->port[n].vcpu = host_random(&g->seed, VCPUS);
				g->port[n].priority = host_random(&g->seed, 16);
				break;
			case 4:
				fifo_unmask(&g->f, &g->port[n], port_number(n),
					    &vcpu);
				break;
			default:
				raise(g, n);
			}
			check_sound(g);
		}
		repent(g);
		for (int i = 0; i < 500; i++)
			random_step(g);
		settle(g);
		guest_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_queued_told_and_handled_once),
		cmocka_unit_test(a_masked_event_waits_for_the_unmask),
		cmocka_unit_test(priorities_are_separate_queues),
		cmocka_unit_test(
			a_vcpu_without_a_control_block_is_stood_in_for),
		cmocka_unit_test(an_event_without_a_word_waits_for_the_page),
		cmocka_unit_test(nothing_is_lost_in_any_order),
		cmocka_unit_test(a_guest_that_lies_hurts_itself_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
