/* SPDX-License-Identifier: MIT */
/*
 * One device of a frontend: its nodes in the store, its states, its rings.
 *
 * A driver (vbd, vif) gives its functions in a struct xb_driver.  Those that
 * return int return 0, or -1 after xb_error().
 */
#ifndef PV_BACKENDS_COMMON_XENBUS_H
#define PV_BACKENDS_COMMON_XENBUS_H

#include "pv-backends/common/bus.h"
#include "pv-backends/common/journal.h"
#include "pv-backends/common/log.h"
#include "pv-backends/common/store.h"

struct xb;

struct xb_driver {
	const char *type; /* folder below backend/                        */
	const char *program;
	size_t journal_bytes; /* at most                                  */
	/* A frontend without a state is connected from the start, and until
	 * the toolstack ends the device. */
	bool may_be_silent;
	/* Another device's process serves it, and goes on without it. */
	bool is_inner;
	/* What takes its time and is the same for all devices, before there is
	 * one; may be NULL. */
	void (*prepare)(void);
	/* Open what the device stands for; rights are dropped afterwards. */
	int (*open)(struct xb *xb);
	void (*close)(struct xb *xb);
	/* store_put() what the frontend has to know. */
	void (*publish)(struct xb *xb);
	/* Read the frontend's keys, map its rings, start. */
	int (*attach)(struct xb *xb, bool resume);
	void (*detach)(struct xb *xb);
	/* store_put() what belongs to Connected; may be NULL. */
	void (*connected)(struct xb *xb);
	/* The toolstack wrote a key that `watched` names; may be NULL. */
	const char *const *watched;
	void (*changed)(struct xb *xb, const char *key);
	/* In the supervisor: the device has ended, perhaps with its process
	 * killed; may be NULL. */
	void (*forgotten)(domid_t domid, uint32_t devid);
};

struct xb {
	const struct xb_driver *drv;
	void *priv; /* the driver's */
	struct ev_loop *loop;
	struct store store;
	struct bus *bus;
	struct journal journal;
	domid_t domid;
	uint32_t devid;
	char back[STORE_PATH], front[STORE_PATH];
	char instance[32]; /* of the device at `back`, or empty */
	uint64_t connection; /* names it in store and journal; 0: none */
	int own; /* state as we wrote it last, or found it */
	bool published, attached;
	bool to_look; /* a state changed */
	bool silent; /* the frontend has no state */
	char socket[STORE_PATH]; /* a path for one, in the run folder */
	bool ended; /* the device is gone, or closed for good */
	bool network; /* set by open: it needs sockets later   */
	char error[320];
};

/* Keep the reason; returns -1. */
int xb_error(struct xb *xb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The frontend broke the protocol: tell the log and the store, let go of its
 * rings, close. */
void xb_fatal(struct xb *xb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Find the device in the store, at xb->back if that is set; -1: it is not there
 * (yet). */
int xb_find(struct xb *xb);
/* Tell the toolstack how opening the device went; rc and, if it is not 0,
 * xb->error. */
void xb_report(struct xb *xb, int rc);
/* Watch, and do what the states ask for. */
void xb_start(struct xb *xb);
void xb_stop(struct xb *xb);
/* Write keys of Connected and the state again: frontends look then. */
void xb_announce(struct xb *xb);

/* A key of either end as a number up to max; missing: fallback; else -1. */
int xb_number(struct xb *xb, const char *dir, const char *key, uint64_t max,
	      uint64_t fallback, uint64_t *number);

#endif
