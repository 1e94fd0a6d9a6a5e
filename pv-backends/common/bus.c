/* SPDX-License-Identifier: MIT */
/*
 * Grants and event channels: what both kinds have in common.
 *
 * A port stays masked from the moment its event is taken until its function
 * has run, so a frontend that sends without end costs one turn of the loop for
 * each event, and other ports have their turns in between.
 *
 * HOSTILE  Events that bring nothing would still keep the control domain busy.
 * Some come from honest frontends, too (we saw the request before its event),
 * so they are only counted: IDLE_BURST in advance and IDLE_RATE a second; a
 * port that has more rests, masked.  An event meanwhile is not lost, but seen
 * when the rest is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/common/bus.h"

enum {
	EVENTS_AT_ONCE = 64, /* before other sources of events are looked at */
	IDLE_RATE = 2000,
	IDLE_BURST = 2000,
};

static struct bus_port *find(const struct bus *bus, int local)
{
	struct bus_port *p = bus->ports;

	while (p && p->local != local)
		p = p->next;
	return p;
}

/* As many as can have an event now: asking for one more to hear that there is
 * none would be a system call for each event of a device with one port. */
static unsigned int events_at_once(const struct bus *bus)
{
	unsigned int nr = 0;

	for (const struct bus_port *p = bus->ports; p; p = p->next)
		nr++;
	return nr && nr < EVENTS_AT_ONCE ? nr : EVENTS_AT_ONCE;
}

static void on_rested(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct bus_port *p = w->data;

	(void)loop;
	(void)what;
	p->bus->ops->unmask(p->bus, p);
}

void bus_idle_event(struct bus_port *p)
{
	limit_take(&p->idle, 1);
}

static void unmask_or_rest(struct bus *bus, struct bus_port *p)
{
	double wait = limit_wait(&p->idle, ev_now(bus->loop));

	if (wait > 0) {
		ev_timer_set(&p->rest, wait, 0);
		ev_timer_start(bus->loop, &p->rest);
	} else {
		bus->ops->unmask(bus, p);
	}
}

static void on_events(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct bus *bus = io->data;
	unsigned int nr = events_at_once(bus);
	struct bus_port *p;

	(void)loop;
	(void)what;
	for (unsigned int i = 0; i < nr; i++) {
		int local = bus->ops->pending(bus);

		if (local < 0)
			return;
		p = find(bus, local);
		if (!p)
			continue;
		p->event(p);
		p = find(bus, local); /* it may have gone */
		if (p)
			unmask_or_rest(bus, p);
	}
}

struct bus *bus_open(const char *kind, struct ev_loop *loop)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	const char *arg = NULL;

	if (!bus)
		return NULL;
	bus->loop = loop;
	bus->ops = &bus_ops_xen;
	if (kind && !strncmp(kind, "files:", 6)) {
		bus->ops = &bus_ops_files;
		arg = kind + 6;
	} else if (kind && strcmp(kind, "xen")) {
		free(bus);
		errno = EINVAL;
		return NULL;
	}
	ev_init(&bus->io, on_events);
	bus->io.data = bus;
	if (bus->ops->open(bus, arg)) {
		free(bus);
		return NULL;
	}
	ev_io_start(loop, &bus->io);
	return bus;
}

void bus_close(struct bus *bus)
{
	if (!bus)
		return;
	while (bus->ports)
		bus_unbind(bus->ports);
	ev_io_stop(bus->loop, &bus->io);
	bus->ops->close(bus);
	free(bus);
}

void bus_restrict(struct bus *bus, domid_t domid)
{
	bus->ops->restrict_to(bus, domid);
}

const char *bus_error(void)
{
	return pv_error();
}

void *bus_map(struct bus *bus, domid_t domid, const uint32_t *refs,
	      unsigned int nr)
{
	return bus->ops->map(bus, domid, refs, nr);
}

void bus_unmap(struct bus *bus, void *map, unsigned int nr)
{
	bus->ops->unmap(bus, map, nr);
}

int bus_copy(struct bus *bus, struct pv_gnt_copy *pieces, unsigned int nr)
{
	return nr ? bus->ops->copy(bus, pieces, nr) : 0;
}

int bus_bind(struct bus *bus, struct bus_port *p, domid_t domid,
	     uint32_t remote)
{
	int rc;

	p->bus = bus;
	p->domid = domid;
	p->out_fd = -1;
	p->local = -1;
	limit_set(&p->idle, IDLE_RATE, IDLE_BURST, ev_now(bus->loop));
	ev_init(&p->rest, on_rested);
	p->rest.data = p;
	rc = bus->ops->bind(bus, p, remote);
	if (rc < 0)
		return rc;
	p->next = bus->ports;
	bus->ports = p;
	return 0;
}

void bus_unbind(struct bus_port *p)
{
	struct bus_port **at;

	if (!p->bus)
		return;
	for (at = &p->bus->ports; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	ev_timer_stop(p->bus->loop, &p->rest);
	p->bus->ops->unbind(p->bus, p);
	p->bus = NULL;
	p->local = -1;
}

void bus_notify(struct bus_port *p)
{
	if (p->bus)
		p->bus->ops->notify(p->bus, p);
}
