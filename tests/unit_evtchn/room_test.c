/* SPDX-License-Identifier: MIT */
/*
 * The event-channel room as a guest sees it: hypercalls in, bits and wakes
 * out.  The random walk against a model is in model_test.c.
 */
#include "tests/unit_evtchn/room.h"

#include "hv/lib/string.h"

/* ---- 2-level delivery ------------------------------------------------------- */
static void an_ipi_sets_all_three_levels_and_wakes_once(void **state)
{
	struct room *r = *state;
	uint32_t port = bind_ipi(r->d[1], 1);
	struct pv_vcpu_info *info = r->d[1]->vcpu[1]->info;

	assert_int_equal(evtchn_send(r->d[1], port), 0);
	assert_true(pending_2l(r->d[1], port));
	assert_int_equal(info->evtchn_pending_sel, 1);
	assert_int_equal(info->evtchn_upcall_pending, 1);
	assert_int_equal(evtchn_send(r->d[1], port), 0);
	assert_int_equal(host_wakes[1][1], 1);
	assert_int_equal(host_wakes[1][0], 0);
	assert_true(evtchn_pending(r->d[1]->vcpu[1]));
	info->evtchn_upcall_mask = 1;
	assert_false(evtchn_pending(r->d[1]->vcpu[1]));
}

static void a_masked_port_is_told_at_the_unmask(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	uint32_t port = bind_ipi(d, 0);
	struct pv_evtchn_unmask op = {.port = port};

	d->shared_info->evtchn_mask[0] |= 1ull << port;
	assert_int_equal(evtchn_send(d, port), 0);
	assert_true(pending_2l(d, port));
	assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 0);
	assert_int_equal(call(d, EVTCHNOP_unmask, &op), 0);
	assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 1);
	assert_int_equal(d->shared_info->evtchn_mask[0], 0);
}

static void a_port_that_moves_takes_what_waits_along(void **state)
{
	struct room *r = *state;
	struct pair p = connect_pair(r->d[1], r->d[2]);
	struct pv_evtchn_bind_vcpu op = {.port = p.port[1], .vcpu = 1};

	assert_int_equal(evtchn_send(r->d[1], p.port[0]), 0);
	assert_int_equal(r->d[2]->vcpu[1]->info->evtchn_upcall_pending, 0);
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_vcpu, &op), 0);
	assert_int_equal(r->d[2]->vcpu[1]->info->evtchn_upcall_pending, 1);
}

/* ---- bindings --------------------------------------------------------------- */
static void what_was_sent_before_the_bind_is_found_after_it(void **state)
{
	struct room *r = *state;
	uint32_t port = alloc_unbound(r->d[1], 2);
	struct pv_evtchn_bind_interdomain op = {.remote_dom = 1,
						.remote_port = port};

	assert_int_equal(evtchn_send(r->d[1], port), 0);
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_interdomain, &op), 0);
	assert_true(pending_2l(r->d[2], op.local_port));
	assert_int_equal(status(r->d[1], port).u.interdomain.port,
			 op.local_port);
	assert_int_equal(status(r->d[1], port).u.interdomain.dom, 2);
}

static void only_the_invited_domain_may_bind(void **state)
{
	struct room *r = *state;
	uint32_t port = alloc_unbound(r->d[1], 2);
	struct pv_evtchn_bind_interdomain op = {.remote_dom = 1,
						.remote_port = port};

	assert_int_equal(call(r->d[0], EVTCHNOP_bind_interdomain, &op),
			 -EINVAL);
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_interdomain, &op), 0);
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_interdomain, &op),
			 -EINVAL);
}

static void a_closed_end_leaves_the_other_open_for_a_new_one(void **state)
{
	struct room *r = *state;
	struct pair p = connect_pair(r->d[1], r->d[2]);
	struct pv_evtchn_bind_interdomain op = {.remote_dom = 1,
						.remote_port = p.port[0]};

	assert_int_equal(evtchn_close(r->d[2], p.port[1]), 0);
	assert_int_equal(status(r->d[2], p.port[1]).status, EVTCHNSTAT_closed);
	assert_int_equal(status(r->d[1], p.port[0]).status, EVTCHNSTAT_unbound);
	assert_int_equal(status(r->d[1], p.port[0]).u.unbound.dom, 2);
	assert_int_equal(evtchn_send(r->d[1], p.port[0]), 0);
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_interdomain, &op), 0);
	assert_int_equal(op.local_port, p.port[1]);
}

