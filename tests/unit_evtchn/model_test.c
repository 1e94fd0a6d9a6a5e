/* SPDX-License-Identifier: MIT */
/*
 * Random hypercalls of three domains against a model of the rules.
 *
 * The model knows what each port is bound to, to which vcpu, and whether an
 * event is owed; it predicts the answer of every call.  After each step what
 * EVTCHNOP_status says and the pending bits are compared for all ports.  The
 * walk goes through both formats: a reset returns to the 2-level one.
 */
#include "tests/unit_evtchn/room.h"

#include "hv/lib/string.h"

#define DOMS  3
#define PORTS 24 /* the model's; a walk opens no more */

struct mport {
	unsigned int state; /* EVTCHNSTAT_* */
	unsigned int dom, peer; /* unbound, interdomain; virq in dom */
	unsigned int vcpu;
	bool pending;
};

struct walk {
	struct room *r;
	struct mport m[DOMS][PORTS];
	bool fifo[DOMS];
	uint64_t seed;
};

static unsigned int rnd(struct walk *w, unsigned int below)
{
	return host_random(&w->seed, below);
}

static unsigned int lowest_free(struct walk *w, unsigned int d)
{
	unsigned int n = 1;

	while (n < PORTS && w->m[d][n].state)
		n++;
	return n;
}

static void expect_port(struct walk *w, unsigned int d, long rc, uint32_t port,
			struct mport now)
{
	assert_int_equal(rc, 0);
	assert_int_equal(port, lowest_free(w, d));
	w->m[d][port] = now;
}

static void step_alloc(struct walk *w, unsigned int d)
{
	unsigned int subject = rnd(w, DOMS), remote = rnd(w, DOMS);
	struct pv_evtchn_alloc_unbound op = {subject, remote, 0};
	long rc;

	if (lowest_free(w, subject) == PORTS)
		return;
	rc = call(w->r->d[d], EVTCHNOP_alloc_unbound, &op);
	if (subject != d && d != 0)
		assert_int_equal(rc, -EPERM);
	else
		expect_port(w, subject, rc, op.port,
			    (struct mport){.state = EVTCHNSTAT_unbound,
					   .dom = remote});
}

static void step_bind_interdomain(struct walk *w, unsigned int d)
{
	unsigned int rd = rnd(w, DOMS), rport = rnd(w, PORTS), local;
	struct pv_evtchn_bind_interdomain op = {rd, 0, rport, 0};
	struct mport *r = &w->m[rd][rport];
	long rc;

	local = lowest_free(w, d);
	if (local == PORTS || (rd == d && rport == local))
		return;
	rc = call(w->r->d[d], EVTCHNOP_bind_interdomain, &op);
	if (r->state != EVTCHNSTAT_unbound || r->dom != d) {
		assert_int_equal(rc, -EINVAL);
		return;
	}
	expect_port(w, d, rc, op.local_port,
		    (struct mport){.state = EVTCHNSTAT_interdomain,
				   .dom = rd,
				   .peer = rport,
				   .pending = true});
	r->state = EVTCHNSTAT_interdomain;
	r->dom = d;
	r->peer = local;
}

static void step_bind_virq(struct walk *w, unsigned int d)
{
	static const unsigned int some[] = {VIRQ_TIMER, VIRQ_DEBUG,
					    VIRQ_CONSOLE, VIRQ_CON_RING};
	unsigned int virq = some[rnd(w, 4)], vcpu = rnd(w, 3);
	struct pv_evtchn_bind_virq op = {virq, vcpu, 0};
	bool global = virq_is_global(virq);
	long rc, want = 0;

	if (lowest_free(w, d) == PORTS)
		return;
	for (unsigned int n = 0; n < PORTS; n++) {
		struct mport *p = &w->m[d][n];

		if (p->state == EVTCHNSTAT_virq && p->dom == virq &&
		    (global || p->vcpu == vcpu))
			want = -EEXIST;
	}
	if (vcpu == 2)
		want = -ENOENT;
	if (global && vcpu)
		want = -EINVAL;
	rc = call(w->r->d[d], EVTCHNOP_bind_virq, &op);
	if (want)
		assert_int_equal(rc, want);
	else
		expect_port(w, d, rc, op.port,
			    (struct mport){.state = EVTCHNSTAT_virq,
					   .dom = virq,
					   .vcpu = vcpu});
}

static void step_bind_ipi(struct walk *w, unsigned int d)
{
	struct pv_evtchn_bind_ipi op = {rnd(w, 2), 0};
	long rc;

	if (lowest_free(w, d) == PORTS)
		return;
	rc = call(w->r->d[d], EVTCHNOP_bind_ipi, &op);
	expect_port(w, d, rc, op.port,
		    (struct mport){.state = EVTCHNSTAT_ipi, .vcpu = op.vcpu});
}

static void step_bind_vcpu(struct walk *w, unsigned int d)
{
	struct pv_evtchn_bind_vcpu op = {rnd(w, PORTS), rnd(w, 2)};
	struct mport *p = &w->m[d][op.port];
	long rc = call(w->r->d[d], EVTCHNOP_bind_vcpu, &op);

	if (!p->state || p->state == EVTCHNSTAT_ipi ||
	    (p->state == EVTCHNSTAT_virq && !virq_is_global(p->dom))) {
		assert_int_equal(rc, -EINVAL);
		return;
	}
	assert_int_equal(rc, 0);
	p->vcpu = op.vcpu;
}

