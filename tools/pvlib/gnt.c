/* SPDX-License-Identifier: MIT */
/*
 * Grants of other domains, through the kernel's /dev/xen/gntdev.
 *
 * A mapping has two parts there: a range of grants, numbered by an offset into
 * the device, and the memory that shows it.  The hypervisor's mapping lives as
 * long as both; the offset is asked for again by the address, so that a
 * mapping is its address and nothing else to the user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/pvlib/internal.h"

struct pv_gnt {
	int fd;
};

struct gntdev_ref {
	uint32_t domid, ref;
};

struct gntdev_map {
	uint32_t count, pad0;
	uint64_t index; /* OUT */
	struct gntdev_ref refs[1];
};

struct gntdev_unmap {
	uint64_t index;
	uint32_t count, pad0;
};

struct gntdev_offset {
	uint64_t address;
	uint64_t index; /* OUT */
	uint32_t count; /* OUT */
	uint32_t pad0;
};

struct gntdev_notify {
	uint64_t index;
	uint32_t action;
	uint32_t port;
};

union gntdev_side {
	void *local;
	struct {
		uint32_t ref;
		uint16_t offset;
		domid_t domid;
	} grant;
};

struct gntdev_segment {
	union gntdev_side source, dest;
	uint16_t len;
	uint16_t flags; /* GNTCOPY_* */
	int16_t status; /* OUT GNTST_* */
};

struct gntdev_copy {
	uint32_t count;
	struct gntdev_segment *segments;
};

#define GNTDEV_MAP    XEN_IOC('G', 0, sizeof(struct gntdev_map))
#define GNTDEV_UNMAP  XEN_IOC('G', 1, sizeof(struct gntdev_unmap))
#define GNTDEV_OFFSET XEN_IOC('G', 2, sizeof(struct gntdev_offset))
#define GNTDEV_NOTIFY XEN_IOC('G', 7, sizeof(struct gntdev_notify))
#define GNTDEV_COPY   XEN_IOC('G', 8, sizeof(struct gntdev_copy))

enum {
	NOTIFY_CLEAR_BYTE = 1,
	NOTIFY_SEND_EVENT = 2,
	ON_STACK = 32, /* grants, segments: more than that need the heap */
};

struct pv_gnt *pv_gnt_open(void)
{
	struct pv_gnt *g = malloc(sizeof(*g));
	int err;

	if (!g)
		return pv_fail_null(ENOMEM, "open the grant device");
	g->fd = pv_open_device("gntdev", O_RDWR);
	if (g->fd >= 0)
		return g;
	err = errno;
	free(g);
	errno = err;
	return NULL;
}

void pv_gnt_close(struct pv_gnt *g)
{
	if (!g)
		return;
	close(g->fd);
	free(g);
}

static void *show(struct pv_gnt *g, const struct gntdev_map *m, bool writable)
{
	struct gntdev_unmap undo = {.index = m->index, .count = m->count};
	void *map = mmap(NULL, (size_t)m->count * PV_PAGE_SIZE,
			 writable ? PROT_READ | PROT_WRITE : PROT_READ,
			 MAP_SHARED, g->fd, (off_t)m->index);
	int err = errno;

	if (map != MAP_FAILED)
		return map;
	ioctl(g->fd, GNTDEV_UNMAP, &undo);
	return pv_fail_null(err, "map %u grants of d%u, the first is %u",
			    m->count, m->refs[0].domid, m->refs[0].ref);
}

/* domids has `step` for each grant: 0, all are of the first. */
static void *map_grants(struct pv_gnt *g, const domid_t *domids,
			unsigned int step, const uint32_t *refs,
			unsigned int nr, bool writable)
{
	struct {
		struct gntdev_map head;
		struct gntdev_ref more[ON_STACK];
	} few;
	struct gntdev_map *m = &few.head;
	void *map = NULL;

	if (!nr)
		return pv_fail_null(EINVAL, "map no grant");
	if (nr > ON_STACK) {
		m = malloc(sizeof(*m) + nr * sizeof(m->refs[0]));
		if (!m)
			return pv_fail_null(ENOMEM, "map %u grants", nr);
	}
	m->count = nr;
	m->pad0 = 0;
	for (unsigned int i = 0; i < nr; i++) {
		struct gntdev_ref ref = {domids[i * step], refs[i]};

		memcpy((char *)m->refs + i * sizeof(ref), &ref, sizeof(ref));
	}
	if (ioctl(g->fd, GNTDEV_MAP, m) < 0)
		pv_fail_null(errno, "map %u grants of d%u", nr, domids[0]);
	else
		map = show(g, m, writable);
	if (m != &few.head) {
		int err = errno;

		free(m);
		errno = err;
	}
	return map;
}

