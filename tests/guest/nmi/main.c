/* SPDX-License-Identifier: MIT */
/*
 * NMIs at any instruction: the runner injects them all the time, while this
 * kernel goes through every door of the hypervisor again and again.
 */
#include "tests/guest/lib/doors.h"

#define ROUNDS 300

static void rounds(unsigned int n)
{
	while (n--)
		if (!doors_round())
			break;
}

static void doors_open_and_close_under_nmis(void)
{
	uint64_t before = this_vcpu()->nmis;

	doors_init();
	rounds(ROUNDS);
	/* More than the ones that a round sends. */
	note("%lu NMIs", this_vcpu()->nmis - before - ROUNDS);
}

static void nobody_has_to_take_them(void)
{
	struct pv_callback_unregister u = {.type = CALLBACKTYPE_nmi};

	CHECK_EQ(HYPERVISOR_callback_op(CALLBACKOP_unregister, P(&u)), 0);
	spin_ms(50);
	CHECK_EQ(callback_set(CALLBACKTYPE_nmi, P(nmi_callback), 0), 0);
	rounds(ROUNDS / 3);
}

static volatile uint32_t stop;

static void spin(void *arg)
{
	while (!stop)
		HYPERVISOR_xen_version(XENVER_version, 0);
	(void)arg;
}

static void they_do_not_disturb_the_other_processor(void)
{
	CHECK_EQ(vcpu_run(1, spin, NULL), 0);
	rounds(ROUNDS / 3);
	stop = 1;
	CHECK(vcpu_wait_down(1, 10000));
}

/* Idle processors take them too. */
static void idle_processors_take_them(void)
{
	struct pv_sched_poll poll = {.timeout = system_time() + 100000000};

	events_mask();
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_poll, P(&poll), 0), 0);
	rounds(1);
}

RUN("smp=2 vcpus=2 nmi seconds=120");

const struct test tests[] = {
	{"every door opens and closes under NMIs",
	 doors_open_and_close_under_nmis},
	{"nobody has to take them", nobody_has_to_take_them},
	{"two processors take them", they_do_not_disturb_the_other_processor},
	{"idle processors take them", idle_processors_take_them},
	{},
};