static void a_freed_port_comes_back_without_its_past(void **state)
{
	struct room *r = *state;
	uint32_t port = bind_ipi(r->d[1], 1);

	assert_int_equal(evtchn_send(r->d[1], port), 0);
	assert_int_equal(evtchn_close(r->d[1], port), 0);
	assert_false(pending_2l(r->d[1], port));
	assert_int_equal(alloc_unbound(r->d[1], 2), port);
	assert_int_equal(status(r->d[1], port).vcpu, 0);
}

static void a_domain_may_talk_to_itself(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	struct pair p = connect_pair(d, d);

	clear_events(d);
	assert_int_equal(evtchn_send(d, p.port[0]), 0);
	assert_true(pending_2l(d, p.port[1]));
	assert_false(pending_2l(d, p.port[0]));
	assert_int_equal(evtchn_close(d, p.port[0]), 0);
	assert_int_equal(evtchn_close(d, p.port[1]), 0);
}

/* ---- interrupts -------------------------------------------------------------- */
static void a_virq_of_a_vcpu_is_its_own(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	struct pv_evtchn_bind_virq op = {.virq = VIRQ_TIMER, .vcpu = 1};
	struct pv_evtchn_bind_virq again = op;

	assert_int_equal(call(d, EVTCHNOP_bind_virq, &op), 0);
	evtchn_send_virq(d->vcpu[0], VIRQ_TIMER);
	assert_false(pending_2l(d, op.port));
	evtchn_send_virq(d->vcpu[1], VIRQ_TIMER);
	assert_true(pending_2l(d, op.port));
	assert_int_equal(host_wakes[1][1], 1);
	assert_int_equal(call(d, EVTCHNOP_bind_virq, &again), -EEXIST);
	assert_int_equal(evtchn_close(d, op.port), 0);
	assert_int_equal(call(d, EVTCHNOP_bind_virq, &again), 0);
	assert_int_equal(again.port, op.port);
}

static void a_global_virq_follows_its_port(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[0];
	struct pv_evtchn_bind_virq op = {.virq = VIRQ_DOM_EXC};
	struct pv_evtchn_bind_vcpu move = {.vcpu = 1};

	assert_int_equal(call(d, EVTCHNOP_bind_virq, &op), 0);
	move.port = op.port;
	assert_int_equal(call(d, EVTCHNOP_bind_vcpu, &move), 0);
	evtchn_send_global_virq(d, VIRQ_DOM_EXC);
	assert_true(pending_2l(d, op.port));
	assert_int_equal(host_wakes[0][1], 1);
	assert_int_equal(evtchn_close(d, op.port), 0);
	evtchn_send_global_virq(d, VIRQ_DOM_EXC);
	assert_false(pending_2l(d, op.port));
}

static struct {
	int refuse;
	bool fire;
	uint32_t pirq, port, bound, unbound, rebound;
} irq;

static int fake_bind(struct domain *d, uint32_t pirq, uint32_t port, bool share)
{
	assert_true(share);
	irq.pirq = pirq;
	irq.port = port;
	if (irq.refuse)
		return irq.refuse;
	irq.bound++;
	if (irq.fire)
		evtchn_send_port(d, port);
	return 0;
}

static void fake_unbind(struct domain *d, uint32_t pirq)
{
	(void)d;
	assert_int_equal(pirq, irq.pirq);
	irq.unbound++;
}

static void fake_rebind(struct domain *d, uint32_t pirq, struct vcpu *v)
{
	(void)d;
	assert_int_equal(pirq, irq.pirq);
	irq.rebound = v->id;
}

static const struct pirq_ops fake_irq = {fake_bind, fake_unbind, fake_rebind};

static void a_pirq_that_fires_while_it_is_bound_is_not_lost(void **state)
{
	struct room *r = *state;
	struct pv_evtchn_bind_pirq op = {.pirq = 17,
					 .flags = BIND_PIRQ__WILL_SHARE};
	struct pv_evtchn_bind_vcpu move = {.vcpu = 1};

	memset(&irq, 0, sizeof(irq));
	irq.fire = true;
	pirq_ops = &fake_irq;
	assert_int_equal(call(r->d[0], EVTCHNOP_bind_pirq, &op), 0);
	assert_int_equal(irq.port, op.port);
	assert_true(pending_2l(r->d[0], op.port));
	assert_int_equal(evtchn_send(r->d[0], op.port), -EINVAL);
	move.port = op.port;
	assert_int_equal(call(r->d[0], EVTCHNOP_bind_vcpu, &move), 0);
	assert_int_equal(irq.rebound, 1);
	assert_int_equal(evtchn_close(r->d[0], op.port), 0);
	assert_int_equal(irq.unbound, 1);
	evtchn_send_port(r->d[0], op.port);
	assert_false(pending_2l(r->d[0], op.port));
	pirq_ops = NULL;
}

