/* SPDX-License-Identifier: MIT */
/*
 * One device: carrying out what the state machine (xb_state.c) decides.
 *
 * A failure of ours is written to hotplug-error for the toolstack; one of the
 * frontend's to the error folder, where Linux has it too:
 *
 *	/local/domain/0/error/backend/TYPE/D/ID/error
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <pv/io/xenbus.h>

#include "pv-backends/common/xb_state.h"
#include "pv-backends/common/xenbus.h"

int xb_error(struct xb *xb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(xb->error, sizeof(xb->error), fmt, ap);
	va_end(ap);
	return -1;
}

int xb_number(struct xb *xb, const char *dir, const char *key, uint64_t max,
	      uint64_t fallback, uint64_t *number)
{
	struct store_value v;

	*number = fallback;
	if (!store_read(&xb->store, dir, key, &v))
		return 0;
	if (store_number(&v, max, number))
		return 0;
	return xb_error(xb, "%s: \"%.40s\" is not a number up to %" PRIu64, key,
			v.text, max);
}

static void put_state(struct xb *xb, int state)
{
	xb->own = state;
	store_put(&xb->store, xb->back, "state", "%d", state);
}

static void put_error(struct xb *xb)
{
	char dir[STORE_PATH];

	snprintf(dir, sizeof(dir), "/local/domain/0/error/backend/%s/%u/%u",
		 xb->drv->type, xb->domid, xb->devid);
	store_put(&xb->store, dir, "error", "%s", xb->error);
}

static void detach(struct xb *xb)
{
	if (xb->attached)
		xb->drv->detach(xb);
	xb->attached = false;
	if (xb->connection) {
		journal_forget(&xb->journal);
		store_remove(&xb->store, xb->back, "connection");
	}
	xb->connection = 0;
}

static void give_up(struct xb *xb)
{
	log_guest("%s", xb->error);
	put_error(xb);
	detach(xb);
	put_state(xb, XenbusStateClosing);
	store_flush(&xb->store);
}

void xb_fatal(struct xb *xb, const char *fmt, ...)
{
	char why[sizeof(xb->error)]; /* xb->error may be an argument */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	strcpy(xb->error, why);
	give_up(xb);
}

int xb_find(struct xb *xb)
{
	struct store_value front, connection, state, instance;

	if (!*xb->back)
		snprintf(xb->back, sizeof(xb->back),
			 "/parapet/backend/%s/%u/%u", xb->drv->type, xb->domid,
			 xb->devid);
	store_get(&xb->store, xb->back, "frontend", &front);
	store_get(&xb->store, xb->back, "connection", &connection);
	store_get(&xb->store, xb->back, "state", &state);
	store_get(&xb->store, xb->back, "instance", &instance);
	if (store_flush(&xb->store))
		return xb_error(xb, "store: %s", strerror(errno));
	if (!front.there || strlen(front.text) >= sizeof(xb->front))
		return xb_error(xb, "%s: no such device", xb->back);
	strcpy(xb->front, front.text);
	snprintf(xb->instance, sizeof(xb->instance), "%.31s", instance.text);
	xb->connection = strtoull(connection.text, NULL, 16);
	return 0;
}

void xb_report(struct xb *xb, int rc)
{
	if (rc) {
		log_line("%s", xb->error);
		store_put(&xb->store, xb->back, "hotplug-error", "%s",
			  xb->error);
	}
	store_put(&xb->store, xb->back, "hotplug-status", "%s",
		  rc ? "error" : "connected");
	store_flush(&xb->store);
}

static void publish(struct xb *xb)
{
	detach(xb);
	xb->published = true;
	xb->drv->publish(xb);
	put_state(xb, XenbusStateInitWait);
	store_flush(&xb->store);
}

/* The toolstack takes the device away, and perhaps the domain with it. */
static bool is_ending(struct xb *xb)
{
	struct store_value online;

	return !store_read(&xb->store, xb->back, "online", &online) ||
	       strcmp(online.text, "1") != 0;
}

