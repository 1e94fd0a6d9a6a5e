/* SPDX-License-Identifier: MIT */
/* Grants, events and errors without a hypervisor, a store and a loop. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pv-backends/common/xenbus.h"
#include "tests/backends/fake_bus.h"

struct fake_guest fake_guest;

void fake_check(bool holds, const char *what)
{
	if (holds)
		return;
	if (write(2, what, strlen(what)) < 0)
		_exit(2);
	abort();
}

static int16_t copy_one(const struct pv_gnt_copy *c)
{
	unsigned char *there;

	fake_check(c->offset + c->bytes <= PV_PAGE_SIZE,
		   "a copy over a page\n");
	if (c->ref >= fake_guest.nr_frames)
		return GNTST_bad_gntref;
	there = fake_guest.frames + (size_t)c->ref * PV_PAGE_SIZE + c->offset;
	memcpy(c->to_grant ? there : c->local, c->to_grant ? c->local : there,
	       c->bytes);
	return GNTST_okay;
}

int bus_copy(struct bus *bus, struct pv_gnt_copy *pieces, unsigned int nr)
{
	(void)bus;
	fake_check(!nr || fake_guest.frames, "a copy\n");
	for (unsigned int i = 0; i < nr; i++)
		pieces[i].status = copy_one(&pieces[i]);
	if (nr && fake_guest.meanwhile)
		fake_guest.meanwhile();
	return 0;
}

/* Neighbours only: as much as who maps needs to be kept honest. */
void *bus_map(struct bus *bus, domid_t domid, const uint32_t *refs,
	      unsigned int nr)
{
	(void)bus;
	(void)domid;
	for (unsigned int i = 0; i < nr; i++)
		if (refs[i] >= fake_guest.nr_frames || refs[i] != refs[0] + i)
			return NULL;
	return fake_guest.frames + (size_t)refs[0] * PV_PAGE_SIZE;
}

void bus_unmap(struct bus *bus, void *map, unsigned int nr)
{
	(void)bus;
	(void)map;
	(void)nr;
}

void bus_notify(struct bus_port *p)
{
	(void)p;
	fake_guest.events++;
}

const char *bus_error(void)
{
	return "error";
}

const char *pv_gnt_status_text(int status)
{
	(void)status;
	return "refused";
}

int xb_error(struct xb *xb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(xb->error, sizeof(xb->error), fmt, ap);
	va_end(ap);
	return -1;
}
