/* SPDX-License-Identifier: MIT */
/*
 * Event channels in the 2-level format: how ports are made, connected, moved
 * and closed, what is pending when, and when the kernel is called.
 */
#include "tests/guest/lib/guest.h"

static struct pv_evtchn_status status_of(evtchn_port_t port)
{
	struct pv_evtchn_status s = {.dom = DOMID_SELF, .port = port};

	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_status, P(&s)), 0);
	return s;
}

static evtchn_port_t alloc_unbound(domid_t remote)
{
	struct pv_evtchn_alloc_unbound a = {.dom = DOMID_SELF,
					    .remote_dom = remote};

	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, P(&a)), 0);
	return a.port;
}

static long bind_interdomain(domid_t dom, evtchn_port_t remote,
			     evtchn_port_t *local)
{
	struct pv_evtchn_bind_interdomain b = {.remote_dom = dom,
					       .remote_port = remote};
	long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, P(&b));

	*local = b.local_port;
	return rc;
}

static bool raw_pending(evtchn_port_t port)
{
	return shared_info->evtchn_pending[port / 64] >> port % 64 & 1;
}

static void set_port_mask(evtchn_port_t port, bool masked)
{
	uint64_t *word = &shared_info->evtchn_mask[port / 64];
	uint64_t bit = 1ul << port % 64;

	if (masked)
		__atomic_or_fetch(word, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(word, ~bit, __ATOMIC_SEQ_CST);
}

/* ---- making and connecting ---------------------------------------------------- */

static void ports_connect_within_a_domain(void)
{
	evtchn_port_t a = alloc_unbound(DOMID_SELF), b;
	struct pv_evtchn_status s = status_of(a);

	CHECK(a != 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(bind_interdomain(DOMID_SELF, a, &b), 0);
	CHECK(a != b && b != 0);
	s = status_of(a);
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.port, b);
	/* The new end is pending at once, so that nothing is missed. */
	CHECK(port_pending(b));
	CHECK(!port_pending(a));
	CHECK_EQ(port_send(b), 0);
	CHECK(port_pending(a));
	CHECK(!port_pending(b));
	/* A second bind finds it taken. */
	CHECK_EQ(bind_interdomain(DOMID_SELF, a, &b), -EINVAL);
	b = s.u.interdomain.port;
	CHECK_EQ(port_close(b), 0);
	CHECK_EQ(status_of(a).status, EVTCHNSTAT_unbound);
	CHECK_EQ(status_of(b).status, EVTCHNSTAT_closed);
	/* Sending nowhere is no error. */
	CHECK_EQ(port_send(a), 0);
	CHECK_EQ(port_close(a), 0);
	CHECK_EQ(port_close(a), -EINVAL);
	CHECK_EQ(port_send(a), -EINVAL);
}

static void wrong_ports_are_refused(void)
{
	static const evtchn_port_t ports[] = {0,     4095,       4096,
					      65536, 0x7fffffff, ~0u};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		struct pv_evtchn_unmask u = {ports[i]};
		struct pv_evtchn_bind_vcpu v = {ports[i], 0};
		evtchn_port_t local;

		CHECKF(port_send(ports[i]) < 0, "%#x", ports[i]);
		CHECKF(port_close(ports[i]) < 0, "%#x", ports[i]);
		CHECKF(bind_interdomain(DOMID_SELF, ports[i], &local) < 0,
		       "%#x", ports[i]);
		CHECKF(HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, P(&v)) <
			       0,
		       "%#x", ports[i]);
		/* Others unmask any port below the limit. */
		if (on_parapet() || ports[i] > 4096)
			CHECKF(HYPERVISOR_event_channel_op(EVTCHNOP_unmask,
							   P(&u)) < 0,
			       "%#x", ports[i]);
	}
}

static void a_port_for_another_is_not_ours(void)
{
	evtchn_port_t a = alloc_unbound(7), b;

	CHECK_EQ(status_of(a).u.unbound.dom, 7);
	CHECK_EQ(bind_interdomain(DOMID_SELF, a, &b), -EINVAL);
	CHECK_EQ(port_close(a), 0);
}

