/* SPDX-License-Identifier: MIT */
/*
 * Clock pages, the wall clock, timers, and where a vcpu's time went.
 *
 * Nothing here measures how fast the machine is: a timer may be late, by
 * however much a slow machine makes it, but never early.
 */
#include "tests/guest/lib/hostile.h"

#define MS   1000000ul
#define LATE (10000 * MS)

static evtchn_port_t timer;

static long singleshot(uint64_t at, uint32_t flags)
{
	struct pv_vcpu_set_singleshot_timer t = {.timeout_abs_ns = at,
						 .flags = flags};

	return HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 0, P(&t));
}

static long periodic(uint64_t period)
{
	struct pv_vcpu_set_periodic_timer t = {.period_ns = period};

	return HYPERVISOR_vcpu_op(VCPUOP_set_periodic_timer, 0, P(&t));
}

/* When the timer rang, or 0. */
static uint64_t wait_for_ring(uint32_t before)
{
	uint64_t until = system_time() + LATE;

	while (event_count[timer] == before)
		if (system_time() > until)
			return 0;
	return system_time();
}

static void the_clock_never_runs_backwards(void)
{
	uint64_t last = system_time(), now;
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		now = system_time();
		if (!CHECKF(now >= last, "%lu after %lu", now, last))
			break;
		last = now;
		if (i % 1000 == 0)
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	}
	CHECK(now > 0);
}

static void the_clock_page_is_consistent(void)
{
	const volatile struct pv_vcpu_time_info *t = &vcpu_info()->time;
	struct pv_sched_poll poll = {.timeout = t->system_time + 10 * MS};
	uint64_t before = t->system_time;
	uint32_t version = t->version;

	CHECK_EQ(version & 1, 0);
	CHECK(version != 0);
	CHECK(t->tsc_to_system_mul != 0);
	CHECK(t->tsc_shift >= -32 && t->tsc_shift <= 32);
	CHECK(t->system_time >= before);
	/* The page may be written for a reader; nobody reads it back. */
	vcpu_info()->time.version = 0xffffffff;
	vcpu_info()->time.tsc_to_system_mul = 0;
	vcpu_info()->time.system_time = ~0ul;
	CHECK_EQ(singleshot(1, 0), 0);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0), 0);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_poll, P(&poll), 0), 0);
}

static unsigned int read_pit(void)
{
	uint8_t lo, hi;

	__asm__ volatile("outb %%al, $0x43" : : "a"(0));
	__asm__ volatile("inb $0x40, %0" : "=a"(lo));
	__asm__ volatile("inb $0x40, %0" : "=a"(hi));
	return hi << 8 | lo;
}

/*
 * PIT ticks in *@ns, some 50 ms; ~0u: it was looked at so rarely, on a busy
 * machine, that it may have gone round, in 55 ms, unseen.
 */
static unsigned int count_pit(uint64_t *ns)
{
	uint64_t start = system_time(), looked = start, now = start;
	unsigned int last = read_pit(), value, ticks = 0;

	while (now - start < 50 * MS) {
		value = read_pit();
		now = system_time();
		if (now - looked > 20 * MS)
			return ~0u;
		ticks += (last - value) & 0xffff;
		last = value;
		looked = now;
	}
	*ns = now - start;
	return ticks;
}

/* Against the PIT: 1,193,182 ticks are a second, on any machine. */
static void the_clock_runs_as_fast_as_others(void)
{
	struct pv_physdev_set_iopl iopl = {1};
	uint64_t ns = 0, until = system_time() + LATE;
	unsigned int ticks;

	if (HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, P(&iopl))) {
		skip("no ports");
		return;
	}
	if (read_pit() == 0xffff && read_pit() == 0xffff) {
		skip("the PIT is the hypervisor's");
		return;
	}
	do
		ticks = count_pit(&ns);
	while (ticks == ~0u && system_time() < until);
	if (!CHECK(ticks != ~0u))
		return;
	note("%u PIT ticks in %lu us", ticks, ns / 1000);
	if (!ticks) {
		skip("the PIT stands still");
		return;
	}
	CHECK(ticks * 838ul > ns / 2 && ticks * 838ul < ns * 2);
}

static void the_wall_clock_tells_a_date(void)
{
	uint64_t sec =
		(uint64_t)shared_info->wc_sec_hi << 32 | shared_info->wc.sec;

	CHECK_EQ(shared_info->wc.version & 1, 0);
	CHECKF(sec > 1577836800ul && sec < 7258118400ul, "%lu", sec);
	CHECK(shared_info->wc.nsec < 1000000000);
}

