/* SPDX-License-Identifier: MIT */
/* Grants and event channels of a hypervisor, through libpv. */
#include "pv-backends/common/bus.h"

static int xen_open(struct bus *bus, const char *arg)
{
	(void)arg;
	bus->gnt = pv_gnt_open();
	if (!bus->gnt)
		return -1;
	bus->evtchn = pv_evtchn_open();
	if (!bus->evtchn) {
		pv_gnt_close(bus->gnt);
		return -1;
	}
	ev_io_set(&bus->io, pv_evtchn_fd(bus->evtchn), EV_READ);
	return 0;
}

static void xen_close(struct bus *bus)
{
	pv_evtchn_close(bus->evtchn);
	pv_gnt_close(bus->gnt);
}

static void xen_restrict(struct bus *bus, domid_t domid)
{
	pv_evtchn_restrict(bus->evtchn, domid);
}

static void *xen_map(struct bus *bus, domid_t domid, const uint32_t *refs,
		     unsigned int nr)
{
	return pv_gnt_map(bus->gnt, domid, refs, nr, true);
}

static void xen_unmap(struct bus *bus, void *map, unsigned int nr)
{
	pv_gnt_unmap(bus->gnt, map, nr);
}

static int xen_copy(struct bus *bus, struct pv_gnt_copy *pieces,
		    unsigned int nr)
{
	return pv_gnt_copy(bus->gnt, pieces, nr);
}

static int xen_bind(struct bus *bus, struct bus_port *p, uint32_t remote)
{
	int port = pv_evtchn_bind(bus->evtchn, p->domid, remote);

	if (port >= 0)
		p->local = port;
	return port;
}

static void xen_unbind(struct bus *bus, struct bus_port *p)
{
	pv_evtchn_unbind(bus->evtchn, (uint32_t)p->local);
}

static void xen_notify(struct bus *bus, struct bus_port *p)
{
	pv_evtchn_notify(bus->evtchn, (uint32_t)p->local);
}

static int xen_pending(struct bus *bus)
{
	return pv_evtchn_pending(bus->evtchn);
}

static void xen_unmask(struct bus *bus, struct bus_port *p)
{
	pv_evtchn_unmask(bus->evtchn, (uint32_t)p->local);
}

const struct bus_ops bus_ops_xen = {
	.open = xen_open,
	.close = xen_close,
	.restrict_to = xen_restrict,
	.map = xen_map,
	.unmap = xen_unmap,
	.copy = xen_copy,
	.bind = xen_bind,
	.unbind = xen_unbind,
	.notify = xen_notify,
	.pending = xen_pending,
	.unmask = xen_unmask,
};
