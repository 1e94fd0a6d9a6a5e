/* SPDX-License-Identifier: MIT */
/*
 * Runs of changes to one page table, by calls and by stores, which a hypervisor
 * may batch: what the guest reads back, what the processor uses, what is
 * refused, and that nothing of it is left when another vcpu or another domain
 * has its turn, in the middle of a multicall, or when a table goes away.
 */
#include "tests/guest/lib/child.h"
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

#define RUN_LENGTH 64
#define SPACE      0x580000ul /* in the user area: 128 pages to change   */

enum {
	CHILD_RUNS,
	CHILD_WAKES
};

static uint64_t *table; /* the l1 table of SPACE */
static uint64_t leaf[RUN_LENGTH];
static uint8_t *leaf_page[RUN_LENGTH];

static void setup(void)
{
	unsigned int i;

	user_init();
	table = walk(kernel_root(), SPACE, 1);
	for (i = 0; i < RUN_LENGTH; i++) {
		leaf_page[i] = page_alloc();
		leaf[i] = va_to_mfn(leaf_page[i]) * PAGE_SIZE;
		*(uint64_t *)leaf_page[i] = i;
	}
}

static uint64_t space(unsigned int i)
{
	return SPACE + i * PAGE_SIZE;
}

/* As kernels call: one request, nothing to report. */
static int update(uint64_t *entry, uint64_t value)
{
	struct pv_mmu_update u = {.ptr = machine_address(entry), .val = value};

	return HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF);
}

/* One change, in one of the ways that kernels have. */
static void change(unsigned int how, unsigned int i, uint64_t value)
{
	uint64_t *at = &table[i];

	switch (how % 4) {
	case 0:
		update(at, value);
		break;
	case 1:
		*(volatile uint64_t *)at = value;
		break;
	case 2:
		__asm__ volatile("xchgq %0, (%1)"
				 : "+r"(value)
				 : "r"(at)
				 : "memory");
		break;
	case 3:
		HYPERVISOR_update_va_mapping(space(i), value, 0);
		break;
	}
}

static void flush(void)
{
	mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
}

#define SAME(entry) ((entry) & ~(PTE_A | PTE_D | PTE_U | 1ul << 52))

/* All mapped, all read, all gone: the guest sees it at each step. */
static bool one_round(unsigned int how)
{
	unsigned int i;
	bool good = true;

	for (i = 0; i < RUN_LENGTH && good; i++) {
		change(how, i, leaf[i] | PTE_KERNEL);
		good &= CHECKF(SAME(table[i]) == SAME(leaf[i] | PTE_KERNEL),
			       "way %u, %u: %#lx", how, i, table[i]);
	}
	for (i = 0; i < RUN_LENGTH && good; i++)
		good &= CHECKF(*(volatile uint64_t *)space(i) == i,
			       "way %u, page %u", how, i);
	for (i = 0; i < RUN_LENGTH && good; i++)
		change(how, i, leaf[i] | PTE_P);
	flush();
	for (i = 0; i < RUN_LENGTH && good; i++)
		good &= CHECKF(probe_write(space(i)).vector == VEC_PF,
			       "way %u, page %u is writable", how, i);
	for (i = 0; i < RUN_LENGTH && good; i++)
		change(how, i, 0);
	flush();
	for (i = 0; i < RUN_LENGTH && good; i++) {
		good &= CHECKF(table[i] == 0, "way %u, %u: %#lx", how, i,
			       table[i]);
		good &= CHECKF(probe_read(space(i)).vector == VEC_PF,
			       "way %u, page %u is there", how, i);
	}
	return good;
}

static void runs_have_their_effect(void)
{
	unsigned int how, i;

	setup();
	for (i = 0; i < 5; i++)
		for (how = 0; how < 4; how++)
			if (!one_round(how))
				return;
}

/* Without a flush: what was absent is there at its first use. */
static void new_entries_are_there_at_once(void)
{
	unsigned int how, i;

	for (how = 0; how < 4; how++) {
		for (i = 0; i < RUN_LENGTH; i++) {
			change(how, i, leaf[i] | PTE_KERNEL);
			if (!CHECKF(*(volatile uint64_t *)space(i) == i,
				    "way %u, page %u", how, i))
				break;
		}
		for (i = 0; i < RUN_LENGTH; i++)
			change(0, i, 0);
		flush();
	}
}

CODE(read_all, "1: movq (%rdi), %rax\n addq $4096, %rdi\n decq %rsi\n"
	       "jnz 1b\n int3\n");

static void user_code_sees_them_at_once(void)
{
	unsigned int how, i;
	struct frame f;

	for (how = 0; how < 4; how++) {
		for (i = 0; i < RUN_LENGTH; i++)
			change(how, i, leaf[i] | PTE_USER);
		f = user_call(read_all, SPACE, RUN_LENGTH, 0);
		CHECKF(f.vector == VEC_BP, "way %u: %#lx at %#lx", how,
		       f.vector, this_vcpu()->user_cr2);
		CHECK_EQ(f.rax, RUN_LENGTH - 1);
		/* And does not see what has gone, after a flush. */
		for (i = 0; i < RUN_LENGTH; i++)
			change(how, i, 0);
		flush();
		f = user_call(read_all, SPACE, 1, 0);
		CHECK_EQ(f.vector, VEC_PF);
	}
}