static void the_wall_clock_is_set(void)
{
	struct pv_platform_op op = {
		.cmd = XENPF_settime64,
		.interface_version = XENPF_INTERFACE_VERSION,
		.u.settime64 = {.secs = 2000000000,
				.nsecs = 500000000,
				.system_time = 0},
	};
	uint32_t version = shared_info->wc.version;

	CHECK_EQ(HYPERVISOR_platform_op(P(&op)), 0);
	CHECK_EQ(shared_info->wc.sec, 2000000000);
	CHECK_EQ(shared_info->wc.nsec, 500000000);
	CHECK(shared_info->wc.version > version);
	/* "It was that time when the system time was one second." */
	op.u.settime64.system_time = 1000 * MS;
	CHECK_EQ(HYPERVISOR_platform_op(P(&op)), 0);
	CHECK_EQ(shared_info->wc.sec, 1999999999);
	op.u.settime64.mbz = 1;
	CHECK_EQ(HYPERVISOR_platform_op(P(&op)), -EINVAL);
	op.u.settime64.mbz = 0;
	op.u.settime64.nsecs = 1000000000;
	if (on_parapet())
		CHECK_EQ(HYPERVISOR_platform_op(P(&op)), -EINVAL);
}

/* ---- timers ---------------------------------------------------------------------- */

static void a_singleshot_timer_is_not_early(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		uint32_t before = event_count[timer];
		uint64_t at = system_time() + i * 2 * MS;
		uint64_t rang;

		CHECK_EQ(singleshot(at, 0), 0);
		rang = wait_for_ring(before);
		CHECKF(rang >= at, "%lu us early", (at - rang) / 1000);
		CHECK_EQ(event_count[timer], before + 1);
	}
}

static void a_past_time_rings_at_once(void)
{
	uint32_t before = event_count[timer];

	CHECK_EQ(singleshot(1, 0), 0);
	CHECK(wait_for_ring(before) != 0);
	if (!on_parapet())
		return; /* others know no such flag */
	CHECK_EQ(singleshot(1, VCPU_SSHOTTMR_future), -ETIME);
	CHECK_EQ(singleshot(system_time() + 1000000 * MS, VCPU_SSHOTTMR_future),
		 0);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	CHECK_EQ(event_count[timer], before + 1);
}

enum undo {
	STOPPED,
	SET_LATER,
	SET_OLD_CALL
};

/* Set for soon, and undone before: false if that took until then. */
static bool set_and_undo(enum undo how)
{
	uint64_t at = system_time() + 10 * MS;

	CHECK_EQ(singleshot(at, 0), 0);
	if (how == STOPPED)
		CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0),
			 0);
	else if (how == SET_LATER)
		CHECK_EQ(singleshot(at + 10000000 * MS, 0), 0);
	else
		CHECK_EQ(HYPERVISOR_set_timer_op(0), 0);
	return system_time() < at;
}

static void does_not_ring(enum undo how)
{
	uint64_t until = system_time() + LATE;
	uint32_t before;
	bool undone;

	do {
		before = event_count[timer];
		undone = set_and_undo(how);
	} while (!undone && system_time() < until);
	CHECK(undone);
	spin_ms(30);
	CHECK_EQ(event_count[timer], before);
}

static void a_stopped_timer_does_not_ring(void)
{
	does_not_ring(STOPPED);
	/* The last setting counts. */
	does_not_ring(SET_LATER);
	CHECK_EQ(singleshot(~0ul, 0), 0);
	CHECK_EQ(singleshot(1ul << 63, 0), 0);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	HYPERVISOR_xen_version(XENVER_version, 0);
}

static void a_singleshot_timer_is_the_callers_own(void)
{
	struct pv_vcpu_set_singleshot_timer t = {.timeout_abs_ns = 1};

	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 1, P(&t)),
		 -EINVAL);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0),
		 -EINVAL);
}

static void a_periodic_timer_rings_again_and_again(void)
{
	uint32_t before = event_count[timer], rings;
	uint64_t start = system_time();

	CHECK_EQ(periodic(MS / 2), -EINVAL);
	CHECK_EQ(periodic(~0ul), -EINVAL);
	CHECK_EQ(periodic(5 * MS), 0);
	while (event_count[timer] - before < 10 && system_time() < start + LATE)
		cpu_pause();
	rings = event_count[timer] - before;
	CHECKF(rings >= 10, "%u", rings);
	CHECK(system_time() - start >= 9 * 5 * MS);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, 0, 0), 0);
	before = event_count[timer];
	spin_ms(30);
	CHECK(event_count[timer] - before <= 1);
}

