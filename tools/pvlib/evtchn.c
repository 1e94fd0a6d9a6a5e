/* SPDX-License-Identifier: MIT */
/*
 * Event channels, through the kernel's /dev/xen/evtchn.
 *
 * A read takes ports that had events, oldest first, and leaves them masked; a
 * write unmasks.  One port is read at a time, so that the descriptor stays
 * readable until the last was taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/pvlib/internal.h"

struct pv_evtchn {
	int fd;
};

struct bind_interdomain {
	uint32_t domain, port;
};

#define EVTCHN_BIND_VIRQ        XEN_IOC('E', 0, sizeof(uint32_t))
#define EVTCHN_BIND_INTERDOMAIN XEN_IOC('E', 1, sizeof(struct bind_interdomain))
#define EVTCHN_BIND_UNBOUND     XEN_IOC('E', 2, sizeof(uint32_t))
#define EVTCHN_UNBIND           XEN_IOC('E', 3, sizeof(uint32_t))
#define EVTCHN_NOTIFY           XEN_IOC('E', 4, sizeof(uint32_t))
#define EVTCHN_RESTRICT         XEN_IOC('E', 6, sizeof(domid_t))

struct pv_evtchn *pv_evtchn_open(void)
{
	struct pv_evtchn *e = malloc(sizeof(*e));
	int err;

	if (!e)
		return pv_fail_null(ENOMEM, "open the event-channel device");
	e->fd = pv_open_device("evtchn", O_RDWR | O_NONBLOCK);
	if (e->fd >= 0)
		return e;
	err = errno;
	free(e);
	errno = err;
	return NULL;
}

void pv_evtchn_close(struct pv_evtchn *e)
{
	if (!e)
		return;
	close(e->fd);
	free(e);
}

int pv_evtchn_fd(const struct pv_evtchn *e)
{
	return e->fd;
}

int pv_evtchn_bind(struct pv_evtchn *e, domid_t domid, uint32_t remote_port)
{
	struct bind_interdomain bind = {domid, remote_port};
	int port = ioctl(e->fd, EVTCHN_BIND_INTERDOMAIN, &bind);

	if (port < 0)
		return pv_fail(errno, "bind event channel %u of d%u",
			       remote_port, domid);
	return port;
}

int pv_evtchn_alloc(struct pv_evtchn *e, domid_t domid)
{
	uint32_t remote = domid;
	int port = ioctl(e->fd, EVTCHN_BIND_UNBOUND, &remote);

	if (port < 0)
		return pv_fail(errno, "event channel for d%u", domid);
	return port;
}

int pv_evtchn_bind_virq(struct pv_evtchn *e, unsigned int virq)
{
	uint32_t arg = virq;
	int port = ioctl(e->fd, EVTCHN_BIND_VIRQ, &arg);

	if (port < 0)
		return pv_fail(errno, "bind virtual interrupt %u", virq);
	return port;
}

int pv_evtchn_unbind(struct pv_evtchn *e, uint32_t port)
{
	if (ioctl(e->fd, EVTCHN_UNBIND, &port) < 0)
		return pv_fail(errno, "unbind event channel %u", port);
	return 0;
}

int pv_evtchn_notify(struct pv_evtchn *e, uint32_t port)
{
	if (ioctl(e->fd, EVTCHN_NOTIFY, &port) < 0)
		return pv_fail(errno, "send on event channel %u", port);
	return 0;
}

int pv_evtchn_pending(struct pv_evtchn *e)
{
	uint32_t port;
	ssize_t n;

	do
		n = read(e->fd, &port, sizeof(port));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(port))
		return (int)port;
	if (n < 0 && errno != EAGAIN)
		return pv_fail(errno, "read event channels");
	return -EAGAIN;
}

int pv_evtchn_unmask(struct pv_evtchn *e, uint32_t port)
{
	if (write(e->fd, &port, sizeof(port)) != sizeof(port))
		return pv_fail(errno, "unmask event channel %u", port);
	return 0;
}

int pv_evtchn_restrict(struct pv_evtchn *e, domid_t domid)
{
	if (ioctl(e->fd, EVTCHN_RESTRICT, &domid) < 0)
		return pv_fail(errno, "restrict event channels to d%u", domid);
	return 0;
}
