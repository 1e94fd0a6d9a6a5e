/* SPDX-License-Identifier: MIT */
/* From slots of a block ring to requests that make sense. */
#ifndef PV_BACKENDS_BLK_REQUEST_H
#define PV_BACKENDS_BLK_REQUEST_H

#include <stdint.h>

#include <pv/io/blkif.h>

enum {
	BLK_MAX_SEGMENTS = 256, /* of an indirect request             */
	BLK_SEGMENTS_PER_PAGE = 4096 / sizeof(struct pv_blkif_segment),
	BLK_SECTORS_PER_PAGE = 4096 / BLKIF_SECTOR_SIZE,
};

enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH, /* and then write, if there are segments           */
	BLK_BARRIER,
	BLK_DISCARD,
};

struct blk_segment {
	uint32_t ref;
	uint8_t first; /* 512-byte sector of the frame */
	uint8_t nr; /* how many                        */
	unsigned char *page; /* the caller's: the frame, if it is mapped */
};

struct blk_request {
	uint64_t id;
	uint8_t operation; /* as it came: responses echo it */
	uint8_t nr_indirect; /* pages of segments that were not read yet */
	uint16_t nr_segments;
	enum blk_op op;
	uint64_t sector, nr_sectors; /* 512 bytes each */
	uint32_t indirect[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
	struct blk_segment segment[BLK_MAX_SEGMENTS];
};

/*
 * Make sense of a slot, which nobody can change any more.  0;
 * -EOPNOTSUPP: an operation that is not served, answer so;
 * -EPROTO: no frontend that keeps to the protocol sends this.
 * With nr_indirect the segments are missing: blk_parse_segments().
 */
int blk_parse(const union pv_blkif_slot *slot, struct blk_request *rq);
/* nr segments, from number `first` on, out of a copied page. */
int blk_parse_segments(struct blk_request *rq,
		       const struct pv_blkif_segment *from, unsigned int first,
		       unsigned int nr);
/* Segments in indirect page `page` of the request. */
unsigned int blk_segments_in(const struct blk_request *rq, unsigned int page);

/* May it be done on a disk of so many sectors, whose sectors are of so many
 * bytes?  0, or the BLKIF_RSP_* to answer. */
int blk_check(const struct blk_request *rq, uint64_t disk_sectors,
	      uint32_t sector_bytes, int readonly);

#endif
