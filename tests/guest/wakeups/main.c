/* SPDX-License-Identifier: MIT */
/*
 * No wake-up is lost: vcpus pass a token around by events, and each waits for
 * it in another way every time: blocked, polling with and without a limit, with
 * a timer of its own, by going down until somebody brings it up again.
 *
 * vcpu 0 watches.  If the token stands still for long, it says in which state
 * each vcpu and its port are.
 */
#include "tests/guest/lib/guest.h"

#define MAX_RING 6
#define STILL_MS 10000

static struct runner {
	evtchn_port_t port, timer;
	uint32_t seed;
	const char *volatile doing;
} ring[MAX_RING + 1];

static unsigned int nr_ring;
static volatile uint32_t holder, passes, goal, stopping;
static volatile uint32_t running;

static uint32_t chance(struct runner *r)
{
	return (r->seed = r->seed * 1664525 + 1013904223) >> 8;
}

static bool mine(unsigned int id)
{
	return __atomic_load_n(&holder, __ATOMIC_SEQ_CST) == id;
}

static void set_timer(uint64_t ns)
{
	struct pv_vcpu_set_singleshot_timer t = {.timeout_abs_ns =
							 system_time() + ns};

	HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, this_vcpu()->id, P(&t));
}

static void poll_for(struct runner *r, uint64_t ns)
{
	struct pv_sched_poll p = {
		.ports = P(&r->port),
		.nr_ports = 1,
		.timeout = ns ? system_time() + ns : 0,
	};

	HYPERVISOR_sched_op(SCHEDOP_poll, P(&p), 0);
}

static void wait_once(struct runner *r, unsigned int id)
{
	unsigned int way = chance(r) % 8;

	events_mask();
	if (mine(id) || stopping)
		return;
	switch (way) {
	case 0:
	case 1:
		r->doing = "blocks";
		HYPERVISOR_sched_op(SCHEDOP_block, 0, 0);
		break;
	case 2:
		r->doing = "blocks, with a timer";
		set_timer(chance(r) % 300000);
		HYPERVISOR_sched_op(SCHEDOP_block, 0, 0);
		break;
	case 3:
		r->doing = "polls";
		poll_for(r, 0);
		break;
	case 4:
		r->doing = "polls, with a limit";
		poll_for(r, 1 + chance(r) % 300000);
		break;
	case 5:
		r->doing = "yields";
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		break;
	case 6:
		r->doing = "spins";
		events_unmask();
		for (way = 0; way < 2000 && !mine(id); way++)
			cpu_pause();
		break;
	case 7:
		r->doing = "is down";
		if (chance(r) % 8 == 0)
			HYPERVISOR_vcpu_op(VCPUOP_down, id, 0);
		break;
	}
	r->doing = "runs";
	events_unmask();
	events_mask();
	port_pending(r->port);
}

static void run(void *arg)
{
	struct runner *r = arg;
	unsigned int id = r - ring;

	r->port = bind_ipi(id);
	r->timer = bind_virq(VIRQ_TIMER, id);
	__atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	while (!stopping) {
		while (!mine(id) && !stopping)
			wait_once(r, id);
		if (stopping)
			break;
		__atomic_add_fetch(&passes, 1, __ATOMIC_SEQ_CST);
		r->doing = "passes on";
		__atomic_store_n(&holder, id % nr_ring + 1, __ATOMIC_SEQ_CST);
		port_send(ring[holder].port);
	}
	events_mask();
	port_close(r->port);
	port_close(r->timer);
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
}

static void tell(unsigned int id)
{
	const struct pv_vcpu_info *info = &shared_info->vcpu_info[id];
	struct pv_vcpu_runstate_info state = {.state = -1};
	evtchn_port_t port = ring[id].port;

	HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, id, P(&state));
	note("vcpu %u %s: up %ld state %d upcall %u mask %u sel %#lx port %lu",
	     id, ring[id].doing, HYPERVISOR_vcpu_op(VCPUOP_is_up, id, 0),
	     state.state, info->evtchn_upcall_pending, info->evtchn_upcall_mask,
	     info->evtchn_pending_sel,
	     shared_info->evtchn_pending[port / 64] >> port % 64 & 1);
}

/* Who went down is brought up: it may be its turn by now. */
static void raise(void)
{
	unsigned int id;

	for (id = 1; id <= nr_ring; id++)
		if (HYPERVISOR_vcpu_op(VCPUOP_is_up, id, 0) == 0)
			HYPERVISOR_vcpu_op(VCPUOP_up, id, 0);
}

static void nap(unsigned int us)
{
	struct pv_sched_poll p = {.timeout = system_time() + us * 1000ul};

	HYPERVISOR_sched_op(SCHEDOP_poll, P(&p), 0);
}

static void watch(void)
{
	uint64_t last = system_time();
	uint32_t seen = passes;
	unsigned int id;

	while (passes < goal) {
		nap(500);
		raise();
		if (passes != seen) {
			seen = passes;
			last = system_time();
		} else if (system_time() - last > STILL_MS * 1000000ul) {
			CHECKF(false, "%u passes, then none; vcpu %u has it",
			       seen, holder);
			for (id = 1; id <= nr_ring; id++)
				tell(id);
			break;
		}
	}
}

static void go_round(unsigned int n, unsigned int rounds)
{
	uint64_t until;
	unsigned int id;

	events_mask();
	nr_ring = n;
	stopping = passes = running = 0;
	goal = rounds;
	holder = 0;
	for (id = 1; id <= n; id++) {
		ring[id].seed = id * 7919 + n;
		ring[id].doing = "starts";
		CHECK_EQ(vcpu_run(id, run, &ring[id]), 0);
	}
	until = system_time() + STILL_MS * 1000000ul;
	while (running < n && system_time() < until)
		nap(500);
	CHECK_EQ(running, n);
	holder = 1;
	port_send(ring[1].port);
	watch();
	/* All go down, from wherever they wait. */
	stopping = 1;
	until = system_time() + STILL_MS * 1000000ul;
	while (running && system_time() < until) {
		for (id = 1; id <= n; id++)
			port_send(ring[id].port);
		raise();
		nap(500);
	}
	if (!CHECK_EQ(running, 0))
		for (id = 1; id <= n; id++)
			tell(id);
	for (id = 1; id <= n; id++)
		CHECK(vcpu_wait_down(id, STILL_MS));
}

static void two_pass_it(void)
{
	go_round(2, 8000);
}

static void six_pass_it(void)
{
	go_round(6, 8000);
}

static void one_has_it_for_itself(void)
{
	go_round(1, 4000);
}

static void again_and_again(void)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		go_round(1 + i % 3, 300);
}

RUN("smp=2 vcpus=7 seconds=120");

const struct test tests[] = {
	{"two vcpus pass a token", two_pass_it},
	{"six vcpus pass a token", six_pass_it},
	{"one has it for itself", one_has_it_for_itself},
	{"again and again", again_and_again},
	{},
};
