/* SPDX-License-Identifier: MIT */
/*
 * No event is lost, whoever comes first: the room's own code in all orders.
 *
 * A guest's part in a race is written here as a stock kernel plays it.  After
 * every order of steps the guest serves the upcalls that it was promised, and
 * no others; then nothing that is not masked may be left pending.
 */
#include "tests/unit_evtchn/room.h"
#include "tests/unit_evtchn/steps.h"

#include "hv/lib/string.h"

static struct room *r;
static struct domain *d; /* the receiver; its peer is r->d[2] */
static uint32_t port, port2, peer, peer2; /* @d's ends and the peer's */
static unsigned int handled;
static uint64_t on_vcpu_1; /* ports that the guest expects there */
static uint32_t head[2][EVTCHN_FIFO_MAX_QUEUES]; /* the guest's, FIFO */

/* ---- a guest: 2-level ---------------------------------------------------------- */
static void upcall_2l(struct vcpu *v)
{
	struct pv_shared_info *s = d->shared_info;
	uint64_t sel, bits;

	do {
		WRITE_ONCE(v->info->evtchn_upcall_pending, 0);
		sel = atomic_exchange(&v->info->evtchn_pending_sel, 0);
		if (!(sel & 1))
			continue;
		bits = READ_ONCE(s->evtchn_pending[0]);
		bits &= ~READ_ONCE(s->evtchn_mask[0]);
		bits &= v->id ? on_vcpu_1 : ~on_vcpu_1;
		if (bits) {
			atomic_fetch_and(&s->evtchn_pending[0], ~bits);
			handled++;
		}
	} while (READ_ONCE(v->info->evtchn_upcall_pending));
}

/* ---- a guest: FIFO --------------------------------------------------------------- */
static uint32_t *words;
static struct pv_evtchn_fifo_control_block *control[2];

static void consume_one(unsigned int v, unsigned int q, uint32_t *ready)
{
	uint32_t at = head[v][q], *w, old, link;

	if (!at)
		at = READ_ONCE(control[v]->head[q]);
	w = &words[at];
	old = READ_ONCE(*w);
	while (!atomic_cmpxchg(w, &old,
			       old & ~(FIFO_LINKED | EVTCHN_FIFO_LINK_MASK)))
		;
	link = old & EVTCHN_FIFO_LINK_MASK;
	if (!link)
		*ready &= ~(1u << q);
	if ((READ_ONCE(*w) & (FIFO_PENDING | FIFO_MASKED)) == FIFO_PENDING) {
		atomic_fetch_and(w, ~FIFO_PENDING);
		handled++;
	}
	head[v][q] = link;
}

static void upcall_fifo(struct vcpu *v)
{
	uint32_t ready;

	do {
		WRITE_ONCE(v->info->evtchn_upcall_pending, 0);
		ready = atomic_exchange(&control[v->id]->ready, 0);
		while (ready) {
			consume_one(v->id, (unsigned int)__builtin_ctz(ready),
				    &ready);
			ready |= atomic_exchange(&control[v->id]->ready, 0);
		}
	} while (READ_ONCE(v->info->evtchn_upcall_pending));
}

static void upcall(struct vcpu *v)
{
	if (d->evtchn->fifo)
		upcall_fifo(v);
	else
		upcall_2l(v);
}

/* A thread of one guest vcpu that is interrupted twice. */
static void serve(unsigned int id)
{
	for (int i = 0; i < 2; i++)
		if (READ_ONCE(d->vcpu[id]->info->evtchn_upcall_pending))
			upcall(d->vcpu[id]);
}

static void guest_0(void)
{
	serve(0);
}

static void guest_1(void)
{
	serve(1);
}

static void guest_unmasks(void)
{
	uint32_t w;
	struct port *p;

	if (d->evtchn->fifo) {
		w = READ_ONCE(words[port]);
		while (!(w & FIFO_PENDING)) {
			w &= ~FIFO_BUSY;
			if (atomic_cmpxchg(&words[port], &w, w & ~FIFO_MASKED))
				return;
		}
	}
	p = port_lock_open(d, port);
	port_unmask(d, p, port);
	port_unlock(p);
}

