/* SPDX-License-Identifier: MIT */
/*
 * Every door of the hypervisor, on processors of several makers and ages: with
 * and without PCID, SMEP, SMAP, XSAVE, UMIP, FSGSBASE; two vcpus at once.
 */
#include "tests/guest/lib/doors.h"

#define ROUNDS 100

static void every_door_opens(void)
{
	unsigned int i;

	doors_init();
	for (i = 0; i < ROUNDS; i++)
		if (!CHECKF(doors_round(), "round %u", i))
			break;
}

static volatile uint32_t stop, calls;

static void call(void *arg)
{
	struct pv_platform_parameters parameters;

	(void)arg;
	while (!stop) {
		probe_read(0x1234000);
		HYPERVISOR_xen_version(XENVER_platform_parameters,
				       P(&parameters));
		calls++;
	}
}

static void beside_another_vcpu(void)
{
	unsigned int i;

	stop = 0;
	CHECK_EQ(vcpu_run(1, call, NULL), 0);
	CHECK(wait_change(&calls, 0, 10000));
	for (i = 0; i < ROUNDS / 4; i++)
		if (!CHECKF(doors_round(), "round %u", i))
			break;
	stop = 1;
	CHECK(vcpu_wait_down(1, 10000));
}

/* What the guest cannot use it cannot turn on, and is not told of. */
static void ring_3_has_no_more_than_it_should(void)
{
	CODE(rdfsbase, "rdfsbase %rax\n int3\n");
	CODE(stac, ".byte 0x0f, 0x01, 0xcb\n int3\n");
	struct frame f;

	if (!on_parapet()) {
		skip("others let users read their bases");
		return;
	}
	f = user_call(rdfsbase, 0, 0, 0);
	CHECK_EQ(f.vector, VEC_UD);
	f = user_call(stac, 0, 0, 0);
	CHECK_EQ(f.vector, VEC_UD);
}

RUN("smp=2 vcpus=2 cpu=max+qemu64+Nehalem+Skylake-Client+EPYC");

const struct test tests[] = {
	{"every door opens", every_door_opens},
	{"every door opens beside another vcpu", beside_another_vcpu},
	{"ring 3 has no more than it should",
	 ring_3_has_no_more_than_it_should},
	{},
};