/* A bad value by a store: it may be refused there or later, never used. */
static void store_bad(void *value)
{
	*(volatile uint64_t *)&table[8] = P(value);
}

static void bad_stores_never_count(void)
{
	const uint64_t bad[] = {
		va_to_mfn(table) * PAGE_SIZE | PTE_KERNEL,
		va_to_mfn(kernel_root()) * PAGE_SIZE | PTE_KERNEL,
		0xfee00000 | PTE_KERNEL, 0xffffffffff000 | PTE_P};
	unsigned int i, k, how;

	for (k = 0; k < ARRAY_SIZE(bad); k++)
		for (how = 0; how < 2; how++) {
			for (i = 0; i < 8; i++)
				change(how, i, leaf[i] | PTE_KERNEL);
			if (how)
				probe(store_bad, (void *)bad[k]);
			else
				update(&table[8], bad[k]);
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
			flush();
			CHECKF(table[8] != bad[k], "%u, %u", how, k);
			CHECKF(probe_read(space(8)).vector == VEC_PF, "%u, %u",
			       how, k);
			for (i = 0; i < 9; i++)
				change(0, i, 0);
			flush();
		}
}

/*
 * A bad change never takes effect, at any place in a run.  Alone it is refused
 * by its call; in a run the call may answer 0 (ABI.md 5.8).
 */
static void bad_calls_change_nothing(void)
{
	uint64_t bad = va_to_mfn(table) * PAGE_SIZE | PTE_KERNEL;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		change(1, i, leaf[i] | PTE_KERNEL);
		CHECK_EQ(update(&table[i + 1], leaf[i + 1] | PTE_KERNEL), 0);
		update(&table[i + 2], bad);
		flush();
		CHECKF(table[i + 2] != bad, "at %u", i);
	}
	CHECKF(update(&table[RUN_LENGTH / 2], bad) < 0, "alone");
	for (i = 0; i < RUN_LENGTH; i++)
		change(0, i, 0);
	flush();
}

/* A table that is in a run stops being one. */
static void a_table_goes_away_after_a_run(void)
{
	uint64_t *l1 = page_alloc();
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		memset(l1, 0, PAGE_SIZE);
		page_set(l1, PTE_P);
		CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(l1), 0), 0);
		for (i = 0; i < 32; i++) {
			if (round & 1)
				*(volatile uint64_t *)&l1[i] = leaf[i] | PTE_P;
			else
				update(&l1[i], leaf[i] | PTE_P);
		}
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l1), 0), 0);
		CHECK_EQ(page_set(l1, PTE_KERNEL), 0);
		for (i = 0; i < 32; i++)
			CHECK_EQ(SAME(l1[i]), SAME(leaf[i] | PTE_P));
		l1[5] = 0x1234;
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		CHECK_EQ(l1[5], 0x1234);
	}
	page_free(l1);
}

/* ---- in a multicall ---------------------------------------------------------------- */

/* A run of updates in entries of their own, with other changes between. */
static void multicalls_mix_them(void)
{
	static struct pv_multicall_entry calls[64];
	static struct pv_mmu_update updates[64];
	unsigned int i;
	uint64_t va = P(table) & ~(PAGE_SIZE - 1);

	for (i = 0; i < 4; i++)
		change(1, i, leaf[i] | PTE_KERNEL);
	for (i = 0; i < 32; i++) {
		updates[i] = (struct pv_mmu_update){
			.ptr = machine_address(&table[i]),
			.val = leaf[i] | PTE_KERNEL,
		};
		calls[2 * i] = (struct pv_multicall_entry){
			.op = HC_mmu_update,
			.args = {P(&updates[i]), 1, 0, DOMID_SELF},
		};
		/* The alias under which the table is seen. */
		calls[2 * i + 1] = (struct pv_multicall_entry){
			.op = HC_update_va_mapping,
			.args = {va,
				 (va_to_mfn((void *)va) * PAGE_SIZE) | PTE_P,
				 0},
		};
	}
	CHECK_EQ(HYPERVISOR_multicall(P(calls), 64), 0);
	for (i = 0; i < 64; i++)
		CHECK_EQ(calls[i].result, 0);
	for (i = 0; i < 32; i++)
		CHECK_EQ(SAME(table[i]), SAME(leaf[i] | PTE_KERNEL));
	for (i = 0; i < 32; i++)
		change(0, i, 0);
	flush();
}

/*
 * The same with the requests at linear address 0, and all that the hypervisor
 * might have kept about the last request overwritten by the guest.
 */
static uint64_t writable[32];
static unsigned int nr_writable;

static void note_writable(uint64_t va, void *arg)
{
	(void)arg;
	if (probe_write(va).vector == -1 && nr_writable < ARRAY_SIZE(writable))
		writable[nr_writable++] = va;
}