static void a_refused_pirq_leaves_no_port(void **state)
{
	struct room *r = *state;
	struct pv_evtchn_bind_pirq op = {.pirq = 17,
					 .flags = BIND_PIRQ__WILL_SHARE};

	assert_int_equal(call(r->d[1], EVTCHNOP_bind_pirq, &op), -EPERM);
	assert_int_equal(call(r->d[0], EVTCHNOP_bind_pirq, &op), -EINVAL);
	memset(&irq, 0, sizeof(irq));
	irq.refuse = -EBUSY;
	pirq_ops = &fake_irq;
	assert_int_equal(call(r->d[0], EVTCHNOP_bind_pirq, &op), -EBUSY);
	assert_int_equal(open_ports(r->d[0]), 0);
	assert_int_equal(alloc_unbound(r->d[0], 1), irq.port);
	pirq_ops = NULL;
}

/* ---- refusals ----------------------------------------------------------------- */
static void bad_arguments_change_nothing(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	uint32_t ipi = bind_ipi(d, 0);
	union {
		struct pv_evtchn_bind_interdomain inter;
		struct pv_evtchn_bind_virq virq;
		struct pv_evtchn_alloc_unbound alloc;
		struct pv_evtchn_bind_vcpu vcpu;
		struct pv_evtchn_init_control control;
		struct pv_evtchn_expand_array array;
		struct pv_evtchn_set_priority priority;
		struct pv_evtchn_status status;
		uint32_t port;
	} op;
	const struct {
		uint32_t cmd;
		long error;
		typeof(op) op;
	} bad[] = {
		{EVTCHNOP_bind_interdomain, -ESRCH, {.inter = {7, 0, 1}}},
		{EVTCHNOP_bind_interdomain, -EINVAL, {.inter = {2, 0, 1}}},
		{EVTCHNOP_bind_interdomain,
		 -EINVAL,
		 {.inter = {2, 0, 1u << 31}}},
		{EVTCHNOP_bind_virq, -EINVAL, {.virq = {NR_VIRQS, 0}}},
		{EVTCHNOP_bind_virq, -ENOENT, {.virq = {VIRQ_TIMER, 2}}},
		{EVTCHNOP_bind_virq, -EINVAL, {.virq = {VIRQ_CONSOLE, 1}}},
		{EVTCHNOP_bind_ipi, -ENOENT, {.port = 2}},
		{EVTCHNOP_alloc_unbound, -EPERM, {.alloc = {2, 0}}},
		{EVTCHNOP_status, -EPERM, {.status = {.dom = 2}}},
		{EVTCHNOP_status,
		 -EINVAL,
		 {.status = {.dom = DOMID_SELF, .port = 1u << 20}}},
		{EVTCHNOP_close, -EINVAL, {.port = 0}},
		{EVTCHNOP_close, -EINVAL, {.port = 5}},
		{EVTCHNOP_close, -EINVAL, {.port = UINT32_MAX}},
		{EVTCHNOP_send, -EINVAL, {.port = 0}},
		{EVTCHNOP_send, -EINVAL, {.port = 4096}},
		{EVTCHNOP_unmask, -EINVAL, {.port = 77}},
		{EVTCHNOP_bind_vcpu, -EINVAL, {.vcpu = {ipi, 1}}},
		{EVTCHNOP_bind_vcpu, -EINVAL, {.vcpu = {9, 1}}},
		{EVTCHNOP_bind_vcpu, -ENOENT, {.vcpu = {ipi, 2}}},
		{EVTCHNOP_reset, -EPERM, {.port = 2}},
		{EVTCHNOP_init_control, -EINVAL, {.control = {8, 4, 0}}},
		{EVTCHNOP_init_control, -EINVAL, {.control = {8, 4032, 0}}},
		{EVTCHNOP_init_control, -ENOENT, {.control = {8, 0, 2}}},
		{EVTCHNOP_init_control, -EINVAL, {.control = {0, 0, 0}}},
		{EVTCHNOP_expand_array, -EINVAL, {.array = {8}}},
		{EVTCHNOP_set_priority, -ENOSYS, {.priority = {ipi, 3}}},
		{14, -ENOSYS, {.port = 0}},
		{UINT32_MAX, -ENOSYS, {.port = 0}},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		op = bad[i].op;
		assert_int_equal(call(d, bad[i].cmd, &op), bad[i].error);
		assert_int_equal(open_ports(d), 1);
		assert_int_equal(call(d, bad[i].cmd, NULL),
				 bad[i].cmd > EVTCHNOP_set_priority ? -ENOSYS
								    : -EFAULT);
	}
	for (unsigned int i = 0; i < HOST_FRAMES; i++)
		assert_int_equal(host_frames[i].refs, 0);
}