/* ---- beginnings and ends -------------------------------------------------------- */
static void begin_2l(void)
{
	void *state;
	struct pair p;

	room_make(&state);
	r = state;
	d = r->d[1];
	p = connect_pair(d, r->d[2]);
	port = p.port[0];
	peer = p.port[1];
	p = connect_pair(d, r->d[2]);
	port2 = p.port[0];
	peer2 = p.port[1];
	clear_events(d);
	handled = 0;
	on_vcpu_1 = 0;
	memset(head, 0, sizeof(head));
	words = direct_map(mfn_of(9));
	for (unsigned int v = 0; v < 2; v++)
		control[v] = (void *)((char *)direct_map(mfn_of(8)) + 128 * v);
}

static void begin_masked(void)
{
	begin_2l();
	d->shared_info->evtchn_mask[0] = 1ull << port;
}

static void enter_both(void)
{
	for (unsigned int v = 0; v < 2; v++)
		assert_int_equal(fifo_init_control(d, 8, 128 * v, v), 0);
}

static void begin_no_words(void)
{
	begin_2l();
	enter_both();
}

static void begin_fifo(void)
{
	begin_no_words();
	assert_int_equal(fifo_expand_array(d, 9), 0);
}

static void begin_fifo_masked(void)
{
	begin_fifo();
	words[port] = FIFO_MASKED;
}

static void end_all_served(void)
{
	for (unsigned int v = 0; v < 2; v++)
		if (d->vcpu[v]->info->evtchn_upcall_pending)
			upcall(d->vcpu[v]);
	CHECK(evtchn_port_pending(d, port) == 0);
	CHECK(evtchn_port_pending(d, port2) == 0);
	CHECK(handled);
	room_free((void *[]){r});
}

/* ---- the hypervisor's part ---------------------------------------------------------- */
static void peer_sends(void)
{
	port_send(r->d[2], peer);
}

static void peer_sends_twice(void)
{
	port_send(r->d[2], peer);
	port_send(r->d[2], peer);
}

static void peer_sends_2(void)
{
	port_send(r->d[2], peer2);
}

static void port_moves(void)
{
	on_vcpu_1 = 1ull << port;
	CHECK(port_bind_vcpu(d, port, 1) == 0);
}

static void info_moves(void)
{
	CHECK(vcpu_info_register(d->vcpu[0], 10, 64) == 0);
}

static void begin_info(void)
{
	begin_2l();
	d->vcpu[0]->state = VCPU_DOWN;
}

static void array_grows(void)
{
	CHECK(fifo_expand_array(d, 9) == 0);
}

static void switches_to_fifo(void)
{
	enter_both();
	array_grows();
}

/* The 2-level upcalls of before the switch are gone; the new format's stay. */
static void end_switched(void)
{
	CHECK(evtchn_port_pending(d, port) == 1);
	CHECK(words[port] & FIFO_LINKED);
	end_all_served();
}

static void vcpu_blocks(void)
{
	struct vcpu *v = d->vcpu[0];

	atomic_fetch_or(&v->state, VCPU_BLOCKED);
	if (evtchn_pending(v))
		atomic_fetch_and(&v->state, ~(uint32_t)VCPU_BLOCKED);
}

static void vcpu_polls(void)
{
	struct vcpu *v = d->vcpu[0];

	v->poll_mask[0] = 1ull << port;
	atomic_fetch_or(&v->state, VCPU_POLLING);
	if (evtchn_port_pending(d, port) == 1)
		atomic_fetch_and(&v->state, ~(uint32_t)VCPU_POLLING);
}

static void end_awake(void)
{
	CHECK(!(d->vcpu[0]->state & (VCPU_BLOCKED | VCPU_POLLING)));
	CHECK(evtchn_port_pending(d, port) == 1);
	room_free((void *[]){r});
}

static void port_closes(void)
{
	CHECK(port_close(d, port, false) == 0);
}

/* Nothing of the old binding shows in a port that is handed out anew. */
static void end_closed(void)
{
	CHECK(!port_pending(d, port));
	CHECK(port_at(&d->evtchn->ports, port)->state == PORT_FREE);
	CHECK(port_at(&r->d[2]->evtchn->ports, peer)->state == PORT_UNBOUND);
	room_free((void *[]){r});
}

static void begin_ipi(void)
{
	begin_2l();
	port = bind_ipi(d, 0);
}

static void ipi_sent(void)
{
	port_send(d, port);
}

static void end_ipi_closed(void)
{
	CHECK(!port_pending(d, port));
	room_free((void *[]){r});
}

static uint32_t snapshot[2][1024];

/* Once the frames are given back, nobody writes to them. */
static void domain_resets(void)
{
	unsigned int budget = 100;

	ports_close_all(d, &budget, false);
	CHECK(fifo_leave(d) == 0);
	memcpy(snapshot, direct_map(mfn_of(8)), sizeof(snapshot));
	CHECK(host_frames[8].writable == 0 && host_frames[9].writable == 0);
}