void *pv_gnt_map(struct pv_gnt *g, domid_t domid, const uint32_t *refs,
		 unsigned int nr, bool writable)
{
	return map_grants(g, &domid, 0, refs, nr, writable);
}

void *pv_gnt_map_domains(struct pv_gnt *g, const domid_t *domids,
			 const uint32_t *refs, unsigned int nr, bool writable)
{
	return map_grants(g, domids, 1, refs, nr, writable);
}

static int offset_of(struct pv_gnt *g, void *map, uint64_t *index)
{
	struct gntdev_offset o = {.address = (uintptr_t)map};

	if (ioctl(g->fd, GNTDEV_OFFSET, &o) < 0)
		return pv_fail(errno, "no grant is mapped at %p", map);
	*index = o.index;
	return 0;
}

int pv_gnt_unmap(struct pv_gnt *g, void *map, unsigned int nr)
{
	struct gntdev_unmap u = {.count = nr};
	int rc = offset_of(g, map, &u.index);

	if (rc)
		return rc;
	if (munmap(map, (size_t)nr * PV_PAGE_SIZE) ||
	    ioctl(g->fd, GNTDEV_UNMAP, &u) < 0)
		return pv_fail(errno, "unmap %u grants", nr);
	return 0;
}

int pv_gnt_notify_unmap(struct pv_gnt *g, void *map, void *clear, uint32_t port)
{
	struct gntdev_notify n = {
		.action = (clear ? NOTIFY_CLEAR_BYTE : 0) |
			  (port ? NOTIFY_SEND_EVENT : 0),
		.port = port,
	};
	int rc = offset_of(g, map, &n.index);

	if (rc)
		return rc;
	if (clear)
		n.index += (uint64_t)((char *)clear - (char *)map);
	if (ioctl(g->fd, GNTDEV_NOTIFY, &n) < 0)
		return pv_fail(errno, "ask for notice of an unmapped grant");
	return 0;
}

static struct gntdev_segment segment_of(const struct pv_gnt_copy *p)
{
	union gntdev_side local = {.local = p->local};
	union gntdev_side grant = {
		.grant = {p->ref, p->offset, p->domid},
	};

	return (struct gntdev_segment){
		.source = p->to_grant ? local : grant,
		.dest = p->to_grant ? grant : local,
		.len = p->bytes,
		.flags = p->to_grant ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
	};
}

int pv_gnt_copy(struct pv_gnt *g, struct pv_gnt_copy *pieces, unsigned int nr)
{
	struct gntdev_segment part[ON_STACK];
	struct gntdev_copy copy = {.segments = part};

	while (nr) {
		copy.count = nr < ON_STACK ? nr : ON_STACK;
		for (unsigned int i = 0; i < copy.count; i++)
			part[i] = segment_of(&pieces[i]);
		if (ioctl(g->fd, GNTDEV_COPY, &copy) < 0)
			return pv_fail(errno, "copy %u pieces of d%u's grants",
				       copy.count, pieces->domid);
		for (unsigned int i = 0; i < copy.count; i++)
			pieces[i].status = part[i].status;
		pieces += copy.count;
		nr -= copy.count;
	}
	return 0;
}

const char *pv_gnt_status_text(int status)
{
	static const char *const text[] = {
		[-GNTST_okay] = "no error",
		[-GNTST_general_error] = "grant error",
		[-GNTST_bad_domain] = "no such domain",
		[-GNTST_bad_gntref] = "not granted to us",
		[-GNTST_bad_handle] = "no such mapping",
		[-GNTST_bad_virt_addr] = "bad address",
		[-GNTST_bad_dev_addr] = "bad bus address",
		[-GNTST_no_device_space] = "no space in the IOMMU",
		[-GNTST_permission_denied] = "permission denied",
		[-GNTST_bad_page] = "a frame that cannot be lent",
		[-GNTST_bad_copy_arg] = "a copy across a page",
		[-GNTST_address_too_big] = "address too big",
		[-GNTST_eagain] = "in use",
		[-GNTST_no_space] = "too many mappings",
	};

	if (status > 0 || (size_t)-status >= sizeof(text) / sizeof(text[0]))
		return "unknown grant status";
	return text[-status];
}