static void a_result_that_cannot_be_written_makes_no_port(void **state)
{
	struct room *r = *state;
	struct pv_evtchn_alloc_unbound alloc = {DOMID_SELF, 2, 0};
	struct pv_evtchn_bind_ipi ipi = {0, 0};
	uint32_t port = alloc_unbound(r->d[2], 1);
	struct pv_evtchn_bind_interdomain inter = {.remote_dom = 2,
						   .remote_port = port};
	/* Readable as a whole once; the write of the port alone fails. */
	struct {
		uint32_t cmd;
		void *op;
		uint32_t *out;
	} calls[] = {
		{EVTCHNOP_alloc_unbound, &alloc, &alloc.port},
		{EVTCHNOP_bind_ipi, &ipi, &ipi.port},
		{EVTCHNOP_bind_interdomain, &inter, &inter.local_port},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		host_bad_write = gva(calls[i].out);
		assert_int_equal(call(r->d[1], calls[i].cmd, calls[i].op),
				 -EFAULT);
		host_bad_write = 0;
		assert_int_equal(open_ports(r->d[1]), 0);
	}
	assert_int_equal(status(r->d[2], port).status, EVTCHNSTAT_unbound);
}

static void no_format_names_more_ports_than_it_can(void **state)
{
	struct room *r = *state;

	for (int id = 0; id < 2; id++) {
		struct domain *d = r->d[id];
		struct pv_evtchn_alloc_unbound op = {DOMID_SELF, 2, 0};

		for (uint32_t n = 1; n < EVTCHN_2L_NR_CHANNELS; n++)
			assert_int_equal(alloc_unbound(d, 2), n);
		assert_int_equal(call(d, EVTCHNOP_alloc_unbound, &op), -ENOSPC);
		enter_fifo(d);
		/* Only the control domain may have more, and only so. */
		assert_int_equal(call(d, EVTCHNOP_alloc_unbound, &op),
				 id ? -ENOSPC : 0);
		assert_int_equal(reset(d), 0);
		assert_int_equal(open_ports(d), 0);
		assert_int_equal(alloc_unbound(d, 2), 1);
	}
}

static void a_domain_may_have_fewer_ports(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	struct pv_evtchn_alloc_unbound op = {DOMID_SELF, 2, 0};

	evtchn_limit_ports(d, UINT32_MAX);
	assert_int_equal(d->evtchn->ports.limit, EVTCHN_2L_NR_CHANNELS);
	evtchn_limit_ports(d, 200);
	enter_fifo(d);
	for (uint32_t n = 1; n < 200; n++)
		assert_int_equal(alloc_unbound(d, 2), n);
	assert_int_equal(call(d, EVTCHNOP_alloc_unbound, &op), -ENOSPC);
	assert_int_equal(evtchn_close(d, 150), 0);
	assert_int_equal(alloc_unbound(d, 2), 150);
}

/* ---- FIFO ---------------------------------------------------------------------- */
static void the_switch_to_fifo_carries_events_over(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	uint32_t port = bind_ipi(d, 1), other = bind_ipi(d, 0);
	uint32_t *words = direct_map(mfn_of(9));
	struct pv_evtchn_fifo_control_block *c = direct_map(mfn_of(8));
	struct pv_evtchn_expand_array array = {9};

	assert_int_equal(evtchn_send(d, port), 0);
	enter_fifo(d);
	assert_int_equal(d->shared_info->evtchn_pending[0], 0);
	assert_int_equal(evtchn_send(d, other), 0);
	words[other] = 1u << EVTCHN_FIFO_MASKED;
	assert_int_equal(call(d, EVTCHNOP_expand_array, &array), 0);
	assert_int_equal(words[port] >> EVTCHN_FIFO_LINKED, 5);
	/* vcpu 1 has no control block: the first that has stands in. */
	assert_int_equal(c->head[EVTCHN_FIFO_PRIORITY_DEFAULT], port);
	assert_int_equal(words[other] >> EVTCHN_FIFO_LINKED, 6);
	assert_true(evtchn_port_pending(d, other));
	assert_int_equal(evtchn_port_pending(d, other + 1), -EINVAL);
}

