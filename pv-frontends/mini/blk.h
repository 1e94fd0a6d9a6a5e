/* SPDX-License-Identifier: MIT */
/*
 * A disk for small kernels: one queue, one request at a time.
 *
 * The kernel brings the pages, grants them, writes the keys of ABI.md 18.1 and
 * has a way to send and await events; the rest is here.
 */
#ifndef PV_FRONTENDS_MINI_BLK_H
#define PV_FRONTENDS_MINI_BLK_H

#include <stddef.h>

#include "pv-frontends/core/pvblk.h"

struct mini_blk {
	/* The kernel's.  wait() returns after an event, or any time before. */
	void (*send)(struct mini_blk *m);
	void (*wait)(struct mini_blk *m);
	/* As mini_blk_start() found it. */
	struct pv_blk_config config;
	/* Its own. */
	struct pvblk_front ring;
	unsigned char *data;
	uint32_t data_bytes;
	bool broken;
};

enum mini_blk_error {
	MINI_BLK_FAILED = -5, /* the disk refused, or could not     */
	MINI_BLK_BROKEN = -71, /* the backend lied: give the disk up */
};

/*
 * Before the keys are written: fill the directory and the ring.  pages are
 * PV_BLK_RING_PAGES + nr_data contiguous ones, refs their grants; both zeroed.
 */
void mini_blk_offer(struct mini_blk *m, struct pv_blk_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_data);
/* When the backend is connected: read m->config. */
int mini_blk_start(struct mini_blk *m);
/* Sectors of 512 bytes.  0, or an enum mini_blk_error. */
int mini_blk_read(struct mini_blk *m, uint64_t sector, void *to,
		  uint32_t nr_sectors);
int mini_blk_write(struct mini_blk *m, uint64_t sector, const void *from,
		   uint32_t nr_sectors);
int mini_blk_flush(struct mini_blk *m);

#endif
