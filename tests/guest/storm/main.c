/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls at random, from two vcpus at once, with arguments that are made
 * of what is likely to hurt: frames in use, addresses of the hypervisor,
 * numbers around limits, structures that change while they are read.
 *
 * A mild storm keeps off what the kernel itself stands on, and must leave every
 * door working.  A wild one may end the domain; the hypervisor stays.  The seed
 * is the case's number: a storm of one vcpu is the same each time.  "-a seed=N"
 * gives the runner others.
 */
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

#define POOL  16 /* pages that may be lost */
#define WORDS 64

struct storm {
	uint64_t seed;
	uint64_t *words; /* what pointers point to */
	bool wild;
};

static uint8_t *pool[POOL];
static uint64_t pool_mfn[POOL];
static volatile uint32_t stop;
static volatile uint64_t calls;

static uint64_t next(struct storm *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return s->seed;
}

static uint64_t pick_frame(struct storm *s)
{
	switch (next(s) % 8) {
	case 0:
		return next(s) % 0x10000;
	case 1:
		return next(s) % 2 ? 0xfee00 : ~0ul;
	case 2:
		if (s->wild)
			return va_to_mfn(kernel_root());
		/* fall through */
	default:
		return pool_mfn[next(s) % POOL];
	}
}

static uint64_t pick_address(struct storm *s)
{
	unsigned int n = next(s) % 24;

	if (n < 12)
		return P(s->words) + next(s) % 16 * 8;
	if (n < 14)
		return P(pool[next(s) % POOL]) + next(s) % PAGE_SIZE;
	if (n == 14)
		return pick_frame(s) * PAGE_SIZE + next(s) % 512 * 8;
	for_each_hostile(h) if (n-- == 15) return h->va;
	return P(s->words);
}

static uint64_t pick_small(struct storm *s)
{
	static const uint64_t limits[] = {
		0,      1,      2,      7,      8,    31,      32,
		63,     64,     511,    512,    4095, 4096,    0xffff,
		0x7ff0, 0x7ff1, 0x7ff2, 0x7fff, ~0u,  1u << 31};

	return next(s) % 3 ? next(s) % 34
			   : limits[next(s) % ARRAY_SIZE(limits)];
}

static uint64_t pick(struct storm *s)
{
	switch (next(s) % 8) {
	case 0:
	case 1:
	case 2:
		return pick_small(s);
	case 3:
		return pick_frame(s);
	case 4:
		return pick_frame(s) * PAGE_SIZE |
		       (next(s) & 0x8000000000000fff);
	case 5:
		return next(s);
	default:
		return pick_address(s);
	}
}

static void fill(struct storm *s)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		uint64_t low = pick(s);

		s->words[i] = next(s) % 3 ? low
					  : (low & 0xffffffff) | pick_small(s)
									 << 32;
	}
}

/* What would end the run, or take from under the kernel what it needs. */
static bool deadly(unsigned int nr, const uint64_t *a)
{
	uint32_t cmd = a[0];

	switch (nr) {
	case HC_iret:
	case HC_set_trap_table:
	case HC_set_callbacks:
	case HC_callback_op:
	case HC_stack_switch:
	case HC_set_segment_base:
	case HC_console_io:
	case HC_multicall:
		return true;
	case HC_mmu_update:
	case HC_update_va_mapping:
		/* Through the words they reach anything: see mild_tables(). */
		return true;
	case HC_mmuext_op:
		return true;
	case HC_sched_op:
		return cmd == SCHEDOP_shutdown || cmd == SCHEDOP_block ||
		       cmd == SCHEDOP_poll || cmd == SCHEDOP_watchdog;
	case HC_vcpu_op:
		return cmd == VCPUOP_down || cmd == VCPUOP_initialise ||
		       cmd == VCPUOP_register_vcpu_info || cmd == VCPUOP_up ||
		       cmd == VCPUOP_send_nmi;
	case HC_platform_op:
		return true; /* sleeps; its commands are in devices/ */
	case HC_memory_op:
		/* Their lists may be as long as they like. */
		return cmd == XENMEM_decrease_reservation ||
		       cmd == XENMEM_increase_reservation ||
		       cmd == XENMEM_populate_physmap || cmd == XENMEM_exchange;
	case HC_grant_table_op:
		return cmd == GNTTABOP_map_grant_ref || cmd == GNTTABOP_copy ||
		       cmd == GNTTABOP_unmap_and_replace;
	case HC_event_channel_op:
		return cmd == EVTCHNOP_init_control || cmd == EVTCHNOP_reset ||
		       cmd == EVTCHNOP_close;
	case HC_control_op:
	case HC_fpu_taskswitch:
	case HC_set_gdt:
	case HC_set_debugreg:
		return true;
	}
	return false;
}