static void priority_is_the_queue(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	uint32_t port = bind_ipi(d, 0);
	struct pv_evtchn_fifo_control_block *c = direct_map(mfn_of(8));
	struct pv_evtchn_expand_array array = {9};
	struct pv_evtchn_set_priority p = {port, 2};

	enter_fifo(d);
	assert_int_equal(call(d, EVTCHNOP_expand_array, &array), 0);
	assert_int_equal(call(d, EVTCHNOP_set_priority, &p), 0);
	assert_int_equal(evtchn_send(d, port), 0);
	assert_int_equal(c->ready, 1 << 2);
	assert_int_equal(c->head[2], port);
	p.priority = 16;
	assert_int_equal(call(d, EVTCHNOP_set_priority, &p), -EINVAL);
	p = (struct pv_evtchn_set_priority){port + 1, 2};
	assert_int_equal(call(d, EVTCHNOP_set_priority, &p), -EINVAL);
}

static void the_array_has_room_for_every_port_and_no_more(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	struct pv_evtchn_expand_array array = {9};
	struct pv_evtchn_init_control again = {.control_gfn = 8};

	enter_fifo(d);
	assert_int_equal(call(d, EVTCHNOP_init_control, &again), -EINVAL);
	for (unsigned int i = 0; i < FIFO_MAX_PAGES; i++)
		assert_int_equal(call(d, EVTCHNOP_expand_array, &array), 0);
	assert_int_equal(host_frames[9].writable, FIFO_MAX_PAGES);
	assert_int_equal(call(d, EVTCHNOP_expand_array, &array), -ENOSPC);
	array.array_gfn = 16; /* another's */
	assert_int_equal(call(d, EVTCHNOP_expand_array, &array), -EINVAL);
	assert_int_equal(reset(d), 0);
	assert_int_equal(host_frames[8].writable, 0);
	assert_int_equal(host_frames[9].writable, 0);
}

/* ---- vcpu_info, polling ---------------------------------------------------------- */
static struct vcpu *mapped;

static void fake_mapped(struct vcpu *v)
{
	mapped = v;
}

static void vcpu_info_moves_once_and_nothing_is_lost(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	struct vcpu *v = d->vcpu[1];
	struct pv_vcpu_info *old = v->info;

	host_run(d, 0);
	assert_int_equal(vcpu_info_register(v, 10, 4), -EINVAL);
	assert_int_equal(vcpu_info_register(v, 10, 4040), -EINVAL);
	assert_int_equal(vcpu_info_register(v, 16, 128), -EINVAL);
	old->arch.cr2 = 42;
	vinfo_mapped = fake_mapped;
	assert_int_equal(vcpu_info_register(v, 10, 128), 0);
	assert_ptr_equal(mapped, v);
	vinfo_mapped = NULL;
	assert_ptr_equal(v->info, (char *)direct_map(mfn_of(10)) + 128);
	assert_int_equal(v->info->arch.cr2, 42);
	assert_int_equal(v->info->evtchn_upcall_pending, 1);
	assert_true(v->info->evtchn_pending_sel == ~0ull);
	assert_int_equal(host_frames[10].writable, 1);
	assert_int_equal(vcpu_info_register(v, 11, 128), -EINVAL);
	evtchn_domain_destroy(d);
	assert_ptr_equal(v->info, old);
}

static void a_poller_is_woken_by_its_ports_alone(void **state)
{
	struct room *r = *state;
	struct domain *d = r->d[1];
	uint32_t port = bind_ipi(d, 0), other = bind_ipi(d, 0);

	d->shared_info->evtchn_mask[0] = ~0ull;
	d->vcpu[1]->poll_mask[0] = 1ull << port;
	d->vcpu[1]->state = VCPU_POLLING;
	assert_int_equal(evtchn_send(d, other), 0);
	assert_int_equal(host_wakes[1][1], 0);
	assert_int_equal(evtchn_send(d, port), 0);
	assert_int_equal(host_wakes[1][1], 1);
	assert_true(evtchn_port_pending(d, port));
}

