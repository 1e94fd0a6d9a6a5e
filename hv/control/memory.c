/* SPDX-License-Identifier: MIT */
/* The toolstack's view of a domain's memory: its map, its frames. */
#include <pv/errno.h>
#include <pv/memory.h>

#include "hv/control/internal.h"

#define FRAMES_RUN 65536 /* frames looked at in one call */
#define CHUNK      64
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
		if (frame_owner(mfn_of(*at)) == d)
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
