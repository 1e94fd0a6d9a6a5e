/* SPDX-License-Identifier: MIT */
/*
 * What a backend shares with other domains: their grants, and event channels.
 *
 * Two kinds of it: "xen", through the kernel's devices (tools/pvlib), and
 * "files:DIR", without a hypervisor, for tests:
 *
 *	DIR/D.memory	   the frames of domain D; grant N is frame N, and
 *			   ends when the file is cut
 *	DIR/D.N.up	   FIFO: a byte for each event on port N to the backend
 *	DIR/D.N.down	   and from it
 *
 * Errors are negative errno numbers; bus_error() has the reason in one line.
 */
#ifndef PV_BACKENDS_COMMON_BUS_H
#define PV_BACKENDS_COMMON_BUS_H

#include <ev.h>

#include "pv-backends/common/limit.h"
#include "tools/pvlib/pv.h"

struct bus;

struct bus_port {
	struct bus *bus;
	void (*event)(struct bus_port *p);
	int local; /* own port, or descriptor; -1: not bound */
	int out_fd;
	domid_t domid;
	struct limit idle; /* events that brought nothing */
	struct ev_timer rest; /* runs: there were too many, it is masked */
	struct bus_port *next;
};

/* kind NULL: "xen".  NULL with bus_error(). */
struct bus *bus_open(const char *kind, struct ev_loop *loop);
void bus_close(struct bus *bus);
/* For ever: ports towards that domain only. */
void bus_restrict(struct bus *bus, domid_t domid);
const char *bus_error(void);

void *bus_map(struct bus *bus, domid_t domid, const uint32_t *refs,
	      unsigned int nr);
void bus_unmap(struct bus *bus, void *map, unsigned int nr);
/* As pv_gnt_copy(): 0 when all were tried. */
int bus_copy(struct bus *bus, struct pv_gnt_copy *pieces, unsigned int nr);

/* p->event is set by the caller; it runs once soon after. */
int bus_bind(struct bus *bus, struct bus_port *p, domid_t domid,
	     uint32_t remote);
void bus_unbind(struct bus_port *p);
void bus_notify(struct bus_port *p);
/* In p->event: this event brought nothing.  A port that has many such stays
 * masked for a moment, and sends in vain meanwhile. */
void bus_idle_event(struct bus_port *p);

/* What a kind of bus provides: bus.c calls it, nobody else. */
struct bus_ops {
	int (*open)(struct bus *bus, const char *arg);
	void (*close)(struct bus *bus);
	void (*restrict_to)(struct bus *bus, domid_t domid);
	void *(*map)(struct bus *bus, domid_t domid, const uint32_t *refs,
		     unsigned int nr);
	void (*unmap)(struct bus *bus, void *map, unsigned int nr);
	int (*copy)(struct bus *bus, struct pv_gnt_copy *pieces,
		    unsigned int nr);
	int (*bind)(struct bus *bus, struct bus_port *p, uint32_t remote);
	void (*unbind)(struct bus *bus, struct bus_port *p);
	void (*notify)(struct bus *bus, struct bus_port *p);
	/* The next port with an event, or NULL; and to let it have more. */
	int (*pending)(struct bus *bus);
	void (*unmask)(struct bus *bus, struct bus_port *p);
};

struct bus {
	const struct bus_ops *ops;
	struct ev_loop *loop;
	struct ev_io io; /* ops->open sets its descriptor */
	struct bus_port *ports;
	struct pv_gnt *gnt; /* xen */
	struct pv_evtchn *evtchn;
	const char *dir; /* files */
};

extern const struct bus_ops bus_ops_xen, bus_ops_files;

#endif
