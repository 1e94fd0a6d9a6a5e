/* SPDX-License-Identifier: MIT */
/* The toolstack's view of a domain's memory: its map, its frames. */
#include <pv/errno.h>
#include <pv/memory.h>

#include "hv/control/internal.h"

#define FRAMES_RUN 65536 /* frames looked at in one call */
#define CHUNK      64
#define WRITE_RUN  256 /* frames written in one call */
#define SCAN_END   (~0ull)

int control_memory_map(struct domain *d, const struct pv_control_memory_map *m)
{
	struct pv_e820_entry *map, *old;
	size_t bytes = m->nr_entries * sizeof(*map);

	if (!m->nr_entries || m->nr_entries > PV_E820_MAX || m->reserved0)
		return -EINVAL;
	if (!d->pause_count)
		return -EBUSY;
	map = hv_alloc(bytes);
	if (!map)
		return -ENOMEM;
	if (copy_from_guest(map, m->entries, bytes)) {
		hv_free(map);
		return -EFAULT;
	}
	spin_lock(&d->lock);
	old = d->mm.map;
	d->mm.map = map;
	d->mm.nr_map = m->nr_entries;
	spin_unlock(&d->lock);
	hv_free(old);
	return 0;
}

/* Frames of @d from *@at on, at most CHUNK; *@at moves behind what was seen. */
static unsigned int gather(struct domain *d, uint64_t *at, uint64_t end,
			   unsigned int most, uint64_t *out)
{
	unsigned int n = 0;

	for (; n < most && *at < end; ++*at)
		if (frame_is_of(mfn_of(*at), d))
			out[n++] = *at;
	return n;
}

int control_list_frames(struct domain *d, struct pv_control_frames *f)
{
	uint64_t part[CHUNK], at = max(f->start, d->mm.first_mfn);
	uint64_t all = d->mm.last_mfn + 1, end = min(at + FRAMES_RUN, all);
	uint32_t done = 0;

	if (!d->pause_count)
		return -EBUSY;
	if (f->start == SCAN_END || !d->mm.nr_frames)
		at = end = all;
	while (at < end && done < f->nr_entries) {
		unsigned int n = gather(
			d, &at, end, min(f->nr_entries - done, (uint32_t)CHUNK),
			part);

		if (copy_to_guest(f->buffer + done * sizeof(uint64_t), part,
				  n * sizeof(uint64_t)))
			return -EFAULT;
		done += n;
	}
	f->nr_entries = done;
	f->start = at >= all ? SCAN_END : at;
	return 0;
}

/* @n bytes of the caller's, within one frame. */
static int write_frame(struct domain *d, uint64_t frame, uint32_t at,
		       uint64_t from, uint32_t n)
{
	mfn_t m;
	int rc;

	if (copy_from_guest(&m.raw, frame, sizeof(m.raw)))
		return -EFAULT;
	if (!frame_get_writable(m, d))
		return -EINVAL;
	rc = copy_from_guest((char *)direct_map(m) + at, from, n) ? -EFAULT : 0;
	frame_put_writable(m);
	return rc;
}

int control_write_memory(struct domain *d, struct pv_control_write *w)
{
	uint32_t done = 0, at = w->offset, n;
	int rc = 0;

	if (at >= PAGE_SIZE)
		return -EINVAL;
	if (!d->pause_count)
		return -EBUSY;
	for (unsigned int i = 0; done < w->length && i < WRITE_RUN; i++) {
		n = min(w->length - done, (uint32_t)PAGE_SIZE - at);
		rc = write_frame(d, w->frames + i * sizeof(uint64_t), at,
				 w->buffer + done, n);
		if (rc)
			break;
		done += n;
		at = 0;
	}
	w->length = done;
	return done ? 0 : rc;
}
