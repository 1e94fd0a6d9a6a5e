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
 * idle, and when there are many the ring is read less often, more at a time.  The first console has a frontend without states in the store: its
 * ring is there from the start, under a grant with a fixed number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/grant_table.h>

#include "pv-backends/common/limit.h"
#include "pv-backends/common/worker.h"
#include "pv-backends/console/console.h"
#include "pv-backends/console/stream.h"

enum {
	RATE = 256 << 10, /* bytes a second that are read */
	BURST = 1 << 20,
};

struct console {
	struct xb *xb;
	struct logfile log;
	struct viewers *viewers;
	struct stream stream;
	void *page; /* NULL: not attached */
	struct bus_port port;
	struct limit limit;
	struct ev_timer again;
};

static void lie(struct console *c)
{
	xb_fatal(c->xb, "an index of the ring is impossible");
}

/* ---- from the guest ------------------------------------------------------------------- */

static void read_ring(struct console *c)
{
	char text[XENCONS_OUT_SIZE];
	double wait = limit_wait(&c->limit, ev_now(c->xb->loop));
	int n;

	if (wait > 0) {
		ev_timer_stop(c->xb->loop, &c->again);
		ev_timer_set(&c->again, wait, 0);
		ev_timer_start(c->xb->loop, &c->again);
		return;
	}
	n = stream_peek(&c->stream, text, sizeof(text));
	if (n < 0) {
		lie(c);
		return;
	}
	if (!n)
		return;
	logfile_write(&c->log, text, (size_t)n);
	stream_take(&c->stream, (uint32_t)n, logfile_mark(&c->log));
	bus_notify(&c->port);
	viewers_show(c->viewers, text, (size_t)n);
	limit_take(&c->limit, n);
	/* More may have come; others have their turn first. */
	ev_timer_stop(c->xb->loop, &c->again);
	ev_timer_set(&c->again, 0, 0);
	ev_timer_start(c->xb->loop, &c->again);
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

static size_t room(void *owner)
{
	struct console *c = owner;
	int n = c->page ? stream_room(&c->stream) : 0;

	return n > 0 ? (size_t)n : 0;
}

static void typed(void *owner, const char *text, size_t bytes)
{
	struct console *c = owner;

	stream_put(&c->stream, text, (uint32_t)bytes);
	bus_notify(&c->port);
}

static const struct viewers_ops viewers_ops = {
	.typed = typed,
	.room = room,
};

/* ---- the device ----------------------------------------------------------------------------- */

static void console_close(struct xb *xb)
{
	struct console *c = xb->priv;

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
	ev_init(&c->again, on_again);
	c->again.data = c;
	limit_set(&c->limit, RATE, BURST, ev_now(xb->loop));
	if (!open_log(c)) {
		c->viewers =
			viewers_open(xb->loop, xb->socket, &viewers_ops, c);
		if (c->viewers)
			return 0;
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
	stream_attach(&c->stream, c->page, journal_data(&xb->journal), resume);
	/* What a predecessor wrote there and did not take comes again. */
	if (resume)
		logfile_cut(&c->log, c->stream.saved->mark, XENCONS_OUT_SIZE);
	c->port.event = on_event;
	if (!bus_bind(xb->bus, &c->port, xb->domid, (uint32_t)port)) {
		bus_notify(&c->port);
		return 0;
	}
	bus_unmap(xb->bus, c->page, 1);
	c->page = NULL;
	return xb_error(xb, "%s", bus_error());
}

/* Its last words, which may have come with the end. */
static void read_rest(struct console *c)
{
	char text[XENCONS_OUT_SIZE];
	int n = stream_peek(&c->stream, text, sizeof(text));

	if (n <= 0)
		return;
	logfile_write(&c->log, text, (size_t)n);
	stream_take(&c->stream, (uint32_t)n, logfile_mark(&c->log));
	viewers_show(c->viewers, text, (size_t)n);
}

static void console_detach(struct xb *xb)
{
	struct console *c = xb->priv;

	ev_timer_stop(xb->loop, &c->again);
	bus_unbind(&c->port);
	read_rest(c);
	bus_unmap(xb->bus, c->page, 1);
	c->page = NULL;
}

static const struct xb_driver driver = {
	.type = "console",
	.program = "consoled",
	.journal_bytes = sizeof(struct stream_saved),
	.may_be_silent = true,
	.open = console_open,
	.close = console_close,
	.publish = console_publish,
	.attach = console_attach,
	.detach = console_detach,
	/* A successor has another pty. */
	.connected = console_publish,
};

int main(int argc, char **argv)
{
	return backend_main(&driver, argc, argv);
}