static void end_untouched(void)
{
	CHECK(!memcmp(snapshot, direct_map(mfn_of(8)), sizeof(snapshot)));
	CHECK(!d->shared_info->evtchn_pending[0]);
	room_free((void *[]){r});
}

static void both_close(void)
{
	CHECK(port_close(r->d[2], peer, true) == 0);
}

static void end_both_closed(void)
{
	CHECK(port_at(&d->evtchn->ports, port)->state == PORT_FREE);
	CHECK(port_at(&r->d[2]->evtchn->ports, peer)->state == PORT_FREE);
	room_free((void *[]){r});
}

static uint32_t fresh;

static void begin_unbound(void)
{
	begin_2l();
	CHECK(port_close(d, port, false) == 0); /* the peer's is unbound */
	CHECK(port_reserve(d, &fresh) == 0 && fresh == port);
}

static void binds(void)
{
	CHECK(port_bind_interdomain(d, fresh, 2, peer) == 0);
}

static const struct scenario scenarios[] = {
	{"2-level, send and serve",
	 begin_2l,
	 {peer_sends_twice, guest_0},
	 end_all_served,
	 6},
	{"2-level, two sends and serve",
	 begin_2l,
	 {peer_sends, peer_sends_2, guest_0},
	 end_all_served,
	 3},
	{"2-level, send and unmask",
	 begin_masked,
	 {peer_sends, guest_unmasks, guest_0},
	 end_all_served,
	 4},
	{"2-level, send and move",
	 begin_2l,
	 {peer_sends, port_moves},
	 end_all_served,
	 5},
	{"2-level, send, move and serve",
	 begin_2l,
	 {peer_sends_twice, port_moves, guest_0, guest_1},
	 end_all_served,
	 2},
	{"2-level, send and move of vcpu_info",
	 begin_info,
	 {peer_sends, info_moves},
	 end_all_served,
	 8},
	{"2-level, send and bind",
	 begin_unbound,
	 {peer_sends, binds, guest_0},
	 end_all_served,
	 3},
	{"send and block", begin_2l, {peer_sends, vcpu_blocks}, end_awake, 8},
	{"send and poll", begin_masked, {peer_sends, vcpu_polls}, end_awake, 8},
	{"2-level, send and close",
	 begin_2l,
	 {peer_sends, port_closes},
	 end_closed,
	 8},
	{"2-level, IPI and close",
	 begin_ipi,
	 {ipi_sent, port_closes},
	 end_ipi_closed,
	 8},
	{"both ends close and one sends",
	 begin_2l,
	 {peer_sends, port_closes, both_close},
	 end_both_closed,
	 3},
	{"FIFO, send and serve",
	 begin_fifo,
	 {peer_sends_twice, guest_0},
	 end_all_served,
	 5},
	{"FIFO, two sends and serve",
	 begin_fifo,
	 {peer_sends, peer_sends_2, guest_0},
	 end_all_served,
	 3},
	{"FIFO, more sends and serve",
	 begin_fifo,
	 {peer_sends_twice, peer_sends_2, guest_0},
	 end_all_served,
	 3},
	{"FIFO, send and unmask",
	 begin_fifo_masked,
	 {peer_sends, guest_unmasks, guest_0},
	 end_all_served,
	 3},
	{"FIFO, send, move and serve",
	 begin_fifo,
	 {peer_sends_twice, port_moves, guest_0, guest_1},
	 end_all_served,
	 2},
	{"FIFO, sends, unmask, move",
	 begin_fifo_masked,
	 {peer_sends_twice, guest_unmasks, port_moves, guest_0},
	 end_all_served,
	 2},
	{"FIFO, send and a new page of words",
	 begin_no_words,
	 {peer_sends, array_grows},
	 end_all_served,
	 3},
	{"send and the switch to FIFO",
	 begin_2l,
	 {peer_sends, switches_to_fifo},
	 end_switched,
	 2},
	{"FIFO, send and close",
	 begin_fifo,
	 {peer_sends, port_closes},
	 end_closed,
	 5},
	{"FIFO, send and reset",
	 begin_fifo,
	 {peer_sends_twice, domain_resets},
	 end_untouched,
	 2},
};

static void no_order_of_steps_loses_an_event(void **state)
{
	unsigned long orders = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
		orders += explore(&scenarios[i]);
	assert_true(orders > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_order_of_steps_loses_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