static void connect(struct xb *xb, bool resume)
{
	bool same = resume && journal_is_of(&xb->journal, xb->connection);

	if (resume && !same)
		log_line("no journal of this connection: going by the ring");
	if (!same) {
		journal_forget(&xb->journal);
		if (getrandom(&xb->connection, sizeof(xb->connection), 0) < 0 ||
		    !xb->connection)
			xb->connection = 1;
	}
	if (xb->drv->attach(xb, same)) {
		if (!is_ending(xb))
			give_up(xb);
		return;
	}
	xb->attached = true;
	if (!same) {
		journal_begin(&xb->journal, xb->connection);
		store_put(&xb->store, xb->back, "connection", "%016" PRIx64,
			  xb->connection);
	}
	if (xb->own == XenbusStateClosing)
		return;
	if (xb->drv->connected)
		xb->drv->connected(xb);
	if (!resume)
		put_state(xb, XenbusStateConnected);
	store_flush(&xb->store);
}

void xb_announce(struct xb *xb)
{
	if (!xb->attached || xb->own != XenbusStateConnected)
		return;
	if (xb->drv->connected)
		xb->drv->connected(xb);
	put_state(xb, XenbusStateConnected);
	store_flush(&xb->store);
}

static void act(struct xb *xb, enum xb_action action)
{
	switch (action) {
	case XB_PUBLISH:
		publish(xb);
		break;
	case XB_ATTACH:
	case XB_RESUME:
		connect(xb, action == XB_RESUME);
		break;
	case XB_CLOSED:
		detach(xb);
		/* fall through */
	case XB_CLOSING:
		put_state(xb, action == XB_CLOSED ? XenbusStateClosed
						  : XenbusStateClosing);
		store_flush(&xb->store);
		break;
	case XB_END:
		detach(xb);
		store_flush(&xb->store);
		xb->ended = true;
		if (!xb->drv->is_inner)
			ev_break(xb->loop, EVBREAK_ALL);
		break;
	case XB_NONE:
		break;
	}
}

/* Look at both states, and act until there is nothing to do. */
static void look(struct xb *xb)
{
	struct store_value front, own, online, instance;
	enum xb_action action;

	do {
		uint64_t f = 0, o = 0;
		struct xb_view v = {
			.published = xb->published,
			.attached = xb->attached,
		};

		store_get(&xb->store, xb->front, "state", &front);
		store_get(&xb->store, xb->back, "state", &own);
		store_get(&xb->store, xb->back, "online", &online);
		store_get(&xb->store, xb->back, "instance", &instance);
		if (store_flush(&xb->store))
			return;
		store_number(&front, XenbusStateReconfigured, &f);
		store_number(&own, XenbusStateReconfigured, &o);
		xb->own = v.own = (int)o;
		/* Removed, and perhaps there is another one already. */
		v.gone = !own.there || strcmp(instance.text, xb->instance) != 0;
		v.online = strcmp(online.text, "1") == 0;
		v.front = (int)f;
		xb->silent = xb->drv->may_be_silent && !front.there;
		if (xb->silent)
			v.front = v.online ? XenbusStateConnected
					   : XenbusStateClosed;
		v.resumable = journal_is_of(&xb->journal, xb->connection);
		action = xb_next(&v);
		act(xb, action);
		/* What the store refused would be refused again. */
	} while (action != XB_NONE && !xb->ended && xb->store.xs &&
		 !xb->store.failed);
}

static void on_event(struct store *s, const char *path, const char *token)
{
	struct xb *xb = s->owner;

	(void)path;
	if (strcmp(token, "state"))
		xb->drv->changed(xb, token);
	else
		xb->to_look = true;
}

/* One look for all that changed: both states and "online" often do at once. */
static void on_settled(struct store *s)
{
	struct xb *xb = s->owner;

	if (!xb->to_look || xb->ended)
		return;
	xb->to_look = false;
	look(xb);
}

void xb_start(struct xb *xb)
{
	struct store *s = &xb->store;

	s->owner = xb;
	s->event = on_event;
	s->settled = on_settled;
	store_watch(s, xb->front, "state", "state");
	store_watch(s, xb->back, "state", "state");
	store_watch(s, xb->back, "online", "state");
	for (const char *const *key = xb->drv->watched; key && *key; key++)
		store_watch(s, xb->back, *key, *key);
	store_flush(s);
	look(xb);
}

void xb_stop(struct xb *xb)
{
	if (xb->attached)
		xb->drv->detach(xb);
	xb->attached = false;
	xb->drv->close(xb);
}
