/* SPDX-License-Identifier: MIT */
/*
 * Domains that end while another virtual CPU of the control domain looks at
 * them, gives them something, or ends them as well: nothing is lost.
 */
#include "tests/guest/lib/child.h"

static struct child child;

/* ---- looked at while it ends --------------------------------------------------- */

static volatile uint32_t looks, looking;

static void look_always(void *arg)
{
	struct pv_control_op op = {.u.sched = {.weight = 300}};

	(void)arg;
	while (looking) {
		/* It may be there or not. */
		(void)control(&op, PV_CONTROL_set_sched, child.dom);
		(void)control(&(struct pv_control_op){.cmd = 0},
			      PV_CONTROL_get_domain, child.dom);
		looks++;
	}
}

static void it_is_looked_at_while_it_ends(void)
{
	uint32_t before;

	looks = 0;
	looking = 1;
	if (!CHECK_EQ(vcpu_run(1, look_always, NULL), 0))
		return;
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(child_create(&child), 0);
		before = looks;
		CHECK(wait_change(&looks, before, 20000));
		CHECK_EQ(child_destroy(&child), 0);
	}
	looking = 0;
	CHECK(vcpu_wait_down(1, 20000));
	note("%u looks", looks);
}

/* ---- ended by two at once ------------------------------------------------------ */

static volatile uint32_t rounds, ended_there, meddling;

/* What may give it something; it may be there or not. */
static void give(domid_t dom)
{
	struct pv_control_op more = {.u.memory = {.pages = CHILD_PAGES + 32}};
	struct pv_e820_entry ram = {.size_low = PAGE_SIZE, .type = 1};
	struct pv_control_op map = {
		.u.memory_map = {.entries = P(&ram), .nr_entries = 1}};
	struct pv_control_op op = {.cmd = 0};
	struct pv_evtchn_alloc_unbound port = {.dom = dom};
	struct pv_gnttab_setup_table table = {.dom = dom, .nr_frames = 0};
	struct pv_memory_reservation frames = {.nr_extents = 8, .domid = dom};
	struct pv_sched_remote_shutdown end = {.domain_id = dom};

	(void)control(&more, PV_CONTROL_set_max_memory, dom);
	(void)control(&more, PV_CONTROL_claim_memory, dom);
	(void)control(&map, PV_CONTROL_set_memory_map, dom);
	(void)control(&op, PV_CONTROL_unpause_domain, dom);
	(void)control(&op, PV_CONTROL_pause_domain, dom);
	(void)HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, P(&port));
	(void)HYPERVISOR_grant_table_op(GNTTABOP_setup_table, P(&table), 1);
	(void)HYPERVISOR_memory_op(XENMEM_increase_reservation, P(&frames));
	(void)HYPERVISOR_sched_op(SCHEDOP_remote_shutdown, P(&end), 0);
}

static void give_and_end(void *arg)
{
	struct pv_control_op op = {.cmd = 0};

	(void)arg;
	while (meddling) {
		give(child.dom);
		if (rounds % 2 &&
		    !control(&op, PV_CONTROL_destroy_domain, child.dom))
			ended_there++;
		rounds++;
	}
}

static void two_end_it_at_once(void)
{
	struct pv_control_op all = {.cmd = 0};
	uint32_t ended_here = 0, seen;
	uint64_t before;
	long rc;

	/* The first one fills caches of the hypervisor. */
	CHECK_EQ(child_create(&child), 0);
	give(child.dom);
	CHECK_EQ(child_destroy(&child), 0);
	before = machine_free_pages();
	rounds = ended_there = 0;
	meddling = 1;
	if (!CHECK_EQ(vcpu_run(1, give_and_end, NULL), 0))
		return;
	for (int i = 0; i < 100; i++) {
		/* The other may end it before it has all its memory. */
		(void)child_create(&child);
		seen = rounds;
		if (i % 2)
			CHECK(wait_change(&rounds, seen, 20000));
		rc = child_destroy(&child);
		CHECK(!rc || rc == -ESRCH);
		ended_here += !rc;
	}
	meddling = 0;
	CHECK(vcpu_wait_down(1, 20000));
	CHECK_EQ(ended_here + ended_there, 100);
	CHECK_EQ(machine_free_pages(), before);
	/* No frame is kept for one that is gone. */
	CHECK_EQ(child_create(&child), 0);
	all.u.memory.pages = machine_free_pages() + CHILD_PAGES;
	CHECK_EQ(control(&all, PV_CONTROL_claim_memory, child.dom), 0);
	CHECK_EQ(child_destroy(&child), 0);
	note("ended by the one %u times, by the other %u times", ended_here,
	     ended_there);
}

const struct test tests[] = {
	{"it is looked at while it ends", it_is_looked_at_while_it_ends},
	{"two end it at once", two_end_it_at_once},
	{},
};

RUN("mem=256 hv=control_mem=64M smp=2 vcpus=2 seconds=120");
