/* SPDX-License-Identifier: MIT */
/*
 * Memory of a guest that is being built: give it, and fill it.
 *
 * Frames come in extents of 2 MiB as long as the machine has such, then in
 * smaller ones.  They read as zero (the hypervisor clears what a guest is
 * given), so only what is not zero is written: through windows onto the
 * guest's frames, a few megabytes at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/build/internal.h"

#define WINDOW 1024u /* frames */

/* ---- giving -------------------------------------------------------------------- */

/* Extents of one order from pfn on; returns the pfn behind what was given. */
static int64_t populate_order(struct guest_memory *m, uint64_t pfn,
			      unsigned int order, uint64_t *list)
{
	unsigned int nr = (unsigned int)((m->nr_frames - pfn) >> order);
	uint64_t size = 1ull << order;
	int done;

	for (unsigned int i = 0; i < nr; i++)
		list[i] = pfn + i * size;
	if (!nr)
		return (int64_t)pfn;
	done = pv_populate(m->pv, m->domid, order, list, nr);
	if (done < 0)
		return done;
	for (int i = 0; i < done; i++)
		for (uint64_t k = 0; k < size; k++)
			m->mfn[pfn++] = list[i] + k;
	return (int64_t)pfn;
}

static int no_memory(struct guest_memory *m, uint64_t given,
		     struct build_error *why)
{
	struct pv_machine_info info = {0};

	pv_control_get_machine(m->pv, &info);
	return build_fail(why, ENOMEM,
			  "memory: %llu frames wanted, %llu given, %llu "
			  "more are free in the machine",
			  (unsigned long long)m->nr_frames,
			  (unsigned long long)given,
			  (unsigned long long)info.free_pages);
}

int memory_populate(struct guest_memory *m, struct build_error *why)
{
	static const unsigned int orders[] = {9, 5, 0};
	uint64_t *list = malloc(m->nr_frames * sizeof(*list));
	int64_t pfn = 0;

	if (!list)
		return build_fail(why, ENOMEM,
				  "memory: no room for a list of "
				  "frames");
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		pfn = populate_order(m, (uint64_t)pfn, orders[i], list);
		if (pfn < 0)
			break;
	}
	free(list);
	if (pfn < 0)
		return build_fail(why, (int)-pfn, "memory: %s", pv_error());
	if ((uint64_t)pfn < m->nr_frames)
		return no_memory(m, (uint64_t)pfn, why);
	return 0;
}

/* ---- filling ------------------------------------------------------------------- */

/* Where the bytes come from: put `bytes` at `to`; 0 or a negative errno. */
struct source {
	int (*get)(struct source *s, void *to, size_t bytes);
	const char *from;
	int fd;
};

static int from_memory(struct source *s, void *to, size_t bytes)
{
	memcpy(to, s->from, bytes);
	s->from += bytes;
	return 0;
}

int file_read(int fd, void *to, size_t bytes)
{
	char *at = to;
	ssize_t n;

	while (bytes) {
		n = read(fd, at, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int from_file(struct source *s, void *to, size_t bytes)
{
	return file_read(s->fd, to, bytes);
}

static int fill(struct guest_memory *m, uint64_t pa, uint64_t bytes,
		struct source *s, struct build_error *why)
{
	while (bytes) {
		uint64_t at = pa % PV_PAGE_SIZE, pfn = pa / PV_PAGE_SIZE;
		uint64_t frames =
			(at + bytes + PV_PAGE_SIZE - 1) / PV_PAGE_SIZE;
		uint64_t part;
		char *map;
		int rc;

		if (frames > WINDOW)
			frames = WINDOW;
		part = frames * PV_PAGE_SIZE - at;
		if (part > bytes)
			part = bytes;
		map = pv_map_frames(m->pv, m->domid, &m->mfn[pfn],
				    (unsigned int)frames, true);
		if (!map)
			return build_fail(why, errno, "%s", pv_error());
		rc = s->get(s, map + at, part);
		pv_unmap_frames(m->pv, map, (unsigned int)frames);
		if (rc)
			return build_fail(why, -rc, "%s",
					  rc == -ENODATA ? "the file became "
							   "shorter"
							 : strerror(-rc));
		pa += part;
		bytes -= part;
	}
	return 0;
}

int memory_write(struct guest_memory *m, uint64_t pa, const void *from,
		 uint64_t bytes, struct build_error *why)
{
	struct source s = {.get = from_memory, .from = from};

	return fill(m, pa, bytes, &s, why);
}

int memory_read_file(struct guest_memory *m, uint64_t pa, int fd,
		     uint64_t bytes, struct build_error *why)
{
	struct source s = {.get = from_file, .fd = fd};

	return fill(m, pa, bytes, &s, why);
}
