/* SPDX-License-Identifier: MIT */
/*
 * Rule 3: a processor's writable trampoline pages are its own.  A vcpu on
 * another processor writes all over what it can reach of the reserved range,
 * without a pause, while the first goes in and out of ring 0: it never meets
 * a stack that is in use, so nothing goes wrong and nothing is gained.
 */
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

#define MAX_PAGES 32
#define ROUNDS    150

static uint64_t pages[MAX_PAGES];
static volatile unsigned int nr_pages;
static volatile uint32_t stop, ready;
static volatile uint64_t stores;

/* The vcpu info's page is the guest's, and all its vcpus may share it. */
static bool is_info(uint64_t page)
{
	uint64_t *unused = (uint64_t *)shared_info + 511;
	bool same;

	*(volatile uint64_t *)unused = 0x1234567;
	same = load64(page + 4088) == 0x1234567;
	*(volatile uint64_t *)unused = 0;
	return same && load64(page + 4088) == 0;
}

static void add_page(uint64_t page, void *arg)
{
	(void)arg;
	if (probe_write(page).vector == -1 && !is_info(page) &&
	    nr_pages < MAX_PAGES)
		pages[nr_pages++] = page;
}

/* What it would take to run its own code in ring 0, at every place. */
static const uint64_t forged[] = {
	USER_CODE,          0xe008, 0x3202, USER_STACK,         0xe010,
	0xffffffff80100000, 0xe008, 0x202,  0xffff878040026000, 0x0,
};

static void scribble(void *arg)
{
	uint64_t seed = 1;
	unsigned int p, at;

	(void)arg;
	if (!nr_pages)
		reserved_for_each(add_page, NULL);
	__atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop) {
		for (p = 0; p < nr_pages; p++)
			for (at = 256; at < PAGE_SIZE; at += 8) {
				seed = seed * 6364136223846793005 + 1442695041;
				store64(pages[p] + at,
					seed >> 62 ? forged[at / 8 %
							    ARRAY_SIZE(forged)]
						   : seed);
			}
		stores += nr_pages;
	}
}

static void start(void)
{
	stop = ready = 0;
	CHECK_EQ(vcpu_run(1, scribble, NULL), 0);
	CHECK(wait_change(&ready, 0, 20000));
}

static void end(void)
{
	stop = 1;
	CHECK(vcpu_wait_down(1, 20000));
}

static void doors_work_beside_a_scribbler(void)
{
	uint64_t before;
	unsigned int i;

	doors_init();
	start();
	before = stores;
	for (i = 0; i < ROUNDS; i++)
		if (!CHECKF(doors_round(), "round %u", i))
			break;
	note("%u pages, %lu of them written meanwhile", nr_pages,
	     stores - before);
	CHECK(stores != before || !on_parapet());
	end();
}

/* What the one writes the other does not see at the same address. */
static volatile uint32_t look, seen;

static void watch(void *arg)
{
	unsigned int p;

	(void)arg;
	ready = 1;
	while (!look)
		cpu_pause();
	for (p = 0; p < nr_pages; p++)
		if (load64(pages[p] + 2048) == 0x11235813213455)
			seen++;
	ready = 2;
	while (!stop)
		cpu_pause();
}

static void the_pages_are_not_shared(void)
{
	unsigned int p;

	ready = look = seen = stop = 0;
	CHECK_EQ(vcpu_run(1, watch, NULL), 0);
	CHECK(wait_change(&ready, 0, 20000));
	for (p = 0; p < nr_pages; p++)
		store64(pages[p] + 2048, 0x11235813213455);
	look = 1;
	while (ready != 2)
		cpu_pause();
	end();
	CHECK_EQ(seen, 0);
	for (p = 0; p < nr_pages; p++)
		store64(pages[p] + 2048, 0);
}

/* The root changes, entries of it come and go: the copies follow. */
static void copies_of_the_root_follow_it(void)
{
	uint64_t *root = kernel_root(), *l3 = table_alloc();
	uint64_t entry = va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE;
	unsigned int i;

	start();
	for (i = 0; i < 200; i++) {
		CHECK_EQ(pte_write(&root[300], entry), 0);
		CHECK_EQ(probe_read(0xffff960000000000).vector, VEC_PF);
		CHECK_EQ(pte_write(&root[300], 0), 0);
	}
	end();
	page_free(l3);
}

static void reader(void *arg)
{
	uint64_t va = P(arg);

	ready = 1;
	while (!stop)
		if (probe_read(va).vector == -1)
			seen++;
}

/* An entry that one vcpu takes away is gone for the other, when it returns. */
static void a_cleared_root_entry_is_gone_everywhere(void)
{
	uint64_t *root = kernel_root(), va = 0xffff960000000000;
	uint64_t *l3 = table_alloc(), *l2 = table_alloc(), *l1 = table_alloc();
	void *leaf = page_alloc();
	uint32_t after;

	ready = seen = stop = 0;
	CHECK_EQ(pte_write(&root[300], va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
		 0);
	CHECK_EQ(pte_write(&l3[0], va_to_mfn(l2) * PAGE_SIZE | PTE_TABLE), 0);
	CHECK_EQ(pte_write(&l2[0], va_to_mfn(l1) * PAGE_SIZE | PTE_TABLE), 0);
	CHECK_EQ(pte_write(&l1[0], va_to_mfn(leaf) * PAGE_SIZE | PTE_KERNEL),
		 0);
	CHECK_EQ(probe_read(va).vector, -1);
	CHECK_EQ(vcpu_run(1, reader, (void *)va), 0);
	CHECK(wait_change(&ready, 0, 20000));
	CHECK(wait_change(&seen, 0, 20000));
	CHECK_EQ(pte_write(&root[300], 0), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	after = seen;
	spin_ms(20);
	/* One read may have been under way. */
	CHECKF(seen - after <= 1, "%u reads", seen - after);
	end();
	page_free(l3);
	page_free(l2);
	page_free(l1);
	page_free(leaf);
}

RUN("smp=2 vcpus=2 seconds=120");

const struct test tests[] = {
	{"every door works beside a scribbler", doors_work_beside_a_scribbler},
	{"the pages are not shared", the_pages_are_not_shared},
	{"copies of the root follow it", copies_of_the_root_follow_it},
	{"a cleared root entry is gone everywhere",
	 a_cleared_root_entry_is_gone_everywhere},
	{},
};