static void the_old_timer_call_works(void)
{
	uint32_t before = event_count[timer];
	uint64_t at = system_time() + 5 * MS;

	CHECK_EQ(HYPERVISOR_set_timer_op(at), 0);
	CHECK(wait_for_ring(before) >= at);
	CHECK_EQ(event_count[timer], before + 1);
	does_not_ring(SET_OLD_CALL);
}

/* ---- areas ------------------------------------------------------------------------- */

static void a_clock_page_for_users_is_kept(void)
{
	volatile struct pv_vcpu_time_info *copy = page_alloc();
	struct pv_vcpu_register_time_memory_area r = {P(copy)};

	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0,
				    P(&r)),
		 0);
	CHECK(copy->tsc_to_system_mul != 0);
	CHECK_EQ(copy->version & 1, 0);
	for_each_hostile(h)
	{
		r.addr = h->va;
		/* Others find out when they use it. */
		if (h->va && on_parapet())
			CHECKF(HYPERVISOR_vcpu_op(
				       VCPUOP_register_vcpu_time_memory_area, 0,
				       P(&r)) < 0,
			       "%s", h->name);
	}
	r.addr = 0;
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0,
				    P(&r)),
		 0);
}

static void runstates_add_up(void)
{
	volatile struct pv_vcpu_runstate_info *area = page_alloc();
	struct pv_vcpu_register_runstate_memory_area r = {P(area)};
	struct pv_vcpu_runstate_info info;
	uint64_t start = system_time(), sum;

	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_register_runstate_memory_area, 0,
				    P(&r)),
		 0);
	CHECK_EQ(area->state, RUNSTATE_running);
	CHECK_EQ(singleshot(start + 20 * MS, 0), 0);
	events_mask();
	HYPERVISOR_sched_op(SCHEDOP_block, 0, 0);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, 0, P(&info)), 0);
	CHECK_EQ(info.state, RUNSTATE_running);
	CHECK_EQ(area->state, RUNSTATE_running);
	CHECK(info.time[RUNSTATE_blocked] >= 10 * MS);
	CHECK(area->time[RUNSTATE_blocked] >= 10 * MS);
	sum = info.time[0] + info.time[1] + info.time[2] + info.time[3];
	CHECK(sum >= 20 * MS && sum <= system_time() + MS);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, 2, P(&info)), 0);
	CHECK_EQ(info.state, RUNSTATE_offline);
	for_each_hostile(h)
	{
		long rc;

		r.addr = h->va;
		if (!h->va)
			continue;
		rc = HYPERVISOR_vcpu_op(VCPUOP_register_runstate_memory_area, 0,
					P(&r));
		/* Others find out when they use it. */
		if (on_parapet())
			CHECKF(rc < 0, "%s", h->name);
	}
	r.addr = P(area);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_register_runstate_memory_area, 0,
				    P(&r)),
		 0);
}

static void bind_the_timer(void)
{
	timer = bind_virq(VIRQ_TIMER, 0);
	events_unmask();
	CHECK(timer != 0);
}

RUN("smp=1 vcpus=3");

const struct test tests[] = {
	{"the timer's virtual interrupt is bound", bind_the_timer},
	{"the clock never runs backwards", the_clock_never_runs_backwards},
	{"the clock runs as fast as others", the_clock_runs_as_fast_as_others},
	{"the wall clock tells a date", the_wall_clock_tells_a_date},
	{"the wall clock is set", the_wall_clock_is_set},
	{"a single-shot timer is never early", a_singleshot_timer_is_not_early},
	{"a past time rings at once", a_past_time_rings_at_once},
	{"a stopped timer does not ring", a_stopped_timer_does_not_ring},
	{"a single-shot timer is the caller's own",
	 a_singleshot_timer_is_the_callers_own},
	{"a periodic timer rings again and again",
	 a_periodic_timer_rings_again_and_again},
	{"the old timer call works", the_old_timer_call_works},
	{"a clock page for user code is kept", a_clock_page_for_users_is_kept},
	{"runstates add up", runstates_add_up},
	{"the clock page is consistent, and nobody trusts it",
	 the_clock_page_is_consistent},
	{},
};
