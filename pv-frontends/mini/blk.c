/* SPDX-License-Identifier: MIT */
/*
 * A disk for small kernels: every call submits a request and waits for it.
 *
 * A transfer that does not fit into the data area, or is larger than the backend
 * takes, goes in parts.
 */
#include "pv-frontends/mini/blk.h"

enum {
	TAG = 0, /* the one that is ever used */
};

static void copy(unsigned char *to, const unsigned char *from, size_t bytes)
{
	while (bytes--)
		*to++ = *from++;
}

void mini_blk_offer(struct mini_blk *m, struct pv_blk_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_data)
{
	dir->magic = PV_BLK_MAGIC;
	dir->version = PV_BLK_VERSION;
	dir->nr_data = nr_data;
	for (unsigned int i = 0; i < PV_BLK_RING_PAGES + (unsigned int)nr_data;
	     i++)
		dir->ref[i] = refs[i];
	pvblk_front_init(&m->ring, pages);
	m->data = (unsigned char *)pages +
		  PV_BLK_RING_PAGES * (size_t)PV_PAGE_SIZE;
	m->data_bytes = (uint32_t)nr_data * PV_PAGE_SIZE;
	m->broken = false;
}

int mini_blk_start(struct mini_blk *m)
{
	return pvblk_front_config(&m->ring, &m->config) ? 0 : MINI_BLK_BROKEN;
}

static int carry_out(struct mini_blk *m, const struct pvblk_rq *rq)
{
	enum pvblk_look look;
	uint16_t tag, status;

	if (m->broken)
		return MINI_BLK_BROKEN;
	pvblk_front_submit(&m->ring, rq);
	if (pvblk_front_push(&m->ring))
		m->send(m);
	while (!(look = pvblk_front_answer(&m->ring, &tag, &status)))
		if (!pvblk_front_sleep(&m->ring))
			m->wait(m);
	if (look == PVBLK_LIE) {
		m->broken = true;
		return MINI_BLK_BROKEN;
	}
	return status == PV_BLK_OK ? 0 : MINI_BLK_FAILED;
}

/* The most sectors that go at once. */
static uint32_t part_of(const struct mini_blk *m, uint32_t nr_sectors)
{
	uint32_t part = m->data_bytes / PV_BLK_SECTOR;

	if (part > m->config.max_sectors)
		part = m->config.max_sectors;
	part &= ~(m->config.logical / PV_BLK_SECTOR - 1);
	return nr_sectors < part ? nr_sectors : part;
}

int mini_blk_read(struct mini_blk *m, uint64_t sector, void *to,
		  uint32_t nr_sectors)
{
	unsigned char *at = to;
	int rc = 0;

	while (nr_sectors && !rc) {
		struct pvblk_rq rq = {
			.tag = TAG,
			.op = PV_BLK_READ,
			.sector = sector,
			.nr_sectors = part_of(m, nr_sectors),
		};
		size_t bytes = rq.nr_sectors * (size_t)PV_BLK_SECTOR;

		rc = carry_out(m, &rq);
		if (!rc)
			copy(at, m->data, bytes);
		at += bytes;
		sector += rq.nr_sectors;
		nr_sectors -= rq.nr_sectors;
	}
	return rc;
}

int mini_blk_write(struct mini_blk *m, uint64_t sector, const void *from,
		   uint32_t nr_sectors)
{
	const unsigned char *at = from;
	int rc = 0;

	while (nr_sectors && !rc) {
		struct pvblk_rq rq = {
			.tag = TAG,
			.op = PV_BLK_WRITE,
			.sector = sector,
			.nr_sectors = part_of(m, nr_sectors),
		};
		size_t bytes = rq.nr_sectors * (size_t)PV_BLK_SECTOR;

		copy(m->data, at, bytes);
		rc = carry_out(m, &rq);
		at += bytes;
		sector += rq.nr_sectors;
		nr_sectors -= rq.nr_sectors;
	}
	return rc;
}

int mini_blk_flush(struct mini_blk *m)
{
	const struct pvblk_rq rq = {.tag = TAG, .op = PV_BLK_FLUSH};

	return carry_out(m, &rq);
}
