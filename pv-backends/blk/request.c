/* SPDX-License-Identifier: MIT */
/*
 * From slots of a block ring to requests.
 *
 * There are two kinds of wrong: what a disk refuses (beyond its end, writing
 * to a read-only one, an operation that it does not have) is answered; what
 * cannot be meant (more segments than there is room for, a segment that ends
 * before it begins) comes from a frontend that is not to be trusted further.
 *
 * PURE
 */
#include <errno.h>
#include <stdbool.h>

#include "pv-backends/blk/request.h"

static int parse_op(uint8_t operation, enum blk_op *op)
{
	switch (operation) {
	case BLKIF_OP_READ:
		*op = BLK_READ;
		return 0;
	case BLKIF_OP_WRITE:
		*op = BLK_WRITE;
		return 0;
	case BLKIF_OP_WRITE_BARRIER:
		*op = BLK_BARRIER;
		return 0;
	case BLKIF_OP_FLUSH_DISKCACHE:
		*op = BLK_FLUSH;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static bool carries_data(enum blk_op op)
{
	return op == BLK_READ || op == BLK_WRITE;
}

int blk_parse_segments(struct blk_request *rq,
		       const struct pv_blkif_segment *from, unsigned int first,
		       unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		const struct pv_blkif_segment *s = &from[i];

		if (s->first_sect > s->last_sect ||
		    s->last_sect >= BLK_SECTORS_PER_PAGE)
			return -EPROTO;
		rq->segment[first + i] = (struct blk_segment){
			.ref = s->gref,
			.first = s->first_sect,
			.nr = (uint8_t)(s->last_sect - s->first_sect + 1),
		};
		rq->nr_sectors += rq->segment[first + i].nr;
	}
	return 0;
}

static int parse_direct(const struct pv_blkif_request *slot,
			struct blk_request *rq)
{
	int rc = parse_op(slot->operation, &rq->op);

	if (rc)
		return rc;
	if (slot->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST ||
	    (carries_data(rq->op) && !slot->nr_segments))
		return -EPROTO;
	rq->sector = slot->sector_number;
	rq->nr_segments = slot->nr_segments;
	return blk_parse_segments(rq, slot->seg, 0, slot->nr_segments);
}

static int parse_indirect(const struct pv_blkif_indirect *slot,
			  struct blk_request *rq)
{
	unsigned int pages;
	int rc = parse_op(slot->indirect_op, &rq->op);

	/* Answered and echoed as what it stands for. */
	rq->operation = slot->indirect_op;
	if (rc)
		return rc;
	if (!carries_data(rq->op) || !slot->nr_segments ||
	    slot->nr_segments > BLK_MAX_SEGMENTS)
		return -EPROTO;
	pages = (slot->nr_segments + BLK_SEGMENTS_PER_PAGE - 1) /
		BLK_SEGMENTS_PER_PAGE;
	rq->sector = slot->sector_number;
	rq->nr_segments = slot->nr_segments;
	rq->nr_indirect = (uint8_t)pages;
	for (unsigned int i = 0; i < pages; i++)
		rq->indirect[i] = slot->indirect_grefs[i];
	return 0;
}

int blk_parse(const union pv_blkif_slot *slot, struct blk_request *rq)
{
	rq->operation = slot->req.operation;
	rq->nr_indirect = 0;
	rq->nr_segments = 0;
	rq->nr_sectors = 0;
	switch (rq->operation) {
	case BLKIF_OP_DISCARD:
		rq->op = BLK_DISCARD;
		rq->id = slot->discard.id;
		rq->sector = slot->discard.sector_number;
		rq->nr_sectors = slot->discard.nr_sectors;
		return slot->discard.flag & BLKIF_DISCARD_SECURE ? -EOPNOTSUPP
								 : 0;
	case BLKIF_OP_INDIRECT:
		rq->id = slot->indirect.id;
		return parse_indirect(&slot->indirect, rq);
	default:
		rq->id = slot->req.id;
		return parse_direct(&slot->req, rq);
	}
}

unsigned int blk_segments_in(const struct blk_request *rq, unsigned int page)
{
	unsigned int left = rq->nr_segments - page * BLK_SEGMENTS_PER_PAGE;

	return left < BLK_SEGMENTS_PER_PAGE ? left : BLK_SEGMENTS_PER_PAGE;
}

int blk_check(const struct blk_request *rq, uint64_t disk_sectors,
	      uint32_t sector_bytes, int readonly)
{
	uint64_t mask = sector_bytes / BLKIF_SECTOR_SIZE - 1;

	if (readonly && rq->op != BLK_READ && rq->op != BLK_FLUSH)
		return BLKIF_RSP_ERROR;
	if (readonly && rq->nr_segments && rq->op != BLK_READ)
		return BLKIF_RSP_ERROR;
	if (!rq->nr_sectors && rq->op != BLK_DISCARD)
		return BLKIF_RSP_OKAY; /* a flush: its sector means nothing */
	if (rq->sector > disk_sectors ||
	    rq->nr_sectors > disk_sectors - rq->sector)
		return BLKIF_RSP_ERROR;
	if ((rq->sector | rq->nr_sectors) & mask)
		return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}