/* ---- the end of a domain ------------------------------------------------------------ */
static void a_dead_domain_unbinds_and_tells_its_peers(void **state)
{
	struct room *r = *state;
	struct pair p = connect_pair(r->d[2], r->d[1]);
	uint32_t open = alloc_unbound(r->d[1], 2), port;
	struct pv_evtchn_bind_interdomain op = {.remote_dom = 1,
						.remote_port = open};

	clear_events(r->d[2]);
	r->d[1]->dying = true;
	evtchn_domain_destroy(r->d[1]);
	assert_int_equal(status(r->d[2], p.port[0]).status, EVTCHNSTAT_unbound);
	assert_true(pending_2l(r->d[2], p.port[0]));
	assert_int_equal(call(r->d[2], EVTCHNOP_bind_interdomain, &op), -ESRCH);
	assert_int_equal(evtchn_alloc_unbound_for(r->d[1], 0, &port), -ESRCH);
	assert_int_equal(open_ports(r->d[1]), 0);
}

static void the_toolstack_opens_ports_for_a_guest(void **state)
{
	struct room *r = *state;
	struct pv_evtchn_alloc_unbound op = {1, DOMID_SELF, 0};
	uint32_t port;

	assert_int_equal(evtchn_alloc_unbound_for(r->d[1], 0, &port), 0);
	assert_int_equal(status(r->d[1], port).u.unbound.dom, 0);
	assert_int_equal(call(r->d[0], EVTCHNOP_alloc_unbound, &op), 0);
	assert_int_equal(status(r->d[1], op.port).u.unbound.dom, 0);
}

static void every_failed_allocation_unwinds(void **state)
{
	struct domain *d;

	(void)state;
	for (int n = 0; n < 3; n++) {
		d = host_domain(3, 1, false);
		host_heap_countdown = n;
		assert_int_equal(evtchn_domain_init(d), -ENOMEM);
		host_heap_countdown = -1;
		evtchn_domain_destroy(d);
		evtchn_domain_free(d);
		host_domain_free(d);
	}
	d = host_domain(3, 1, false);
	assert_int_equal(evtchn_domain_init(d), 0);
	for (uint32_t n = 1; n < PORTS_PER_PAGE; n++)
		assert_int_equal(alloc_unbound(d, 2), n);
	host_heap_countdown = 0;
	{
		struct pv_evtchn_bind_ipi ipi = {0, 0};
		struct pv_evtchn_init_control c = {.control_gfn = 24};

		assert_int_equal(call(d, EVTCHNOP_bind_ipi, &ipi), -ENOMEM);
		assert_int_equal(call(d, EVTCHNOP_init_control, &c), -ENOMEM);
	}
	host_heap_countdown = -1;
	assert_int_equal(host_frames[24].refs, 0);
	evtchn_domain_destroy(d);
	evtchn_domain_free(d);
	host_domain_free(d);
}

#define ROOM_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, room_make, room_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(an_ipi_sets_all_three_levels_and_wakes_once),
		ROOM_TEST(a_masked_port_is_told_at_the_unmask),
		ROOM_TEST(a_port_that_moves_takes_what_waits_along),
		ROOM_TEST(what_was_sent_before_the_bind_is_found_after_it),
		ROOM_TEST(only_the_invited_domain_may_bind),
		ROOM_TEST(a_closed_end_leaves_the_other_open_for_a_new_one),
		ROOM_TEST(a_freed_port_comes_back_without_its_past),
		ROOM_TEST(a_domain_may_talk_to_itself),
		ROOM_TEST(a_virq_of_a_vcpu_is_its_own),
		ROOM_TEST(a_global_virq_follows_its_port),
		ROOM_TEST(a_pirq_that_fires_while_it_is_bound_is_not_lost),
		ROOM_TEST(a_refused_pirq_leaves_no_port),
		ROOM_TEST(bad_arguments_change_nothing),
		ROOM_TEST(a_result_that_cannot_be_written_makes_no_port),
		ROOM_TEST(no_format_names_more_ports_than_it_can),
		ROOM_TEST(a_domain_may_have_fewer_ports),
		ROOM_TEST(the_switch_to_fifo_carries_events_over),
		ROOM_TEST(priority_is_the_queue),
		ROOM_TEST(the_array_has_room_for_every_port_and_no_more),
		ROOM_TEST(vcpu_info_moves_once_and_nothing_is_lost),
		ROOM_TEST(a_poller_is_woken_by_its_ports_alone),
		ROOM_TEST(a_dead_domain_unbinds_and_tells_its_peers),
		ROOM_TEST(the_toolstack_opens_ports_for_a_guest),
		ROOM_TEST(every_failed_allocation_unwinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
