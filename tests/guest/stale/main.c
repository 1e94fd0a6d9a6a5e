/* SPDX-License-Identifier: MIT */
/*
 * No old translation serves where the ABI says that there is none: after a
 * flush that was asked for, on this vcpu, on one that runs and on one that
 * sleeps; and for a frame that has become a page table, asked for or not.
 *
 * Where a guest comes and goes without a load of CR3 (control_root=shared),
 * nothing is flushed unless somebody thought of it.
 */
#include "tests/guest/lib/guest.h"

#define ROUNDS 50

static uint64_t window[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t *page[2]; /* page[i][0] is i + 1 */
static uint64_t home_mfn;

/* The window shows page @i from now on, but for translations of before. */
static void show(unsigned int i)
{
	CHECK_EQ(pte_write(walk(kernel_root(), P(window), 1),
			   va_to_mfn(page[i]) * PAGE_SIZE | PTE_KERNEL),
		 0);
}

static void begin(void)
{
	home_mfn = va_to_mfn(window);
	for (unsigned int i = 0; i < 2; i++) {
		page[i] = page_alloc();
		page[i][0] = i + 1;
	}
	show(0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
}

static void end(void)
{
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window),
					      home_mfn * PAGE_SIZE | PTE_KERNEL,
					      UVMF_TLB_FLUSH | UVMF_ALL),
		 0);
	page_free(page[0]);
	page_free(page[1]);
}

/* ---- this vcpu ------------------------------------------------------------- */

static int flush_by(unsigned int way)
{
	uint64_t *root = kernel_root();
	struct pv_mmuext_op ops[2] = {
		{.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = va_to_mfn(root)},
		{.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = P(window)},
	};

	switch (way) {
	case 0:
		return mmuext(MMUEXT_INVLPG_LOCAL, P(window), 0);
	case 1:
		return mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
	case 2:
		return mmuext(MMUEXT_INVLPG_ALL, P(window), 0);
	case 3:
		return mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	case 4:
		return mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(root), 0);
	default: /* two at once are not the trampoline's business */
		return HYPERVISOR_mmuext_op(P(&ops[1]), 1, 0, DOMID_SELF)
			       ?: HYPERVISOR_mmuext_op(P(ops), 2, 0,
						       DOMID_SELF);
	}
}

static void flushes_are_seen_here(void)
{
	begin();
	for (unsigned int i = 0; i < ROUNDS * 6; i++) {
		uint64_t was = load64(P(window));

		show(~i & 1);
		CHECK_EQ(flush_by(i % 6), 0);
		CHECK_EQ(load64(P(window)), 3 - was);
	}
	end();
}

static void updates_that_flush_do(void)
{
	static const uint64_t how[] = {UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL,
				       UVMF_TLB_FLUSH,
				       UVMF_TLB_FLUSH | UVMF_ALL};

	begin();
	for (unsigned int i = 0; i < ROUNDS * ARRAY_SIZE(how); i++) {
		uint64_t was = load64(P(window));

		CHECK_EQ(HYPERVISOR_update_va_mapping(
				 P(window),
				 va_to_mfn(page[2 - was]) * PAGE_SIZE |
					 PTE_KERNEL,
				 how[i % ARRAY_SIZE(how)]),
			 0);
		CHECK_EQ(load64(P(window)), 3 - was);
	}
	end();
}

/* ---- another vcpu ----------------------------------------------------------- */

static volatile uint32_t ready, seen, stop;
static evtchn_port_t port;

static void look_on_demand(void *arg)
{
	struct pv_sched_poll poll = {.ports = P(&port), .nr_ports = 1};
	uint32_t turn;

	while (!stop) {
		seen = load64(P(window));
		turn = __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
		if (arg) {
			HYPERVISOR_sched_op(SCHEDOP_poll, P(&poll), 0);
			port_pending(port);
		} else {
			wait_change(&ready, turn, 20000);
		}
	}
}

static bool blocked(unsigned int id)
{
	struct pv_vcpu_runstate_info state = {.state = -1};

	HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, id, P(&state));
	return state.state == RUNSTATE_blocked;
}

/* Change the window, flush vcpu 1 while it does what @arg says, let it look. */
static void flush_the_other(void *arg)
{
	uint64_t mask = 2, until = system_time() + 60000000000;
	uint32_t turn = 0;

	ready = stop = 0;
	if (!CHECK_EQ(vcpu_run(1, look_on_demand, arg), 0))
		return;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (!CHECK(wait_change(&ready, turn, 20000)))
			break;
		CHECK_EQ(seen, 1 + (i & 1));
		turn = ready;
		while (arg && !blocked(1) && system_time() < until)
			cpu_pause();
		show(~i & 1);
		CHECK_EQ(
			i & 2 ? mmuext(MMUEXT_INVLPG_MULTI, P(window), P(&mask))
			      : mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, P(&mask)),
			0);
		stop = i == ROUNDS - 1;
		if (arg)
			port_send(port);
		else
			turn = __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	}
	stop = 1;
	port_send(port);
	CHECK(vcpu_wait_down(1, 20000));
}

static void one_that_runs_is_flushed(void)
{
	begin();
	port = bind_ipi(1);
	flush_the_other(NULL);
	port_close(port);
	end();
}

static void one_that_sleeps_is_flushed(void)
{
	begin();
	port = bind_ipi(1);
	flush_the_other(&port);
	port_close(port);
	end();
}

/* ---- frames ----------------------------------------------------------------- */

static void store_bad_entry(void *arg)
{
	/* Frame 0 is nobody's. */
	*(volatile uint64_t *)arg = PTE_KERNEL;
}

static void tables_are_not_written_by_old_translations(void)
{
	uint64_t *table = page_alloc();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t *pte = walk(kernel_root(), P(table), 1);
		uint64_t entry = va_to_mfn(table) * PAGE_SIZE;

		table[i] = 0; /* the translation is there, and dirty */
		CHECK_EQ(pte_write(pte, entry | PTE_P), 0);
		CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table), 0), 0);
		CHECK_EQ(probe(store_bad_entry, &table[i]).vector, VEC_PF);
		CHECK_EQ(table[i], 0);
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0), 0);
		CHECK_EQ(pte_write(pte, entry | PTE_KERNEL), 0);
	}
	page_free(table);
}

const struct test tests[] = {
	{"flushes are seen by who asked", flushes_are_seen_here},
	{"updates that flush do", updates_that_flush_do},
	{"a vcpu that runs is flushed", one_that_runs_is_flushed},
	{"a vcpu that sleeps is flushed", one_that_sleeps_is_flushed},
	{"tables are not written by old translations",
	 tables_are_not_written_by_old_translations},
	{},
};

RUN("smp=2 vcpus=2");
