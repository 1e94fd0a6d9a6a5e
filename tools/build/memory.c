/* SPDX-License-Identifier: MIT */
/*
 * Memory of a guest that is being built: give it, and fill it.
 *
 * Frames come in extents of 2 MiB as long as the machine has such, then in
 * smaller ones.  They read as zero (the hypervisor clears what a guest is
 * given), so only pages that are not zero are written.  Mapping the guest's
 * frames would take four times as long as the hypervisor's own copying.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/build/internal.h"

#define PIECE   (64u << 10) /* of a file: whole pages, read to whole pages */
#define EXTENTS 512u /* given in one call                          */

/* ---- giving -------------------------------------------------------------------- */

/* As many extents of one order as there are, from *pfn on, which moves. */
static int populate_order(struct guest_memory *m, uint64_t *pfn,
			  unsigned int order)
{
	uint64_t size = 1ull << order, list[EXTENTS], left;
	int nr, done;

	do {
		left = (m->nr_frames - *pfn) >> order;
		nr = left < EXTENTS ? (int)left : (int)EXTENTS;
		for (int i = 0; i < nr; i++)
			list[i] = *pfn + (uint64_t)i * size;
		done = nr ? pv_populate(m->pv, m->domid, order, list,
					(unsigned int)nr)
			  : 0;
		for (int i = 0; i < done; i++)
			for (uint64_t k = 0; k < size; k++)
				m->mfn[(*pfn)++] = list[i] + k;
	} while (nr && done == nr);
	return done < 0 ? done : 0;
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
	uint64_t pfn = 0;
	int rc = 0;

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]) && !rc; i++)
		rc = populate_order(m, &pfn, orders[i]);
	if (rc)
		return build_fail(why, -rc, "memory: %s", pv_error());
	return pfn < m->nr_frames ? no_memory(m, pfn, why) : 0;
}

/* ---- filling ------------------------------------------------------------------- */

int memory_copy(struct guest_memory *m, uint64_t pa, const void *from,
		uint64_t bytes, struct build_error *why)
{
	int rc = pv_write_memory(m->pv, m->domid, &m->mfn[pa / PV_PAGE_SIZE],
				 pa % PV_PAGE_SIZE, from, bytes);

	return rc ? build_fail(why, -rc, "%s", pv_error()) : 0;
}

int memory_write(struct guest_memory *m, uint64_t pa, const void *from,
		 uint64_t bytes, struct build_error *why)
{
	const uint8_t *at = from;
	uint64_t n;
	int rc = 0;

	while (bytes && !rc) {
		n = zero_stretch(at, pa, bytes, true);
		at += n;
		pa += n;
		bytes -= n;
		n = zero_stretch(at, pa, bytes, false);
		rc = memory_copy(m, pa, at, n, why);
		at += n;
		pa += n;
		bytes -= n;
	}
	return rc;
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

int memory_read_file(struct guest_memory *m, uint64_t pa, int fd,
		     uint64_t bytes, struct build_error *why)
{
	char *piece = aligned_alloc(PV_PAGE_SIZE, PIECE);
	uint64_t n;
	int rc = 0;

	if (!piece)
		return build_fail(why, ENOMEM, "out of memory");
	while (bytes && !rc) {
		n = bytes < PIECE ? bytes : PIECE;
		rc = file_read(fd, piece, n);
		if (rc)
			build_fail(why, -rc, "%s",
				   rc == -ENODATA ? "the file became shorter"
						  : strerror(-rc));
		else
			rc = memory_write(m, pa, piece, n, why);
		pa += n;
		bytes -= n;
	}
	free(piece);
	return rc;
}