static void virqs_are_bound_once(void)
{
	struct pv_evtchn_bind_virq b = {.virq = VIRQ_TIMER};
	evtchn_port_t port = bind_virq(VIRQ_TIMER, 0);

	CHECK_EQ(status_of(port).status, EVTCHNSTAT_virq);
	CHECK_EQ(status_of(port).u.virq, VIRQ_TIMER);
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&b)),
		 -EEXIST);
	CHECK_EQ(port_send(port), -EINVAL);
	b.vcpu = 31;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&b)),
		 -ENOENT);
	b.vcpu = 0;
	b.virq = NR_VIRQS;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&b)),
		 -EINVAL);
	b.virq = ~0u;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&b)),
		 -EINVAL);
	/* Global ones belong to vcpu 0. */
	b.virq = VIRQ_DOM_EXC;
	b.vcpu = 1;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&b)),
		 -EINVAL);
	CHECK_EQ(port_close(port), 0);
	port = bind_virq(VIRQ_TIMER, 0);
	CHECK_EQ(port_close(port), 0);
}

static void ipis_need_a_vcpu(void)
{
	struct pv_evtchn_bind_ipi b = {.vcpu = 31};

	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, P(&b)),
		 -ENOENT);
	b.vcpu = ~0u;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, P(&b)),
		 -ENOENT);
}

static void ports_move_between_vcpus(void)
{
	evtchn_port_t a = alloc_unbound(DOMID_SELF), ipi = bind_ipi(0);
	struct pv_evtchn_bind_vcpu b = {.port = a, .vcpu = 1};

	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, P(&b)), 0);
	CHECK_EQ(status_of(a).vcpu, 1);
	b.vcpu = 31;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, P(&b)),
		 -ENOENT);
	b = (struct pv_evtchn_bind_vcpu){.port = ipi, .vcpu = 1};
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, P(&b)),
		 -EINVAL);
	CHECK_EQ(port_close(a), 0);
	CHECK_EQ(port_close(ipi), 0);
}

/* ---- delivery ---------------------------------------------------------------- */

