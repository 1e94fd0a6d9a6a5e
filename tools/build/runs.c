/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a kernel have to be written at all.
 *
 * New memory reads as zero.  Much of an image does, too (Linux has its .bss in
 * the file), but to find that out every page of it has to be looked at, which
 * takes a good part of the time of copying it.  So that is done once, when the
 * kernel is opened, and kept with it for every guest.
 *
 * Zeros in a short gap are written along: another call would take longer.
 *
 * PURE
 */
#include <stdlib.h>
#include <string.h>

#include <pv/arch-x86.h>

#include "tools/build/internal.h"

#define GAP_MAX (8 * PV_PAGE_SIZE)

static bool is_zero(const uint8_t *p, uint64_t bytes)
{
	/* Most pages differ in their first bytes. */
	return !*p && (bytes == 1 || !memcmp(p, p + 1, bytes - 1));
}

uint64_t zero_stretch(const uint8_t *from, uint64_t pa, uint64_t bytes,
		      bool zero)
{
	uint64_t done = 0, n;

	while (done < bytes) {
		n = PV_PAGE_SIZE - (pa + done) % PV_PAGE_SIZE;
		if (n > bytes - done)
			n = bytes - done;
		if (is_zero(from + done, n) != zero)
			break;
		done += n;
	}
	return done;
}

/* One run more, or a longer last one. */
static bool add(struct kernel_runs *r, uint64_t pa, uint64_t offset,
		uint64_t bytes, bool first)
{
	struct kernel_run *last = r->nr ? &r->run[r->nr - 1] : NULL, *more;

	if (!first && pa - (last->pa + last->bytes) <= GAP_MAX) {
		last->bytes = pa + bytes - last->pa;
		return true;
	}
	more = realloc(r->run, (r->nr + 1) * sizeof(*more));
	if (!more)
		return false;
	more[r->nr++] = (struct kernel_run){pa, offset, bytes};
	r->run = more;
	return true;
}

static bool add_segment(struct kernel_runs *r, const struct kernel *k,
			const struct kernel_segment *s)
{
	uint64_t at = 0, n;
	bool first = true;

	for (; at < s->file_bytes; at += n) {
		at += zero_stretch(k->image + s->offset + at, s->pa + at,
				   s->file_bytes - at, true);
		n = zero_stretch(k->image + s->offset + at, s->pa + at,
				 s->file_bytes - at, false);
		if (n && !add(r, s->pa + at, s->offset + at, n, first))
			return false;
		first &= !n;
	}
	return true;
}

bool runs_find(struct kernel_runs *r, const struct kernel *k)
{
	*r = (struct kernel_runs){0};
	for (unsigned int i = 0; i < k->nr_segments; i++)
		if (!add_segment(r, k, &k->segment[i])) {
			runs_free(r);
			return false;
		}
	return true;
}

void runs_free(struct kernel_runs *r)
{
	free(r->run);
	*r = (struct kernel_runs){0};
}
