/* SPDX-License-Identifier: MIT */
/*
 * Domains' rings on the event loop.
 *
 * A ring that had an event, ran requests or got output is busy for one turn:
 * settled before the journal is flushed, published after it.
 *
 * HOSTILE  A guest could keep the control domain busy with requests and events.
 * Each has tokens for RATE requests a second, and some in advance, as a boot
 * needs them.  Who has none left rests: its ring is not looked at, and its
 * event channel stays masked, so that its events cost nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/daemon.h"

#define RATE    1000.0 /* requests a second, of one guest */
#define ADVANCE 1000.0
#define REST    0.02 /* s */
/* Tokens: an event costs, too, and more if it brings nothing. */
#define REQUEST_COST 1.0
#define EVENT_COST   0.25
#define IDLE_COST    1.0

void ring_mark(struct ring_io *r)
{
	if (list_empty(&r->busy))
		list_add_tail(&r->dm->rings_busy, &r->busy);
}

static void spend(struct ring_io *r, double tokens)
{
	double now = ev_now(r->dm->loop);

	if (!r->d->domid || tokens <= 0)
		return;
	r->tokens += (now - r->refilled) * RATE;
	if (r->tokens > ADVANCE || now < r->refilled)
		r->tokens = ADVANCE;
	r->refilled = now;
	r->tokens -= tokens;
	if (r->tokens > 0 || ev_is_active(&r->rest))
		return;
	ev_io_stop(r->dm->loop, &r->rd);
	ev_timer_set(&r->rest, REST - r->tokens / RATE, 0);
	ev_timer_start(r->dm->loop, &r->rest);
}

void ring_spend(struct ring_io *r, unsigned requests)
{
	spend(r, requests * REQUEST_COST);
}

static void ring_rested(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ring_io *r = container_of(w, struct ring_io, rest);

	(void)events;
	ev_io_start(loop, &r->rd);
	ring_mark(r);
}

static void ring_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct ring_io *r = container_of(w, struct ring_io, rd);
	size_t had = r->ring.c->in.len;

	(void)loop;
	(void)events;
	r->dm->rings.drain(&r->dm->rings, &r->dev);
	ring_input(&r->ring);
	spend(r, r->ring.c->in.len > had ? EVENT_COST : IDLE_COST);
	ring_mark(r);
}

static struct ring_io *ring_io_open(struct daemon *dm, struct domain *d,
				    int *rc)
{
	struct ring_io *r = mem_zalloc(sizeof(*r));

	*rc = dm->rings.open(&dm->rings, d, &r->dev);
	if (*rc) {
		free(r);
		return NULL;
	}
	r->dm = dm;
	r->d = d;
	list_init(&r->busy);
	list_add_tail(&dm->ring_ios, &r->link);
	ev_io_init(&r->rd, ring_event, r->dev.fd, EV_READ);
	ev_init(&r->rest, ring_rested);
	r->tokens = ADVANCE;
	r->refilled = ev_now(dm->loop);
	ev_io_start(dm->loop, &r->rd);
	return r;
}

static int ring_hook_open(struct store *st, struct domain *d)
{
	struct daemon *dm = st->daemon;
	struct ring_io *r;
	int rc;

	if (d->conn && d->conn->transport)
		return 0;
	r = ring_io_open(dm, d, &rc);
	if (!r)
		return rc;
	if (!d->conn)
		d->conn = conn_open(st, d, NULL);
	d->conn->transport = r;
	ring_start(&r->ring, d->conn, r->dev.page);
	ring_input(&r->ring);
	ring_mark(r);
	return 0;
}

static void ring_hook_close(struct store *st, struct domain *d)
{
	struct daemon *dm = st->daemon;
	struct ring_io *r = d->conn ? d->conn->transport : NULL;

	if (!r)
		return;
	ev_io_stop(dm->loop, &r->rd);
	ev_timer_stop(dm->loop, &r->rest);
	dm->rings.close(&dm->rings, &r->dev);
	list_del(&r->link);
	list_del(&r->busy);
	d->conn->transport = NULL;
	free(r);
}

void rings_init(struct daemon *dm)
{
	const char *kind = dm->cfg.rings;

	list_init(&dm->ring_ios);
	list_init(&dm->rings_busy);
	if (!kind || !strcmp(kind, "none"))
		return;
	dm->rings = !strcmp(kind, "xen") ? ring_transport_xen()
					 : ring_transport_files(kind + 6);
	dm->have_rings = true;
	dm->st.ring_open = ring_hook_open;
	dm->st.ring_close = ring_hook_close;
}

static void ring_revive(struct daemon *dm, struct domain *d)
{
	struct ring_io *r;
	int rc;

	r = ring_io_open(dm, d, &rc);
	if (!r) {
		store_log(&dm->st, "ring: d%u is gone: %s", d->domid,
			  strerror(rc));
		domain_release(&dm->st, d);
		return;
	}
	d->conn->transport = r;
	if (!ring_resume(&r->ring, d->conn, r->dev.page))
		store_log(&dm->st, "ring: d%u was restarted empty", d->domid);
	ring_input(&r->ring);
	ring_mark(r);
}

/* The control domain's kernel is a client too, if it offers its ring. */
static void ring_own(struct daemon *dm)
{
	struct domain *d = domain_get(&dm->st.domains, 0);

	d->port = ring_xen_own_port();
	if (!d->port || (d->conn && d->conn->transport))
		return;
	if (ring_hook_open(&dm->st, d)) {
		store_log(&dm->st, "ring: no ring of the control domain");
		return;
	}
	d->introduced = true;
	rec_introduce(&dm->st, d, d->conn->in_at, d->conn->out_at);
	store_seal(&dm->st);
}

void rings_resume(struct daemon *dm)
{
	struct domain *d = NULL;
	int domid = -1;

	if (!dm->have_rings)
		return;
	while ((d = domain_next(&dm->st.domains, domid))) {
		domid = d->domid;
		if (d->introduced && d->conn && !d->conn->transport)
			ring_revive(dm, d);
	}
	if (!strcmp(dm->rings.name, "xen"))
		ring_own(dm);
}

void rings_settle(struct daemon *dm)
{
	struct list *pos;

	list_for_each (pos, &dm->rings_busy) {
		struct ring_io *r = container_of(pos, struct ring_io, busy);

		/* Output that was sent may have let in more requests. */
		if (!ev_is_active(&r->rest)) {
			ring_input(&r->ring);
			ring_spend(r, conn_run(r->ring.c, 32));
		}
		ring_settle(&r->ring);
	}
}

void rings_publish(struct daemon *dm)
{
	struct list todo = dm->rings_busy;
	struct ring_io *r;

	if (list_empty(&dm->rings_busy))
		return;
	todo.next->prev = todo.prev->next = &todo;
	list_init(&dm->rings_busy);
	while (!list_empty(&todo)) {
		r = container_of(todo.next, struct ring_io, busy);
		list_del(&r->busy);
		list_del(&r->ring.c->dirty_link);
		ring_publish(&r->ring);
		if (r->ring.kick)
			dm->rings.notify(&dm->rings, &r->dev);
		r->ring.kick = false;
		if (!ev_is_active(&r->rest) && ring_more(&r->ring))
			ring_mark(r);
	}
}
