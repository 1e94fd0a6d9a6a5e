/* SPDX-License-Identifier: MIT */
/*
 * The state machine of a device's backend end.
 *
 * It looks at the states as they are now, never at how they came about, so a
 * backend that was started again needs nothing but the store to go on.
 *
 *	own \ front   none  Init..,InitWait  Initialised,Connected  Closing  Closed
 *	Initialising  publish (whatever the frontend says)
 *	InitWait      -     -                attach                 closing  closed
 *	Connected     closed  publish        (resume)               closing  closed
 *	Closing       closed  publish        -                      -        closed
 *	Closed        -     publish          -                      -        -
 *
 * That is for a device that shall stay.  One that shall go says Closing to a
 * frontend that uses it, and Closed as soon as none does.
 *
 * PURE
 */
#include <pv/io/xenbus.h>

#include "pv-backends/common/xb_state.h"

/* The frontend has no ring in use, or says so. */
static bool front_is_down(int front)
{
	return front == XenbusStateUnknown || front == XenbusStateClosed;
}

static bool front_is_new(int front)
{
	return front == XenbusStateInitialising || front == XenbusStateInitWait;
}

static bool front_is_up(int front)
{
	return front == XenbusStateInitialised || front == XenbusStateConnected;
}

static enum xb_action next_offline(const struct xb_view *v)
{
	if (v->own == XenbusStateClosed)
		return XB_END;
	if (front_is_up(v->front) || v->front == XenbusStateClosing) {
		if (!v->attached && v->resumable)
			return XB_RESUME;
		if (v->attached)
			return v->own == XenbusStateClosing ? XB_NONE
							    : XB_CLOSING;
	}
	return XB_CLOSED;
}

static enum xb_action next_online(const struct xb_view *v)
{
	switch (v->own) {
	case XenbusStateInitWait:
		if (!v->published)
			return XB_PUBLISH;
		if (front_is_up(v->front))
			return XB_ATTACH;
		if (v->front == XenbusStateClosing)
			return XB_CLOSING;
		return v->front == XenbusStateClosed ? XB_CLOSED : XB_NONE;
	case XenbusStateConnected:
		if (front_is_down(v->front))
			return XB_CLOSED;
		if (front_is_new(v->front))
			return XB_PUBLISH;
		if (!v->attached)
			return XB_RESUME;
		return v->front == XenbusStateClosing ? XB_CLOSING : XB_NONE;
	case XenbusStateClosing:
		if (front_is_down(v->front))
			return XB_CLOSED;
		if (front_is_new(v->front))
			return XB_PUBLISH;
		return !v->attached && v->resumable ? XB_RESUME : XB_NONE;
	case XenbusStateClosed:
		return front_is_new(v->front) ? XB_PUBLISH : XB_NONE;
	default:
		return XB_PUBLISH;
	}
}

enum xb_action xb_next(const struct xb_view *v)
{
	if (v->gone)
		return XB_END;
	return v->online ? next_online(v) : next_offline(v);
}
