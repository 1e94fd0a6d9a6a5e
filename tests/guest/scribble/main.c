/* SPDX-License-Identifier: MIT */
/*
 * Rule 2: what the trampoline can write, ring 1 can write, so it holds nothing
 * that is trusted.  This kernel fills all of it with nonsense, between and
 * during its visits to the hypervisor.
 *
 * Stacks and scratch space may hold anything: every door works.  One page says
 * what is the guest's own to choose (its kernel stack, its mode, where its
 * handlers are): with nonsense there the domain may crash, but only that.
 */
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

#define MAX_AREAS  32
#define DATA_BYTES 256 /* at the start of a page, stack may lie above it */

static struct area {
	uint64_t start, end;
} areas[MAX_AREAS]; /* all that is writable, but for: */
static unsigned int nr_areas;
static uint64_t data; /* the guest's own choices      */
static uint64_t info; /* the vcpu info, again         */

static const uint64_t patterns[] = {
	0,
	~0ul,
	0x8000000000000000,
	0x0101010101010101,
	0xffff878040025000,
	0xffff878040026000,
	0xffff820000000000,
	0xffffffff80100000,
	USER_CODE,
	0x0000e0080000e008,
	0xe033,
	0x202,
};

static void overwrite(uint64_t start, uint64_t end, uint64_t value)
{
	for (; start < end; start += 8)
		store64(start, value);
}

static void overwrite_all(uint64_t value)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++)
		overwrite(areas[i].start, areas[i].end, value);
}

static bool holds(uint64_t start, uint64_t end, uint64_t value)
{
	for (; start < end; start += 8)
		if (load64(start) == value)
			return true;
	return false;
}

static void add_area(uint64_t start, uint64_t end)
{
	if (nr_areas < MAX_AREAS)
		areas[nr_areas++] = (struct area){start, end};
}

/* The guest's choices are where its kernel stack can be seen to change. */
static bool is_data(uint64_t page)
{
	uint64_t stack = this_vcpu()->entry_stack, end = page + DATA_BYTES;
	bool had, has;

	HYPERVISOR_stack_switch(FLAT_KERNEL_SS, 0x123456789ab0);
	has = holds(page, end, 0x123456789ab0);
	HYPERVISOR_stack_switch(FLAT_KERNEL_SS, stack);
	had = holds(page, end, 0x123456789ab0);
	return has && !had;
}

static bool is_info(uint64_t page)
{
	uint64_t end = page + PAGE_SIZE;
	bool had, has;

	vcpu_info()->arch.cr2 = 0xc0ffee0ddf00d;
	has = holds(page, end, 0xc0ffee0ddf00d);
	vcpu_info()->arch.cr2 = 0;
	had = holds(page, end, 0xc0ffee0ddf00d);
	return has && !had;
}

static void sort(uint64_t page, void *arg)
{
	(void)arg;
	if (probe_write(page).vector != -1)
		return;
	if (is_info(page)) {
		info = page;
	} else if (is_data(page)) {
		data = page;
		add_area(page + DATA_BYTES, page + PAGE_SIZE);
	} else {
		add_area(page, page + PAGE_SIZE);
	}
}

static void find_areas(void)
{
	doors_init();
	reserved_for_each(sort, NULL);
	note("%u areas, choices at %#lx, vcpu info at %#lx", nr_areas, data,
	     info);
}

static void areas_are_found(void)
{
	find_areas();
	if (!on_parapet()) {
		skip("others have none");
		return;
	}
	CHECK(nr_areas > 0);
	CHECK(data != 0);
}

static void stacks_full_of_nonsense_do_no_harm(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		overwrite_all(patterns[i]);
		if (!CHECKF(doors_round(), "pattern %#lx", patterns[i]))
			break;
	}
}

/* In the middle of things: from a handler, and between user code's steps. */
static unsigned int scribbled;

static bool scribble_in_handler(struct frame *f)
{
	overwrite_all(patterns[scribbled++ % ARRAY_SIZE(patterns)]);
	(void)f;
	return false;
}

static void handlers_may_scribble_too(void)
{
	unsigned int i;

	this_vcpu()->hook = scribble_in_handler;
	for (i = 0; i < 20; i++)
		if (!CHECK(doors_round()))
			break;
	this_vcpu()->hook = NULL;
	CHECK(scribbled > 20);
}

/* A frame that leads to ring 0, wherever one may be taken from. */
static void forged_frames_are_not_taken(void)
{
	static const uint64_t frames[][5] = {
		{USER_CODE, 0xe008, 0x202, USER_STACK, 0xe010},
		{0xffffffff80100000, 0xe008, 0x3202, USER_STACK, 0xe010},
		{0xffff878040000000, 0xe00b, 0x202, 0xffff878040026000, 0},
	};
	unsigned int i, n;
	uint64_t at;

	for (i = 0; i < ARRAY_SIZE(frames); i++)
		for (n = 0; n < nr_areas; n++) {
			for (at = areas[n].end; at - 40 >= areas[n].start;
			     at -= 40)
				memcpy((void *)(at - 40), frames[i], 40);
			if (!CHECK(doors_round()))
				return;
		}
}

/* ---- the guest's own choices ---------------------------------------------------- */

static void lie(uint64_t value)
{
	unsigned int i;

	find_areas();
	if (!data)
		return;
	for (i = 0; i < 50; i++) {
		overwrite(data, data + DATA_BYTES, value);
		doors_try();
	}
}

static void lie_0(void)
{
	lie(0);
}

static void lie_ones(void)
{
	lie(~0ul);
}

static void lie_non_canonical(void)
{
	lie(0x8000000000000000);
}

static void lie_reserved(void)
{
	lie(0xffff878040025800);
}

static void lie_above_the_hole(void)
{
	lie(HYPERVISOR_VIRT_END);
}

static void lie_read_only(void)
{
	lie(MACH2PHYS_VIRT_START + 2048);
}

static void lie_user(void)
{
	lie(USER_STACK);
}

/* One word at a time: most doors go on working with the others right. */
static void lie_by_words(void)
{
	static uint64_t kept[DATA_BYTES / 8];
	unsigned int i, word;

	find_areas();
	if (!data)
		return;
	memcpy(kept, (void *)data, DATA_BYTES);
	for (word = 0; word < DATA_BYTES / 8; word++)
		for (i = 0; i < ARRAY_SIZE(patterns); i++) {
			store64(data + word * 8, patterns[i]);
			HYPERVISOR_xen_version(XENVER_version, 0);
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
			memcpy((void *)data, kept, DATA_BYTES);
		}
}

RUN("seconds=60");

const struct test tests[] = {
	{"what can be written is found", areas_are_found},
	{"stacks full of nonsense do no harm",
	 stacks_full_of_nonsense_do_no_harm},
	{"handlers may scribble, too", handlers_may_scribble_too},
	{"forged frames are not taken", forged_frames_are_not_taken},
	{"zeroes for the guest's choices", lie_0, MAY_CRASH},
	{"ones for them", lie_ones, MAY_CRASH},
	{"addresses that are not canonical", lie_non_canonical, MAY_CRASH},
	{"addresses in the hypervisor", lie_reserved, MAY_CRASH},
	{"the address above the hole", lie_above_the_hole, MAY_CRASH},
	{"addresses that are read-only", lie_read_only, MAY_CRASH},
	{"addresses of user memory", lie_user, MAY_CRASH},
	{"one word at a time", lie_by_words, MAY_CRASH},
	{},
};
