/* SPDX-License-Identifier: MIT */
/*
 * Grants and event channels without a hypervisor: files and FIFOs.
 *
 * The FIFOs of all ports are in one epoll descriptor, which takes the place of
 * the event-channel device.  FIFOs are opened for reading and writing, so that
 * neither end sees an end of file when the other one restarts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/common/bus.h"

static int open_part(const struct bus *bus, domid_t domid, const char *fmt,
		     uint32_t nr)
{
	char path[512], part[32];

	snprintf(part, sizeof(part), fmt, nr);
	snprintf(path, sizeof(path), "%s/%u.%s", bus->dir, domid, part);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int files_open(struct bus *bus, const char *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -1;
	bus->dir = arg;
	ev_io_set(&bus->io, fd, EV_READ);
	return 0;
}

static void files_close(struct bus *bus)
{
	close(bus->io.fd);
}

static void files_restrict(struct bus *bus, domid_t domid)
{
	(void)bus;
	(void)domid;
}

/* The memory of a domain, and how many frames it has; -1: none. */
static int memory_of(const struct bus *bus, domid_t domid, uint64_t *frames)
{
	int fd = open_part(bus, domid, "memory", 0);
	struct stat sb;

	if (fd < 0)
		return -1;
	if (fstat(fd, &sb)) {
		close(fd);
		return -1;
	}
	*frames = (uint64_t)sb.st_size / PV_PAGE_SIZE;
	return fd;
}

static void *files_map(struct bus *bus, domid_t domid, const uint32_t *refs,
		       unsigned int nr)
{
	uint64_t frames = 0;
	int fd = memory_of(bus, domid, &frames);
	char *map;

	if (fd < 0)
		return NULL;
	map = mmap(NULL, (size_t)nr * PV_PAGE_SIZE, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned int i = 0; map != MAP_FAILED && i < nr; i++) {
		char *at = map + (size_t)i * PV_PAGE_SIZE;

		if (refs[i] < frames &&
		    mmap(at, PV_PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd,
			 (off_t)refs[i] * PV_PAGE_SIZE) == at)
			continue;
		munmap(map, (size_t)nr * PV_PAGE_SIZE);
		errno = ENOENT;
		map = MAP_FAILED;
	}
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static void files_unmap(struct bus *bus, void *map, unsigned int nr)
{
	(void)bus;
	munmap(map, (size_t)nr * PV_PAGE_SIZE);
}

static int copy_one(int fd, uint64_t frames, const struct pv_gnt_copy *c)
{
	off_t at = (off_t)c->ref * PV_PAGE_SIZE + c->offset;
	ssize_t n;

	if (c->ref >= frames)
		return GNTST_bad_gntref;
	if (c->offset + c->bytes > PV_PAGE_SIZE)
		return GNTST_bad_copy_arg;
	n = c->to_grant ? pwrite(fd, c->local, c->bytes, at)
			: pread(fd, c->local, c->bytes, at);
	return n == c->bytes ? GNTST_okay : GNTST_general_error;
}

static int files_copy(struct bus *bus, struct pv_gnt_copy *pieces,
		      unsigned int nr)
{
	uint64_t frames = 0;
	int fd = memory_of(bus, pieces->domid, &frames);

	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < nr; i++)
		pieces[i].status = (int16_t)copy_one(fd, frames, &pieces[i]);
	close(fd);
	return 0;
}

static int files_bind(struct bus *bus, struct bus_port *p, uint32_t remote)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
	int up = open_part(bus, p->domid, "%u.up", remote);
	int down = open_part(bus, p->domid, "%u.down", remote);

	event.data.fd = up;
	if (up < 0 || down < 0 ||
	    epoll_ctl(bus->io.fd, EPOLL_CTL_ADD, up, &event)) {
		int err = errno;

		if (up >= 0)
			close(up);
		if (down >= 0)
			close(down);
		return -err;
	}
	p->local = up;
	p->out_fd = down;
	/* A new port is pending at once. */
	return write(up, "", 1) < 0 && errno != EAGAIN ? -errno : 0;
}

static void files_unbind(struct bus *bus, struct bus_port *p)
{
	(void)bus;
	close(p->local);
	close(p->out_fd);
}

static void files_notify(struct bus *bus, struct bus_port *p)
{
	(void)bus;
	/* A full FIFO has an event in it already. */
	if (write(p->out_fd, "", 1) < 0)
		return;
}

static int files_pending(struct bus *bus)
{
	struct epoll_event event;
	char bytes[512];

	if (epoll_wait(bus->io.fd, &event, 1, 0) != 1)
		return -EAGAIN;
	if (read(event.data.fd, bytes, sizeof(bytes)) < 0)
		return -EAGAIN;
	return event.data.fd;
}

static void files_unmask(struct bus *bus, struct bus_port *p)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.fd = p->local,
	};

	epoll_ctl(bus->io.fd, EPOLL_CTL_MOD, p->local, &event);
}

const struct bus_ops bus_ops_files = {
	.open = files_open,
	.close = files_close,
	.restrict_to = files_restrict,
	.map = files_map,
	.unmap = files_unmap,
	.copy = files_copy,
	.bind = files_bind,
	.unbind = files_unbind,
	.notify = files_notify,
	.pending = files_pending,
	.unmask = files_unmask,
};
