/* SPDX-License-Identifier: MIT */
/*
 * parapet-consoled: the driver of consoles.
 *
 *	guest's ring -> log file, pty, clients
 *	pty, one client -> guest's ring
 *
 * A guest that writes without end is read at a limited rate, so it fills no
 * disk quickly and takes no time from others; its ring is full meanwhile, and
 * it waits.  It sends an event for every few bytes; so all of them count as
 * idle, and when there are many the ring is read less often, more at a time.
 *
 * The first console has a frontend without states in the store: its ring is
 * there from the start, under a grant with a fixed number.  Beside it the guest
 * may use the own ring (pvcon/): text of both is one text, what is typed goes to
 * the own one while somebody in the guest has it open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/grant_table.h>

#include "pv-backends/common/worker.h"
#include "pv-backends/console/console.h"

enum {
	RATE = 256 << 10, /* bytes a second that are read */
	BURST = 1 << 20,
};

static void lie(struct console *c)
{
	xb_fatal(c->xb, "an index of the ring is impossible");
}

/* ---- from the guest ------------------------------------------------------------------- */

void console_log(struct console *c, const char *text, size_t bytes)
{
	logfile_write(&c->log, text, bytes);
}

uint32_t console_mark(const struct console *c)
{
	return logfile_mark(&c->log);
}

/* Both, one of which is that already. */
static void save_mark(struct console *c)
{
	uint32_t mark = console_mark(c);

	/* ORDER: behind the one that was saved with an index. */
	__atomic_store_n(&c->saved->stock.mark, mark, __ATOMIC_RELEASE);
	__atomic_store_n(&c->saved->own.saved.mark, mark, __ATOMIC_RELEASE);
}

void console_show(struct console *c, const char *text, size_t bytes)
{
	save_mark(c);
	viewers_show(c->viewers, text, bytes);
	limit_take(&c->limit, (double)bytes);
}

/* How many bytes; negative: a lie. */
static int take_text(struct console *c)
{
	char text[XENCONS_OUT_SIZE];
	int n = stream_peek(&c->stream, text, sizeof(text));

	if (n <= 0)
		return n;
	console_log(c, text, (size_t)n);
	stream_take(&c->stream, (uint32_t)n, console_mark(c));
	bus_notify(&c->port);
	console_show(c, text, (size_t)n);
	return n;
}

static void look_again(struct console *c, double pause)
{
	ev_timer_stop(c->xb->loop, &c->again);
	ev_timer_set(&c->again, pause, 0);
	ev_timer_start(c->xb->loop, &c->again);
}

static void read_ring(struct console *c)
{
	double wait = limit_wait(&c->limit, ev_now(c->xb->loop));
	int n;

	if (wait > 0) {
		look_again(c, wait);
		return;
	}
	n = take_text(c);
	if (n < 0)
		lie(c);
	else if (n)
		/* More may have come; others have their turn first. */
		look_again(c, 0);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct console *c = w->data;

	(void)loop;
	(void)what;
	if (c->page)
		read_ring(c);
}

static void on_event(struct bus_port *p)
{
	struct console *c =
		(struct console *)((char *)p - offsetof(struct console, port));

	if (stream_room(&c->stream) < 0) {
		lie(c);
		return;
	}
	viewers_more(c->viewers);
	bus_idle_event(p);
	if (!ev_is_active(&c->again))
		read_ring(c);
}

/* ---- to the guest ------------------------------------------------------------------------ */

static bool is_own(const struct console *c)
{
	return c->own && pvcon_is_open(c->own);
}

static size_t room(void *owner)
{
	struct console *c = owner;
	int n;

	if (is_own(c))
		return pvcon_room(c->own);
	n = c->page ? stream_room(&c->stream) : 0;
	return n > 0 ? (size_t)n : 0;
}

static void typed(void *owner, const char *text, size_t bytes)
{
	struct console *c = owner;

	if (is_own(c)) {
		pvcon_type(c->own, text, bytes);
		return;
	}
	stream_put(&c->stream, text, (uint32_t)bytes);
	bus_notify(&c->port);
}

static void resized(void *owner, uint16_t rows, uint16_t columns)
{
	struct console *c = owner;

	if (c->own)
		pvcon_resize(c->own, rows, columns);
}

static const struct viewers_ops viewers_ops = {
	.typed = typed,
	.room = room,
	.resized = resized,
};

