/* SPDX-License-Identifier: MIT */
/* The room under test, and a guest's calls in one line each. */
#include "tests/unit_evtchn/room.h"

int room_make(void **state)
{
	static struct room r;

	host_begin();
	for (domid_t id = 0; id < 3; id++) {
		r.d[id] = host_domain(id, 2, id == 0);
		assert_int_equal(evtchn_domain_init(r.d[id]), 0);
	}
	*state = &r;
	return 0;
}

int room_free(void **state)
{
	struct room *r = *state;

	for (int id = 0; id < 3; id++) {
		r->d[id]->dying = true;
		evtchn_domain_destroy(r->d[id]);
	}
	for (int id = 0; id < 3; id++) {
		evtchn_domain_free(r->d[id]);
		host_domain_free(r->d[id]);
	}
	host_end();
	return 0;
}

long call(struct domain *d, uint32_t cmd, void *op)
{
	host_run(d, 0);
	return hc_event_channel_op(cmd, gva(op));
}

long evtchn_send(struct domain *d, uint32_t port)
{
	struct pv_evtchn_send op = {port};

	return call(d, EVTCHNOP_send, &op);
}

long evtchn_close(struct domain *d, uint32_t port)
{
	struct pv_evtchn_close op = {port};

	return call(d, EVTCHNOP_close, &op);
}

long reset(struct domain *d)
{
	struct pv_evtchn_reset op = {DOMID_SELF};
	long rc;

	do {
		rc = call(d, EVTCHNOP_reset, &op);
	} while (rc == -ERESTART);
	return rc;
}

uint32_t bind_ipi(struct domain *d, uint32_t vcpu)
{
	struct pv_evtchn_bind_ipi op = {vcpu, 0};

	assert_int_equal(call(d, EVTCHNOP_bind_ipi, &op), 0);
	return op.port;
}

uint32_t alloc_unbound(struct domain *d, domid_t remote)
{
	struct pv_evtchn_alloc_unbound op = {DOMID_SELF, remote, 0};

	assert_int_equal(call(d, EVTCHNOP_alloc_unbound, &op), 0);
	return op.port;
}

struct pair connect_pair(struct domain *a, struct domain *b)
{
	uint32_t port = alloc_unbound(a, b->id);
	struct pv_evtchn_bind_interdomain op = {a->id, 0, port, 0};

	assert_int_equal(call(b, EVTCHNOP_bind_interdomain, &op), 0);
	return (struct pair){{port, op.local_port}};
}

struct pv_evtchn_status status(struct domain *d, uint32_t port)
{
	struct pv_evtchn_status op = {.dom = DOMID_SELF, .port = port};

	assert_int_equal(call(d, EVTCHNOP_status, &op), 0);
	return op;
}

void enter_fifo(struct domain *d)
{
	struct pv_evtchn_init_control op = {.control_gfn = 8u * d->id};

	assert_int_equal(call(d, EVTCHNOP_init_control, &op), 0);
	assert_int_equal(op.link_bits, EVTCHN_FIFO_LINK_BITS);
}

bool pending_2l(struct domain *d, uint32_t port)
{
	return test_bit(port, d->shared_info->evtchn_pending);
}

void clear_events(struct domain *d)
{
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		d->vcpu[i]->info->evtchn_upcall_pending = 0;
		d->vcpu[i]->info->evtchn_pending_sel = 0;
	}
	memset(d->shared_info->evtchn_pending, 0,
	       sizeof(d->shared_info->evtchn_pending));
}

unsigned int open_ports(struct domain *d)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < d->evtchn->ports.nr; i++)
		n += port_at(&d->evtchn->ports, i)->state != PORT_FREE;
	return n - 1; /* port 0 */
}
