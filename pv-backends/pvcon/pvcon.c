/* SPDX-License-Identifier: MIT */
/*
 * The own ring of a console.
 *
 * Text is read at the rate that both rings share.  Meanwhile, and for a moment
 * after the last text, the process counts as awake and asks for no events: a
 * guest that writes byte by byte costs few of them.
 *
 * HOSTILE: what the guest says of itself decides where typed text goes, and no
 * more; it may change its text until it was copied, so that is done first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pv-backends/common/own_ring.h"
#include "pv-backends/console/console.h"
#include "pv-frontends/core/pvcon.h"

#define LINGER_PAUSE 0.002 /* seconds that it looks for more */
#define BEHIND_PAUSE 0.01 /* and that those who look get to read */

struct pvcon {
	struct console *c;
	struct xb xb;
	struct own_queue queue;
	struct pvcon_back ring;
	struct pv_con_ring *shared; /* HOSTILE; NULL: not attached */
	struct pvcon_saved *saved;
	struct ev_timer again;
	bool idle; /* there was nothing at the last look */
	bool is_open;
	uint32_t window;
};

static struct pvcon *pvcon_of(const struct xb *xb)
{
	return xb->priv;
}

static void lie(struct pvcon *p)
{
	xb_fatal(&p->xb, "an index of the own ring is impossible");
}

/* ---- from the guest ----------------------------------------------------------- */

static void look_again(struct pvcon *p, double pause)
{
	ev_timer_stop(p->xb.loop, &p->again);
	ev_timer_set(&p->again, pause, 0);
	ev_timer_start(p->xb.loop, &p->again);
}

/* Is it open, or not any more?  Who sees text from an end that was opened finds
 * what is typed going there, for this is looked at first. */
static void look_at_state(struct pvcon *p)
{
	bool was = p->is_open;

	p->is_open = PV_LOAD(p->shared->front_state) & PV_CON_OPEN;
	if (p->is_open != was)
		viewers_more(p->c->viewers);
}

/* How many bytes; or PVCON_LIE. */
static int take_text(struct pvcon *p)
{
	char text[PVCON_TEXT_AT_ONCE];
	int n = pvcon_drain_there(&p->ring.out);
	struct pvcon_saved saved;

	if (n <= 0)
		return n;
	look_at_state(p);
	n = n < PVCON_TEXT_AT_ONCE ? n : PVCON_TEXT_AT_ONCE;
	pvcon_drain_copy(&p->ring.out, text, (uint32_t)n);
	console_log(p->c, text, (size_t)n);
	pvcon_drain_done(&p->ring.out, (uint32_t)n);
	saved.out_cons = p->ring.out.cons;
	saved.mark = console_mark(p->c);
	__atomic_store_n(&p->saved->both, saved.both, __ATOMIC_RELEASE);
	if (pvcon_drain_tell(&p->ring.out))
		bus_notify(&p->queue.port);
	console_show(p->c, text, (size_t)n);
	return n;
}

static void serve(struct pvcon *p)
{
	double wait = limit_wait(&p->c->limit, ev_now(p->xb.loop));
	int n;

	if (wait > 0) {
		look_again(p, wait);
		return;
	}
	n = take_text(p);
	if (n < 0) {
		lie(p);
	} else if (n) {
		p->idle = false;
		/* Others have their turn first. */
		look_again(p, viewers_are_behind(p->c->viewers) ? BEHIND_PAUSE
								: 0);
	} else if (!p->idle) {
		p->idle = true;
		look_again(p, LINGER_PAUSE);
	} else if (pvcon_drain_sleep(&p->ring.out)) {
		look_again(p, 0);
	}
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	serve(w->data);
}

static void on_event(struct bus_port *port)
{
	struct pvcon *p = (struct pvcon *)((char *)port -
					   offsetof(struct pvcon, queue.port));
	bool moved = pvcon_fill_moved(&p->ring.in);
	bool awake = ev_is_active(&p->again);

	if (pvcon_fill_room(&p->ring.in) < 0) {
		lie(p);
		return;
	}
	if (moved)
		viewers_more(p->c->viewers);
	/* HOSTILE: what was not asked for counts as bringing nothing. */
	if (!moved && (awake || !pvcon_drain_there(&p->ring.out)))
		bus_idle_event(port);
	look_at_state(p);
	if (!awake)
		serve(p);
}

/* ---- to the guest --------------------------------------------------------------- */

bool pvcon_is_open(const struct pvcon *p)
{
	return p->shared && p->is_open;
}