static void an_upcall_comes_when_nothing_masks_it(void)
{
	evtchn_port_t port = bind_ipi(0);
	struct pv_vcpu_info *info = vcpu_info();
	uint32_t before = event_count[port];

	events_mask();
	CHECK_EQ(port_send(port), 0);
	CHECK(raw_pending(port));
	CHECK_EQ(info->evtchn_upcall_pending, 1);
	CHECK(info->evtchn_pending_sel >> port / 64 & 1);
	CHECK_EQ(event_count[port], before);
	events_unmask();
	CHECK_EQ(event_count[port], before + 1);
	CHECK_EQ(info->evtchn_upcall_pending, 0);
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(event_count[port], before + 2);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static void a_masked_port_waits(void)
{
	evtchn_port_t port = bind_ipi(0);
	uint32_t before = event_count[port];

	events_unmask();
	set_port_mask(port, true);
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(port_send(port), 0);
	CHECK(raw_pending(port));
	CHECK_EQ(event_count[port], before);
	port_unmask(port);
	CHECK_EQ(event_count[port], before + 1);
	/* Unmasking by hand does not look back. */
	set_port_mask(port, true);
	CHECK_EQ(port_send(port), 0);
	set_port_mask(port, false);
	HYPERVISOR_xen_version(XENVER_version, 0);
	CHECK_EQ(event_count[port], before + 1);
	set_port_mask(port, true);
	port_unmask(port);
	CHECK_EQ(event_count[port], before + 2);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static unsigned int nested_masks, upcalls;

static bool look_at_mask(struct frame *f)
{
	if (f->vector != ENTRY_EVENT)
		return false;
	upcalls++;
	nested_masks += vcpu_info()->evtchn_upcall_mask;
	return false;
}

static void upcalls_start_masked_and_unmask_at_iret(void)
{
	evtchn_port_t port = bind_ipi(0);

	upcalls = nested_masks = 0;
	this_vcpu()->hook = look_at_mask;
	events_unmask();
	CHECK_EQ(port_send(port), 0);
	this_vcpu()->hook = NULL;
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(nested_masks, 1);
	CHECK_EQ(vcpu_info()->evtchn_upcall_mask, 0);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static evtchn_port_t again;
static unsigned int resent;

static bool resend(struct frame *f)
{
	if (f->vector == ENTRY_EVENT && resent < 20) {
		resent++;
		port_pending(again);
		port_send(again);
	}
	return false;
}

static void events_sent_during_an_upcall_are_not_lost(void)
{
	uint32_t before;

	again = bind_ipi(0);
	before = event_count[again];
	resent = 0;
	this_vcpu()->hook = resend;
	events_unmask();
	CHECK_EQ(port_send(again), 0);
	while (raw_pending(again))
		HYPERVISOR_xen_version(XENVER_version, 0);
	this_vcpu()->hook = NULL;
	CHECK(event_count[again] > before);
	CHECK(!raw_pending(again));
	events_mask();
	CHECK_EQ(port_close(again), 0);
}

CODE(spin, "1: incq %rax\n cmpq %rdi, %rax\n jb 1b\n syscall\n");

static void upcalls_interrupt_user_code(void)
{
	struct pv_vcpu_set_singleshot_timer t = {.flags = 0};
	evtchn_port_t port = bind_virq(VIRQ_TIMER, 0);
	uint32_t before = event_count[port];
	struct frame f = user_frame();

	user_init();
	user_load(spin);
	f.rdi = 200000000;
	t.timeout_abs_ns = system_time() + 5000000;
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 0, P(&t)), 0);
	user_run(&f);
	CHECK_EQ(f.vector, ENTRY_SYSCALL);
	CHECK_EQ(event_count[port], before + 1);
	CHECK_EQ(f.rax, 200000000);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static void pending_events_come_with_iret(void)
{
	evtchn_port_t port = bind_ipi(0);
	uint32_t before = event_count[port];
	struct frame f;

	CODE(code, "syscall\n");
	events_mask();
	CHECK_EQ(port_send(port), 0);
	/* Into user code with events on: taken before its first instruction. */
	f = user_call(code, 0, 0, 0);
	CHECK_EQ(f.vector, ENTRY_SYSCALL);
	CHECK_EQ(event_count[port], before + 1);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

/* ---- waiting ------------------------------------------------------------------ */

static long poll(evtchn_port_t *ports, unsigned int n, uint64_t timeout)
{
	struct pv_sched_poll p = {
		.ports = P(ports), .nr_ports = n, .timeout = timeout};

	return HYPERVISOR_sched_op(SCHEDOP_poll, P(&p), 0);
}

static void polls_end_by_port_or_time(void)
{
	evtchn_port_t port = bind_ipi(0), bad = 4095;
	uint64_t start;

	events_mask();
	set_port_mask(port, true);
	CHECK_EQ(port_send(port), 0);
	start = system_time();
	CHECK_EQ(poll(&port, 1, start + 2000000000), 0);
	CHECK(system_time() - start < 1000000000);
	CHECK(port_pending(port));
	start = system_time();
	CHECK_EQ(poll(&port, 1, start + 20000000), 0);
	CHECK(system_time() - start >= 19000000);
	CHECK_EQ(poll(&port, 1, 1), 0); /* past */
	CHECK_EQ(poll(NULL, 0, system_time() + 1000000), 0);
	CHECK(poll(&port, PV_SCHED_POLL_MAX + 1, 1) < 0);
	CHECK(poll(&port, ~0u, 1) < 0);
	CHECK(poll((evtchn_port_t *)HYPERVISOR_VIRT_START, 2, 1) < 0);
	bad = 4096 * 64;
	CHECK_EQ(poll(&bad, 1, 1), -EINVAL);
	CHECK_EQ(port_close(port), 0);
}

static void blocking_ends_by_an_event(void)
{
	evtchn_port_t port = bind_virq(VIRQ_TIMER, 0);
	struct pv_vcpu_set_singleshot_timer t = {.flags = 0};
	uint32_t before = event_count[port];
	uint64_t start = system_time();

	events_mask();
	t.timeout_abs_ns = start + 20000000;
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 0, P(&t)), 0);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_block, 0, 0), 0);
	CHECK_EQ(vcpu_info()->evtchn_upcall_mask, 0);
	CHECK_EQ(event_count[port], before + 1);
	CHECK(system_time() - start >= 19000000);
	/* With one pending it does not wait at all. */
	events_mask();
	t.timeout_abs_ns = 1;
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 0, P(&t)), 0);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_block, 0, 0), 0);
	CHECK_EQ(event_count[port], before + 2);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

/* ---- limits -------------------------------------------------------------------- */