static void model_close(struct walk *w, unsigned int d, unsigned int port)
{
	struct mport *p = &w->m[d][port];

	if (p->state == EVTCHNSTAT_interdomain) {
		struct mport *r = &w->m[p->dom][p->peer];

		r->state = EVTCHNSTAT_unbound;
		r->dom = d;
		r->peer = 0;
	}
	memset(p, 0, sizeof(*p));
}

static void step_close(struct walk *w, unsigned int d)
{
	unsigned int port = rnd(w, PORTS);
	long rc = evtchn_close(w->r->d[d], port);

	assert_int_equal(rc, w->m[d][port].state ? 0 : -EINVAL);
	model_close(w, d, port);
}

static void step_send(struct walk *w, unsigned int d)
{
	unsigned int port = rnd(w, PORTS);
	struct mport *p = &w->m[d][port];
	long rc = evtchn_send(w->r->d[d], port);

	switch (p->state) {
	case EVTCHNSTAT_interdomain:
		w->m[p->dom][p->peer].pending = true;
		break;
	case EVTCHNSTAT_ipi:
		p->pending = true;
		break;
	case EVTCHNSTAT_unbound:
		break;
	default:
		assert_int_equal(rc, -EINVAL);
		return;
	}
	assert_int_equal(rc, 0);
}

static void step_virq(struct walk *w, unsigned int d)
{
	unsigned int virq = rnd(w, 4), vcpu = rnd(w, 2);

	if (virq_is_global(virq))
		evtchn_send_global_virq(w->r->d[d], virq);
	else
		evtchn_send_virq(w->r->d[d]->vcpu[vcpu], virq);
	for (unsigned int n = 0; n < PORTS; n++) {
		struct mport *p = &w->m[d][n];

		if (p->state == EVTCHNSTAT_virq && p->dom == virq &&
		    (virq_is_global(virq) || p->vcpu == vcpu))
			p->pending = true;
	}
}

static void step_reset(struct walk *w, unsigned int d)
{
	assert_int_equal(reset(w->r->d[d]), 0);
	for (unsigned int n = 0; n < PORTS; n++)
		if (w->m[d][n].state)
			model_close(w, d, n);
	w->fifo[d] = false;
}

static void step_fifo(struct walk *w, unsigned int d)
{
	struct domain *dom = w->r->d[d];
	struct pv_evtchn_expand_array array = {8 * d + 1};

	if (w->fifo[d])
		return;
	memset(direct_map(mfn_of(8 * d)), 0, 2 * PAGE_SIZE);
	enter_fifo(dom);
	assert_int_equal(call(dom, EVTCHNOP_expand_array, &array), 0);
	w->fifo[d] = true;
}

/* The guest handles an event: 2-level bits, or takes words off all queues. */
static void step_handle(struct walk *w, unsigned int d)
{
	struct domain *dom = w->r->d[d];
	uint32_t *words = direct_map(mfn_of(8 * d + 1));
	struct pv_evtchn_fifo_control_block *c = direct_map(mfn_of(8 * d));

	for (unsigned int n = 0; n < PORTS; n++) {
		w->m[d][n].pending = false;
		if (w->fifo[d])
			words[n] = 0;
	}
	if (w->fifo[d])
		c->ready = 0;
	clear_events(dom);
}

static void check(struct walk *w, unsigned int d)
{
	struct domain *dom = w->r->d[d];

	for (unsigned int n = 1; n < PORTS; n++) {
		struct pv_evtchn_status s = status(dom, n);
		struct mport *p = &w->m[d][n];
		bool pending = evtchn_port_pending(dom, n) > 0;

		assert_int_equal(s.status, p->state);
		assert_int_equal(s.vcpu, p->vcpu);
		assert_int_equal(pending, p->pending);
		if (p->state == EVTCHNSTAT_unbound) {
			assert_int_equal(s.u.unbound.dom, p->dom);
		} else if (p->state == EVTCHNSTAT_interdomain) {
			assert_int_equal(s.u.interdomain.dom, p->dom);
			assert_int_equal(s.u.interdomain.port, p->peer);
		} else if (p->state == EVTCHNSTAT_virq) {
			assert_int_equal(s.u.virq, p->dom);
		}
		/* Whoever it is bound to will look (nothing is masked). */
		if (pending && !w->fifo[d]) {
			struct pv_vcpu_info *info = dom->vcpu[p->vcpu]->info;

			assert_int_equal(info->evtchn_pending_sel & 1, 1);
			assert_int_equal(info->evtchn_upcall_pending, 1);
		} else if (pending) {
			assert_int_equal(
				dom->vcpu[0]->info->evtchn_upcall_pending, 1);
		}
	}
}

static void the_room_answers_as_the_model_does(void **state)
{
	static void (*const steps[])(struct walk *, unsigned int) = {
		step_alloc,     step_alloc,    step_bind_interdomain,
		step_send,      step_send,     step_bind_interdomain,
		step_send,      step_bind_ipi, step_bind_interdomain,
		step_bind_virq, step_virq,     step_bind_vcpu,
		step_close,     step_handle,
	};

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct walk w = {.seed = seed * 0x9e3779b97f4a7c15ull};

		print_message("# seed %lu\n", (unsigned long)seed);
		room_make(state);
		w.r = *state;
		for (int i = 0; i < 1500; i++) {
			unsigned int d = rnd(&w, DOMS);

			if (!rnd(&w, 100))
				(rnd(&w, 3) ? step_fifo : step_reset)(&w, d);
			else
				steps[rnd(&w, ARRAY_SIZE(steps))](&w, d);
			for (d = 0; d < DOMS; d++)
				check(&w, d);
		}
		room_free(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_room_answers_as_the_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
