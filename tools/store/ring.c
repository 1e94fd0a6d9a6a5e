/* SPDX-License-Identifier: MIT */
/*
 * The ring transport: two byte streams in one shared page.
 *
 * PURE  HOSTILE  The guest can write anything to the page at any time.  Each
 * shared index is read once per use and checked; data is copied out before it
 * is looked at.  Our own positions never come from the page, except when a ring
 * starts.
 *
 * The page outlives the daemon, so the order of things makes a crash at any
 * point harmless: a request stays in the ring until the journal holds its
 * effect and its answer, and an answer leaves for the ring only after that.
 *
 *	1. copy requests            page->req_cons stays
 *	2. carry them out           frame: effect, answer, stream position
 *	3. flush the journal
 *	4. page->req_cons moves on  up to the recorded position
 *	5. answers go into the ring page->rsp_prod says how much arrived
 *
 * After a crash the recorded positions and the page tell what is left to do.
 * A request that is not whole yet leaves the ring in pieces; those bytes are
 * journalled themselves.  They cannot stay: a stock kernel writes header and
 * body one after the other, and sends no event for the second as long as
 * req_cons says that the first was not taken.
 */
#include "tools/store/record.h"
#include "tools/store/ring.h"

#define INPUT_MAX        (sizeof(struct xs_hdr) + XS_PAYLOAD_MAX + XS_RING_SIZE)

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

static uint32_t ring_position(const struct ring *r)
{
	return r->c->in_at + (uint32_t)r->c->in.len;
}

static void ring_fail(struct ring *r, uint32_t why)
{
	store_log(r->c->st, "ring: d%u gave up, error=%u", conn_domid(r->c),
		  why);
	conn_reset(r->c);
	store_seal(r->c->st);
	r->dead = true;
	WRITE_ONCE(r->page->error, why);
	r->kick = true;
}

/* Empty in both directions, on a message boundary. */
static void ring_restart(struct ring *r)
{
	uint32_t req = READ_ONCE(r->page->req_prod);
	uint32_t rsp = READ_ONCE(r->page->rsp_cons);

	conn_reset(r->c);
	r->dead = false;
	r->taken = r->c->in_at = req;
	r->c->out_at = rsp;
	if (r->c->st->journal && r->c->dom->introduced)
		rec_introduce(r->c->st, r->c->dom, req, rsp);
	store_seal(r->c->st);
	WRITE_ONCE(r->page->req_cons, req);
	WRITE_ONCE(r->page->rsp_prod, rsp);
	WRITE_ONCE(r->page->error, XS_RING_ERR_NONE);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* ORDER: empty, then open */
	WRITE_ONCE(r->page->connection, XS_RING_CONNECTED);
	r->kick = true;
}

void ring_start(struct ring *r, struct conn *c, struct xs_ring_page *page)
{
	memset(r, 0, sizeof(*r));
	r->page = page;
	r->c = c;
	r->taken = c->in_at = READ_ONCE(page->req_cons);
	c->out_at = READ_ONCE(page->rsp_prod);
	WRITE_ONCE(page->features, c->dom->features);
	if (READ_ONCE(page->connection) == XS_RING_RECONNECT)
		ring_restart(r);
	r->kick = true;
}

bool ring_resume(struct ring *r, struct conn *c, struct xs_ring_page *page)
{
	uint32_t cons = READ_ONCE(page->req_cons);
	uint32_t unsent = c->out_at - READ_ONCE(page->rsp_prod);

	memset(r, 0, sizeof(*r));
	r->page = page;
	r->c = c;
	r->taken = cons;
	r->kick = true;
	WRITE_ONCE(page->features, c->dom->features);
	if (ring_position(r) - cons > XS_RING_SIZE || unsent > c->out.len) {
		ring_restart(r);
		return false;
	}
	if (c->out.len > unsent)
		buf_take(&c->out, c->out.len - unsent);
	if (c->in.len)
		conn_wake(c);
	return true;
}

