/* SPDX-License-Identifier: MIT */
/*
 * Rings of real domains, seen from the control domain.
 *
 * The kernel's /dev/xen/gntdev maps the page that the domain builder granted
 * (reference 1 is reserved for the store), /dev/xen/evtchn binds the domain's
 * event channel; one descriptor for each domain keeps their events apart.  The
 * control domain's own ring is offered by /dev/xen/xenbus_backend.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/store/transport.h"

#define GRANT_STORE 1

struct bind_interdomain {
	uint32_t domain, port;
};
#define EVTCHN_BIND_INTERDOMAIN                                                \
	_IOC(_IOC_NONE, 'E', 1, sizeof(struct bind_interdomain))
#define EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, sizeof(uint32_t))

struct map_grant {
	uint32_t count, pad;
	uint64_t index;
	uint32_t domid, ref;
};
#define GNTDEV_MAP     _IOC(_IOC_NONE, 'G', 0, sizeof(struct map_grant))

#define BACKEND_EVTCHN _IOC(_IOC_NONE, 'B', 0, 0)

static int own_page(struct ring_link *l)
{
	int fd = open("/dev/xen/xenbus_backend", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno;
	l->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return l->page == MAP_FAILED ? errno : 0;
}

static int guest_page(unsigned domid, struct ring_link *l)
{
	struct map_grant m = {.count = 1, .domid = domid, .ref = GRANT_STORE};
	int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, GNTDEV_MAP, &m) < 0) {
		rc = errno;
		close(fd);
		return rc;
	}
	l->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)m.index);
	if (l->page == MAP_FAILED)
		rc = errno;
	close(fd); /* the mapping holds the grant */
	return rc;
}

static int xen_open(const struct ring_transport *t, const struct domain *d,
		    struct ring_link *l)
{
	struct bind_interdomain b = {d->domid, d->port};
	int rc = d->domid ? guest_page(d->domid, l) : own_page(l), port;

	(void)t;
	if (rc)
		return rc;
	l->fd = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	port = l->fd < 0 ? -1 : ioctl(l->fd, EVTCHN_BIND_INTERDOMAIN, &b);
	if (port < 0) {
		rc = errno;
		if (l->fd >= 0)
			close(l->fd);
		munmap(l->page, 4096);
		return rc;
	}
	l->port = (uint32_t)port;
	return 0;
}

static void xen_close(const struct ring_transport *t, struct ring_link *l)
{
	(void)t;
	close(l->fd); /* unbinds the port */
	munmap(l->page, 4096);
}

static void xen_drain(const struct ring_transport *t, struct ring_link *l)
{
	uint32_t port;

	(void)t;
	/* Once: the next event may be there already, and again, and again. */
	if (read(l->fd, &port, sizeof(port)) == sizeof(port) &&
	    write(l->fd, &port, sizeof(port)) < 0) /* unmask */
		return;
}

static void xen_notify(const struct ring_transport *t, struct ring_link *l)
{
	uint32_t port = l->port;

	(void)t;
	ioctl(l->fd, EVTCHN_NOTIFY, &port);
}

struct ring_transport ring_transport_xen(void)
{
	return (struct ring_transport){.name = "xen",
				       .open = xen_open,
				       .close = xen_close,
				       .drain = xen_drain,
				       .notify = xen_notify};
}

uint32_t ring_xen_own_port(void)
{
	int fd = open("/dev/xen/xenbus_backend", O_RDWR | O_CLOEXEC), port;

	if (fd < 0)
		return 0;
	port = ioctl(fd, BACKEND_EVTCHN);
	close(fd);
	return port > 0 ? (uint32_t)port : 0;
}