static void ports_run_out(void)
{
	struct pv_evtchn_bind_ipi b = {.vcpu = 0};
	unsigned int n = 0;
	evtchn_port_t port, last = 0;
	long rc;

	while (!(rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, P(&b)))) {
		last = b.port;
		n++;
	}
	CHECK_EQ(rc, -ENOSPC);
	CHECKF(n > 4000 && n < EVTCHN_2L_NR_CHANNELS, "%u", n);
	CHECK_EQ(last, EVTCHN_2L_NR_CHANNELS - 1);
	/* The last of them works. */
	events_unmask();
	CHECK_EQ(port_send(last), 0);
	CHECK_EQ(event_count[last], 1);
	events_mask();
	for (port = 1; port < EVTCHN_2L_NR_CHANNELS; port++)
		n -= port_close(port) == 0;
	CHECK_EQ((int)n <= 0, true);
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, P(&b)), 0);
	CHECK_EQ(port_close(b.port), 0);
}

/* A guest may write anything into its own bits. */
static void scribbled_bits_do_no_harm(void)
{
	evtchn_port_t port = bind_ipi(0);

	events_mask();
	memset(shared_info->evtchn_pending, 0xff, 512);
	memset(shared_info->evtchn_mask, 0x55, 512);
	vcpu_info()->evtchn_pending_sel = ~0ul;
	vcpu_info()->evtchn_upcall_pending = 0xff;
	CHECK_EQ(port_send(port), 0);
	memset(shared_info->evtchn_pending, 0, 512);
	memset(shared_info->evtchn_mask, 0, 512);
	vcpu_info()->evtchn_pending_sel = 0;
	vcpu_info()->evtchn_upcall_pending = 0;
	events_unmask();
	CHECK_EQ(port_send(port), 0);
	CHECK(event_count[port] > 0);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

/* ---- across vcpus ----------------------------------------------------------------- */

static evtchn_port_t to_first, to_second;
static volatile uint32_t ready;

static void answer(void *arg)
{
	uint32_t sent;

	to_second = bind_ipi(1);
	event_count[to_second] = 0;
	__atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
	for (sent = 0; sent < 100; sent++) {
		/* Look with events masked: blocking unmasks them. */
		for (events_mask(); event_count[to_second] == sent;
		     events_mask())
			HYPERVISOR_sched_op(SCHEDOP_block, 0, 0);
		port_send(to_first);
	}
	(void)arg;
}

static void vcpus_send_each_other_events(void)
{
	unsigned int i;

	to_first = bind_ipi(0);
	ready = 0;
	CHECK_EQ(vcpu_run(1, answer, NULL), 0);
	CHECK(wait_change(&ready, 0, 5000));
	events_unmask();
	for (i = 0; i < 100; i++) {
		uint32_t seen = event_count[to_first];

		CHECK_EQ(port_send(to_second), 0);
		if (!CHECKF(wait_change(&event_count[to_first], seen, 5000),
			    "round %u", i))
			break;
	}
	CHECK(vcpu_wait_down(1, 5000));
	events_mask();
	CHECK_EQ(port_close(to_first), 0);
	CHECK_EQ(port_close(to_second), 0);
}

RUN("smp=2 vcpus=2");

const struct test tests[] = {
	{"ports connect within a domain", ports_connect_within_a_domain},
	{"ports that are not open are refused", wrong_ports_are_refused},
	{"a port for another domain is not ours",
	 a_port_for_another_is_not_ours},
	{"a virtual interrupt is bound once", virqs_are_bound_once},
	{"an IPI needs a vcpu", ipis_need_a_vcpu},
	{"ports move between vcpus", ports_move_between_vcpus},
	{"an upcall comes when nothing masks it",
	 an_upcall_comes_when_nothing_masks_it},
	{"a masked port waits", a_masked_port_waits},
	{"upcalls start masked and unmask at iret",
	 upcalls_start_masked_and_unmask_at_iret},
	{"events sent during an upcall are not lost",
	 events_sent_during_an_upcall_are_not_lost},
	{"upcalls interrupt user code", upcalls_interrupt_user_code},
	{"pending events come with iret", pending_events_come_with_iret},
	{"polls end by port or by time", polls_end_by_port_or_time},
	{"blocking ends by an event", blocking_ends_by_an_event},
	{"ports run out and come back", ports_run_out},
	{"scribbled bits do no harm", scribbled_bits_do_no_harm},
	{"vcpus send each other events", vcpus_send_each_other_events},
	{},
};