size_t pvcon_room(struct pvcon *p)
{
	int room;

	do
		room = pvcon_fill_room(&p->ring.in);
	while (!room && pvcon_fill_wait(&p->ring.in));
	/* A lie is found out with the next event. */
	return room > 0 ? (size_t)room : 0;
}

void pvcon_type(struct pvcon *p, const char *text, size_t bytes)
{
	pvcon_fill_put(&p->ring.in, text, (uint32_t)bytes);
	if (pvcon_fill_push(&p->ring.in))
		bus_notify(&p->queue.port);
}

void pvcon_resize(struct pvcon *p, uint16_t rows, uint16_t columns)
{
	p->window = (uint32_t)rows << 16 | columns;
	if (!p->shared)
		return;
	PV_STORE(p->shared->window, p->window);
	bus_notify(&p->queue.port);
}

/* ---- the device -------------------------------------------------------------------- */

static void publish(struct xb *xb)
{
	own_publish(xb, PV_CON_VERSION);
}

/* What a predecessor logged is taken; what it said of the ring is not enough to
 * trust it. */
static bool go_on(struct pvcon *p, bool resume)
{
	uint32_t ahead = p->saved->out_cons - p->ring.out.cons;

	if (!resume) {
		p->saved->out_cons = p->ring.out.cons;
		return true;
	}
	if (ahead > (uint32_t)pvcon_drain_there(&p->ring.out))
		return false;
	pvcon_drain_done(&p->ring.out, ahead);
	return true;
}

static int attach_ring(struct pvcon *p, bool resume)
{
	struct xb *xb = &p->xb;
	struct pv_con_dir dir;
	bool wanted;

	if (own_wanted(xb, PV_CON_VERSION, &wanted))
		return -1;
	if (!wanted)
		return xb_error(xb, "protocol-pv: missing");
	if (own_read(xb, &p->queue, 0, &dir, sizeof(dir)) ||
	    own_map(xb, &p->queue, dir.ref, pvcon_back_dir(&dir)))
		return -1;
	if (!pvcon_back_attach(&p->ring, p->queue.map, &dir) ||
	    !go_on(p, resume))
		return xb_error(xb, "an index of the own ring is impossible");
	if (own_bind(xb, &p->queue, on_event))
		return -1;
	log_line("connected, ring=own pages=%u+%u", dir.nr_out, dir.nr_in);
	return 0;
}

static int attach(struct xb *xb, bool resume)
{
	struct pvcon *p = pvcon_of(xb);

	if (attach_ring(p, resume)) {
		own_release(xb, &p->queue);
		return -1;
	}
	p->shared = p->queue.map;
	p->idle = false;
	PV_STORE(p->shared->window, p->window);
	look_at_state(p);
	/* What a predecessor did may be there unannounced. */
	bus_notify(&p->queue.port);
	return 0;
}

static void detach(struct xb *xb)
{
	struct pvcon *p = pvcon_of(xb);

	ev_timer_stop(xb->loop, &p->again);
	/* Its last words, which may have come with the end: a pipe's at most. */
	for (int n, left = (int)p->ring.out.size; left > 0; left -= n) {
		n = take_text(p);
		if (n <= 0)
			break;
	}
	p->shared = NULL;
	own_release(xb, &p->queue);
	viewers_more(p->c->viewers);
}

static void no_close(struct xb *xb)
{
	(void)xb;
}

static const struct xb_driver driver = {
	.type = "console",
	.program = "consoled",
	.is_inner = true,
	.publish = publish,
	.attach = attach,
	.detach = detach,
	.close = no_close,
};

/* ---- beside the stock ring ---------------------------------------------------------- */

struct pvcon *pvcon_open(struct console *c)
{
	struct pvcon_journal *journal = &c->saved->own;
	struct pvcon *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->c = c;
	p->saved = &journal->saved;
	p->xb = (struct xb){
		.drv = &driver,
		.priv = p,
		.loop = c->xb->loop,
		.bus = c->xb->bus,
		.domid = c->xb->domid,
		.devid = c->xb->devid,
		.journal = {.map = journal, .bytes = sizeof(*journal)},
	};
	ev_init(&p->again, on_again);
	p->again.data = p;
	snprintf(p->xb.back, sizeof(p->xb.back), "%.200s/own", c->xb->back);
	if (!store_open(&p->xb.store, p->xb.loop) && !xb_find(&p->xb))
		return p;
	pvcon_close(p);
	return NULL;
}

void pvcon_close(struct pvcon *p)
{
	store_close(&p->xb.store);
	free(p);
}

void pvcon_start(struct pvcon *p)
{
	p->xb.published = p->xb.ended = false;
	xb_start(&p->xb);
}

void pvcon_stop(struct pvcon *p)
{
	xb_stop(&p->xb);
}