static void call_once(struct storm *s)
{
	static const uint8_t numbers[] = {
#define PV_HYPERCALL(number, name, nargs) number,
#define PV_HYPERCALL_REFUSED(number, name)
#include <pv/hypercalls.def>
	};
	unsigned int nr = numbers[next(s) % ARRAY_SIZE(numbers)], i;
	uint64_t a[5];

	fill(s);
	for (i = 0; i < 5; i++)
		a[i] = pick(s);
	if (next(s) % 2) /* the usual shape: a command and a pointer */
		a[0] = next(s) % 34, a[1] = pick_address(s);
	if (deadly(nr, a) && (!s->wild || next(s) % 64))
		return;
	if (!s->wild && nr == HC_grant_table_op)
		a[2] %= 2; /* not over all that lies behind */
	if (nr == HC_console_io)
		return; /* it would be taken for ours */
	hypercall(nr, a[0], a[1], a[2], a[3], a[4]);
	calls++;
}

/* Page-table calls on the pool alone: pins, entries, roots, flushes. */
static void mild_tables(struct storm *s)
{
	struct pv_mmuext_op op = {.cmd = next(s) % 24};
	struct pv_mmu_update u = {.val = pick(s)};
	unsigned int i = next(s) % POOL;

	op.arg1.mfn = pick_frame(s);
	op.arg2.src_mfn = pick_frame(s);
	if (op.cmd == MMUEXT_NEW_BASEPTR || op.cmd == MMUEXT_SET_LDT ||
	    op.cmd == MMUEXT_NEW_USER_BASEPTR)
		op.cmd = MMUEXT_UNPIN_TABLE;
	switch (next(s) % 3) {
	case 0:
		HYPERVISOR_mmuext_op(P(&op), 1, 0, DOMID_SELF);
		break;
	case 1:
		u.ptr = pool_mfn[i] * PAGE_SIZE + next(s) % 512 * 8 +
			next(s) % 4;
		if (u.ptr % 4 == MMU_MACHPHYS_UPDATE)
			u.ptr ^= MMU_MACHPHYS_UPDATE;
		HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF);
		break;
	case 2:
		HYPERVISOR_update_va_mapping(
			P(pool[i]),
			pool_mfn[next(s) % POOL] * PAGE_SIZE |
				(next(s) & (PTE_P | PTE_W | PTE_U)),
			next(s) % 8);
		break;
	}
	calls++;
}

/* At most so long: two that want one lock are slow on a loaded machine. */
#define MOST_NS 5000000000ul

static void blow(struct storm *s, unsigned int n)
{
	uint64_t until = system_time() + MOST_NS;

	this_vcpu()->hook = events_dropped;
	while (n-- && !stop && system_time() < until) {
		call_once(s);
		mild_tables(s);
	}
	this_vcpu()->hook = NULL;
}

static void second(void *arg)
{
	struct storm s = {.seed = P(arg), .words = page_alloc()};

	blow(&s, ~0u);
}

static void prepare(void)
{
	unsigned int i;

	uint8_t *first = pages_alloc(POOL + 1); /* one may be run into */

	doors_init();
	for (i = 0; i < POOL; i++) {
		pool[i] = first + i * PAGE_SIZE;
		pool_mfn[i] = va_to_mfn(pool[i]);
	}
}

static void storm(uint64_t seed, bool wild, bool both)
{
	uint64_t number = seed + 100 * option("seed", 0);
	struct storm s = {.seed = number * 0x9e3779b97f4a7c15 | 1,
			  .words = page_alloc(),
			  .wild = wild};

	prepare();
	if (both)
		CHECK_EQ(vcpu_run(1, second, (void *)~s.seed), 0);
	blow(&s, 30000);
	stop = 1;
	note("%lu calls", calls);
	/* The second may have been left in the middle of things. */
	if (!wild && !both)
		CHECK(doors_round());
}

#define MILD(n)                                                                \
	static void mild_##n(void)                                             \
	{                                                                      \
		storm(n, false, false);                                        \
	}
#define BOTH(n)                                                                \
	static void both_##n(void)                                             \
	{                                                                      \
		storm(n, false, true);                                         \
	}
#define WILD(n)                                                                \
	static void wild_##n(void)                                             \
	{                                                                      \
		storm(n, true, n & 1);                                         \
	}
MILD(1)
MILD(2)
BOTH(3)
BOTH(4)
WILD(5)
WILD(6)
WILD(7)
WILD(8)

RUN("smp=2 vcpus=2 seconds=60");

const struct test tests[] = {
	{"a mild storm", mild_1, MAY_CRASH},
	{"another", mild_2, MAY_CRASH},
	{"two mild storms", both_3, MAY_CRASH},
	{"two others", both_4, MAY_CRASH},
	{"a wild storm", wild_5, MAY_END},
	{"another wild one", wild_6, MAY_END},
	{"a third", wild_7, MAY_END},
	{"a fourth", wild_8, MAY_END},
	{},
};
