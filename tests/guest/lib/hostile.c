/* SPDX-License-Identifier: MIT */
/*
 * Hostile addresses, and a survey of the hypervisor's reserved range.
 *
 * Those in the reserved range are where Parapet has something of its own;
 * for another hypervisor they mean nothing in particular.
 */
#include "tests/guest/lib/hostile.h"

#undef PAGE_SIZE
#include "hv/lib/layout.h"

#define SLOT_SIZE (1ul << 39)
#define STEP_1G   (1ul << 30)
#define STEP_2M   (1ul << 21)

const struct hostile hostile_addresses[] = {
	{"nothing", 0},
	{"an unmapped low page", 0x00007fffffffe000},
	{"the last low byte", 0x00007fffffffffff},
	{"the first non-canonical byte", 0x0000800000000000},
	{"a non-canonical page", 0x8000000000000000},
	{"the last non-canonical byte", 0xffff7fffffffffff},
	{"the byte before the reserved range", 0xffff7ffffffffffd},
	{"the reserved range, unmapped", 0xffff804000000000},
	{"the reserved range, frames", FRAMES_BASE},
	{"the reserved range, memory", DIRECT_BASE},
	{"the reserved range, image", IMAGE_BASE + 0x100000},
	{"the reserved range, tables", WINDOW_BASE},
	{"the reserved range, per-CPU data", WIN_CONST},
	{"the reserved range, its stack", WIN_STACK},
	{"the end of the reserved range", 0xffff87fffffffff8},
	{"an unmapped high page", 0xffff880000000000},
	{"the last byte", 0xffffffffffffffff},
	{},
};

const uint64_t ring0_stack_top = WIN_STACK_TOP;

/*
 * A fault in the middle of nowhere costs microseconds, so the range is
 * stepped through by what a missing entry covers: pages only where one in the
 * first or last 2 MiB of its 1 GiB, or one in its slot, can be read.
 */
static unsigned int survey(uint64_t from, uint64_t to, uint64_t step,
			   void (*fn)(uint64_t, void *), void *arg)
{
	unsigned int found = 0;
	uint64_t va;

	for (va = from; va < to; va += step) {
		if (probe_read(va).vector != -1)
			continue;
		found++;
		if (fn)
			fn(va, arg);
	}
	return found;
}

unsigned int reserved_for_each(void (*fn)(uint64_t va, void *arg), void *arg)
{
	uint64_t slot = HYPERVISOR_VIRT_END - SLOT_SIZE, va;
	unsigned int found = 0;

	/* Other slots: their first page, and each 1 GiB's. */
	for (va = HYPERVISOR_VIRT_START; va < slot; va += SLOT_SIZE)
		found += survey(va, va + SLOT_SIZE, STEP_1G, fn, arg);
	/* The last slot: each 2 MiB of it, then pages near what is there. */
	found += survey(slot, slot + 4 * STEP_1G, STEP_2M, fn, arg);
	for (va = slot; va < slot + 4 * STEP_1G; va += STEP_1G)
		found += survey(va + PAGE_SIZE, va + STEP_2M, PAGE_SIZE, fn,
				arg);
	return found;
}