/* ---- the device ----------------------------------------------------------------------------- */

static void console_close(struct xb *xb)
{
	struct console *c = xb->priv;

	if (c->own)
		pvcon_close(c->own);
	if (c->viewers)
		viewers_close(c->viewers);
	logfile_close(&c->log);
	free(c);
	xb->priv = NULL;
}

static int open_log(struct console *c)
{
	struct xb *xb = c->xb;
	struct store_value path, append;
	int rc;

	store_get(&xb->store, xb->back, "log", &path);
	store_get(&xb->store, xb->back, "log-append", &append);
	if (store_flush(&xb->store))
		return xb_error(xb, "the store does not answer");
	/* A process that was started again never begins anew. */
	rc = logfile_open(&c->log, path.there ? path.text : NULL,
			  xb->connection || !strcmp(append.text, "1"));
	return rc ? xb_error(xb, "log %.200s: %s", path.text, strerror(-rc))
		  : 0;
}

static int console_open(struct xb *xb)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return xb_error(xb, "no memory");
	xb->priv = c;
	c->xb = xb;
	c->saved = journal_data(&xb->journal);
	ev_init(&c->again, on_again);
	c->again.data = c;
	limit_set(&c->limit, RATE, BURST, ev_now(xb->loop));
	if (!open_log(c)) {
		c->viewers =
			viewers_open(xb->loop, xb->socket, &viewers_ops, c);
		if (c->viewers) {
			c->own = pvcon_open(c);
			return 0;
		}
		xb_error(xb, "%s: %s", xb->socket, strerror(errno));
	}
	console_close(xb);
	return -1;
}

static void console_publish(struct xb *xb)
{
	const struct console *c = xb->priv;

	store_put(&xb->store, xb->front, "tty", "%s", viewers_tty(c->viewers));
	store_put(&xb->store, xb->front, "socket", "%s", xb->socket);
}

/* What a predecessor wrote there and did not take comes again. */
static void cut_log(struct console *c)
{
	uint32_t mark = c->saved->stock.mark;

	if (console_mark(c) != c->saved->own.saved.mark)
		logfile_cut(&c->log, mark, PVCON_TEXT_AT_ONCE);
}

static int console_attach(struct xb *xb, bool resume)
{
	struct console *c = xb->priv;
	uint64_t ref = GNTTAB_RESERVED_CONSOLE, port;
	uint32_t ref32;

	if (xb_number(xb, xb->front, "port", UINT32_MAX, 0, &port) ||
	    (!xb->silent &&
	     xb_number(xb, xb->front, "ring-ref", UINT32_MAX, 0, &ref)))
		return -1;
	if (!port)
		return xb_error(xb, "port: missing");
	ref32 = (uint32_t)ref;
	c->page = bus_map(xb->bus, xb->domid, &ref32, 1);
	if (!c->page)
		return xb_error(xb, "%s", bus_error());
	stream_attach(&c->stream, c->page, &c->saved->stock, resume);
	if (resume)
		cut_log(c);
	save_mark(c);
	c->port.event = on_event;
	if (!bus_bind(xb->bus, &c->port, xb->domid, (uint32_t)port)) {
		bus_notify(&c->port);
		return 0;
	}
	bus_unmap(xb->bus, c->page, 1);
	c->page = NULL;
	return xb_error(xb, "%s", bus_error());
}

static void console_detach(struct xb *xb)
{
	struct console *c = xb->priv;

	if (c->own)
		pvcon_stop(c->own);
	ev_timer_stop(xb->loop, &c->again);
	/* Its last words, which may have come with the end. */
	take_text(c);
	bus_unbind(&c->port);
	bus_unmap(xb->bus, c->page, 1);
	c->page = NULL;
}

/* A successor has another pty. */
static void console_connected(struct xb *xb)
{
	struct console *c = xb->priv;

	console_publish(xb);
	if (c->own)
		pvcon_start(c->own);
}

static const struct xb_driver driver = {
	.type = "console",
	.program = "consoled",
	.journal_bytes = sizeof(struct console_saved),
	.may_be_silent = true,
	.open = console_open,
	.close = console_close,
	.publish = console_publish,
	.attach = console_attach,
	.detach = console_detach,
	.connected = console_connected,
};

int main(int argc, char **argv)
{
	return backend_main(&driver, argc, argv);
}