/* Right behind a call, with nothing in between that enters the hypervisor. */
static uint64_t find_word(uint64_t word)
{
	unsigned int i, at;

	for (i = 0; i < nr_writable; i++)
		for (at = 0; at < 256; at += 8)
			if (load64(writable[i] + at) == word)
				return writable[i] + at;
	return 0;
}

static void requests_at_address_0(void)
{
	static struct pv_multicall_entry calls[8];
	uint64_t *l1 = table_alloc(), *l3, *l2;
	struct pv_mmu_update *zero = page_alloc();
	struct pv_mmu_update one;
	uint64_t alias;
	uint64_t kept;
	unsigned int i;

	setup();
	reserved_for_each(note_writable, NULL);
	one.ptr = machine_address(&table[1]);
	one.val = leaf[1] | PTE_KERNEL;
	alias = P(table) & ~(PAGE_SIZE - 1);
	l3 = mfn_to_va((*walk(kernel_root(), USER_BASE, 4) & PTE_ADDR) / 4096);
	l2 = mfn_to_va((l3[0] & PTE_ADDR) / 4096);
	CHECK_EQ(pte_write(&l2[0], va_to_mfn(l1) * PAGE_SIZE | PTE_TABLE), 0);
	CHECK_EQ(pte_write(&l1[0], va_to_mfn(zero) * PAGE_SIZE | PTE_KERNEL),
		 0);
	zero[0] = (struct pv_mmu_update){.ptr = machine_address(&table[0]),
					 .val = leaf[0] | PTE_KERNEL};
	/* Where does the hypervisor keep what it read ahead? */
	change(1, 3, leaf[3] | PTE_KERNEL);
	HYPERVISOR_mmu_update(P(&one), 1, 0, DOMID_SELF);
	kept = find_word(P(&one));
	note("read ahead at %#lx", kept);
	for (i = 0; i < 4; i++)
		calls[i] = (struct pv_multicall_entry){
			.op = HC_mmu_update,
			.args = {0, 1, 0, DOMID_SELF},
		};
	for (; i < 6; i++)
		calls[i] = (struct pv_multicall_entry){
			.op = HC_update_va_mapping,
			.args = {alias,
				 va_to_mfn((void *)alias) * PAGE_SIZE | PTE_P,
				 0},
		};
	for (i = 0; i < 20; i++) {
		if (kept) {
			store64(kept, 0);
			store64(kept + 8, machine_address(&table[0]));
		}
		HYPERVISOR_multicall(P(calls), 6);
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	}
	change(0, 0, 0);
	flush();
	doors_init();
	CHECK(doors_round());
}

/* ---- beside another domain ----------------------------------------------------------- */

static void rounds(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!one_round(i % 4))
			break;
}

/* So often that it takes its turn in the middle of anything. */
static void wake_often(void)
{
	struct pv_sched_poll poll = {.nr_ports = 0};
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		poll.timeout = system_time() + 20000 + i % 64 * 1000;
		HYPERVISOR_sched_op(SCHEDOP_poll, P(&poll), 0);
		if (i % 16 == 0)
			change(i / 16, i % RUN_LENGTH, 0);
	}
}

void child_main(unsigned int which)
{
	setup();
	if (which == CHILD_RUNS)
		rounds(40);
	else
		wake_often();
}

static struct child child;

static void two_domains_take_turns(void)
{
	setup();
	CHECK_EQ(child_start(&child, CHILD_RUNS), 0);
	rounds(60);
	CHECK_EQ(child_wait(&child, 30000), SHUTDOWN_poweroff);
	CHECK_EQ(child_destroy(&child), 0);
}

static void many_domains_take_turns(void)
{
	static struct child more[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(child_start(&more[i], CHILD_RUNS), 0);
	rounds(60);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(child_wait(&more[i], 60000), SHUTDOWN_poweroff);
		CHECK_EQ(child_destroy(&more[i]), 0);
	}
}

static void one_wakes_up_all_the_time(void)
{
	CHECK_EQ(child_start(&child, CHILD_WAKES), 0);
	while (child_wait(&child, 0) == -1)
		if (!one_round(0) || !one_round(1))
			break;
	CHECK_EQ(child_wait(&child, 30000), SHUTDOWN_poweroff);
	CHECK_EQ(child_destroy(&child), 0);
}

RUN("smp=1 vcpus=1 mem=256 hv=control_mem=64M seconds=120");

const struct test tests[] = {
	{"runs have their effect", runs_have_their_effect},
	{"new entries are there at once", new_entries_are_there_at_once},
	{"user code sees them at once", user_code_sees_them_at_once},
	{"bad values never count", bad_stores_never_count},
	{"bad calls change nothing", bad_calls_change_nothing},
	{"a table goes away after a run", a_table_goes_away_after_a_run},
	{"multicalls mix them", multicalls_mix_them},
	{"two domains take turns", two_domains_take_turns},
	{"many domains take turns", many_domains_take_turns},
	{"one wakes up all the time", one_wakes_up_all_the_time},
	{"requests at address 0", requests_at_address_0, MAY_CRASH},
	{},
};
