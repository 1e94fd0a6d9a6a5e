/* SPDX-License-Identifier: MIT */
/*
 * Rings without a hypervisor: the page is a file, events go through FIFOs.
 *
 * The daemon opens both FIFOs for reading and writing, so that neither end ever
 * sees an end of file when the other restarts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/store/transport.h"

static int open_part(const char *dir, unsigned domid, const char *part)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%u.%s", dir, domid, part);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

static int files_open(const struct ring_transport *t, const struct domain *d,
		      struct ring_link *l)
{
	int page, rc = 0;
	struct stat sb;

	page = open_part(t->arg, d->domid, "page");
	if (page < 0)
		return errno;
	l->fd = open_part(t->arg, d->domid, "up");
	l->out_fd = open_part(t->arg, d->domid, "down");
	l->page = MAP_FAILED;
	if (!fstat(page, &sb) && sb.st_size >= 4096)
		l->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			       page, 0);
	if (l->fd < 0 || l->out_fd < 0 || l->page == MAP_FAILED) {
		rc = ENXIO;
		if (l->page != MAP_FAILED)
			munmap(l->page, 4096);
		if (l->fd >= 0)
			close(l->fd);
		if (l->out_fd >= 0)
			close(l->out_fd);
	}
	close(page);
	return rc;
}

static void files_close(const struct ring_transport *t, struct ring_link *l)
{
	(void)t;
	munmap(l->page, 4096);
	close(l->fd);
	close(l->out_fd);
}

static void files_drain(const struct ring_transport *t, struct ring_link *l)
{
	char bytes[512];

	(void)t;
	while (read(l->fd, bytes, sizeof(bytes)) == sizeof(bytes))
		;
}

static void files_notify(const struct ring_transport *t, struct ring_link *l)
{
	(void)t;
	/* A full FIFO has an event in it already. */
	if (write(l->out_fd, "", 1) < 0)
		return;
}

struct ring_transport ring_transport_files(const char *dir)
{
	return (struct ring_transport){.name = "files",
				       .arg = dir,
				       .open = files_open,
				       .close = files_close,
				       .drain = files_drain,
				       .notify = files_notify};
}