void ring_input(struct ring *r)
{
	uint32_t prod, at, n, chunk;

	if (READ_ONCE(r->page->connection) == XS_RING_RECONNECT &&
	    (r->c->dom->features & XS_FEATURE_RECONNECTION))
		ring_restart(r);
	if (r->dead)
		return;
	prod = READ_ONCE(r->page->req_prod);
	at = ring_position(r);
	if (prod - r->taken > XS_RING_SIZE || at - r->taken > prod - r->taken) {
		ring_fail(r, XS_RING_ERR_RINGIDX);
		return;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* ORDER: index, then bytes */
	while ((n = prod - at) && r->c->in.len < INPUT_MAX) {
		chunk = XS_RING_SIZE - XS_RING_MASK(at);
		if (chunk > n)
			chunk = n;
		conn_input(r->c, r->page->req + XS_RING_MASK(at), chunk);
		at += chunk;
	}
}

/* Bytes of the request at the front that are still to come; 0: it is whole. */
static size_t ring_missing(const struct conn *c)
{
	struct xs_hdr h;

	if (c->in.len < sizeof(h))
		return sizeof(h) - c->in.len;
	memcpy(&h, buf_data(&c->in), sizeof(h));
	if (h.len > XS_PAYLOAD_MAX || c->in.len - sizeof(h) >= h.len)
		return 0;
	return sizeof(h) + h.len - c->in.len;
}

void ring_settle(struct ring *r)
{
	uint32_t at = ring_position(r);

	if (r->dead)
		return;
	if (r->c->broken) {
		ring_fail(r, r->c->broken_why);
		return;
	}
	if (!r->c->in.len || !ring_missing(r->c) ||
	    (int32_t)(at - r->taken) <= 0)
		return; /* it is ours to do, or nothing new */
	if (r->c->st->journal)
		rec_ring_in(r->c->st, r->c->dom->domid, r->c->in_at,
			    buf_data(&r->c->in), r->c->in.len);
	store_seal(r->c->st);
	r->taken = at; /* published after the flush */
	r->kick = true;
}

static void ring_output(struct ring *r)
{
	uint32_t prod = r->c->out_at - (uint32_t)r->c->out.len, n, chunk;
	uint32_t used = prod - READ_ONCE(r->page->rsp_cons);
	size_t left = r->c->out.len; /* what comes up now is not flushed yet */

	if (used > XS_RING_SIZE) {
		ring_fail(r, XS_RING_ERR_RINGIDX);
		return;
	}
	__atomic_thread_fence(__ATOMIC_ACQ_REL); /* ORDER: room, then bytes */
	for (; left && used < XS_RING_SIZE; used += n, left -= n) {
		chunk = XS_RING_SIZE - XS_RING_MASK(prod);
		n = XS_RING_SIZE - used;
		if (n > chunk)
			n = chunk;
		if (n > left)
			n = (uint32_t)left;
		memcpy(r->page->rsp + XS_RING_MASK(prod), buf_data(&r->c->out),
		       n);
		prod += n;
		__atomic_thread_fence(__ATOMIC_RELEASE);
		WRITE_ONCE(r->page->rsp_prod, prod);
		conn_sent(r->c, n);
		r->kick = true;
	}
}

void ring_publish(struct ring *r)
{
	if (r->dead)
		return;
	if ((int32_t)(r->c->in_at - r->taken) > 0)
		r->taken = r->c->in_at;
	if (READ_ONCE(r->page->req_cons) != r->taken) {
		__atomic_thread_fence(__ATOMIC_RELEASE);
		WRITE_ONCE(r->page->req_cons, r->taken);
		r->kick = true;
	}
	if (r->c->out.len)
		ring_output(r);
}

bool ring_more(const struct ring *r)
{
	uint32_t sent = r->c->out_at - (uint32_t)r->c->out.len;

	if (r->dead)
		return false;
	/* ORDER: our indices before the guest's; it does the same, and sends
	 * an event if it finds that we had seen all. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->c->in.len < INPUT_MAX &&
	    READ_ONCE(r->page->req_prod) != ring_position(r))
		return true;
	return r->c->out.len &&
	       sent - READ_ONCE(r->page->rsp_cons) < XS_RING_SIZE;
}
