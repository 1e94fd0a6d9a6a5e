/* SPDX-License-Identifier: MIT */
/*
 * Between a request's grants and memory that an image reads from and writes to.
 *
 * The data goes through a buffer.  Grants of a frontend that keeps them
 * (feature-persistent) are mapped once, and copied from and to here.  Those of
 * others are copied by the hypervisor in one call for the whole request, which
 * costs less than mapping.
 *
 * Why not let the image work on mapped grants?  The kernel looks up each page of
 * such a mapping the slow way, and none of them are neighbours, so each is a
 * segment of its own for the disk: that costs several times the copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/blk/blk.h"

static size_t bytes_of(const struct blk_request *rq)
{
	return (size_t)rq->nr_sectors * BLKIF_SECTOR_SIZE;
}

static int copy_failed(struct blk *b, const struct pv_gnt_copy *c)
{
	return xb_error(b->xb, "grant %u: %s", c->ref,
			pv_gnt_status_text(c->status));
}

/* Copy all; 0 or -1. */
static int copy(struct blk *b, struct pv_gnt_copy *pieces, unsigned int nr)
{
	if (bus_copy(b->xb->bus, pieces, nr))
		return xb_error(b->xb, "%s", bus_error());
	for (unsigned int i = 0; i < nr; i++)
		if (pieces[i].status)
			return copy_failed(b, &pieces[i]);
	return 0;
}

int data_read_segments(struct blk *b, struct work *w)
{
	struct pv_blkif_segment s[BLK_SEGMENTS_PER_PAGE];
	struct blk_request *rq = &w->rq;

	for (unsigned int i = 0; i < rq->nr_indirect; i++) {
		unsigned int nr = blk_segments_in(rq, i);
		unsigned char *page = NULL;
		struct pv_gnt_copy c = {
			.local = s,
			.ref = rq->indirect[i],
			.domid = b->xb->domid,
			.bytes = (uint16_t)(nr * sizeof(s[0])),
		};

		if (b->persistent)
			grants_find(&b->grants, &c.ref, 1, &page);
		if (page) {
			memcpy(s, page, c.bytes);
			/* HOSTILE: only the copy is looked at. */
			__asm__ volatile("" : : "r"(s) : "memory");
		} else if (copy(b, &c, 1)) {
			return -1;
		}
		if (blk_parse_segments(rq, s, i * BLK_SEGMENTS_PER_PAGE, nr))
			return xb_error(b->xb, "a segment ends before it "
					       "begins, or beyond its page");
	}
	return 0;
}

/* Buffers grow to what they are asked for; large ones are not kept. */
static int get_bounce(struct blk *b, struct work *w, size_t bytes)
{
	void *buffer;

	w->data = pool_get(&b->image->pool, bytes);
	if (!w->data && w->bounce_bytes < bytes) {
		free(w->bounce);
		w->bounce = NULL;
		w->bounce_bytes = 0;
		if (posix_memalign(&buffer, PV_PAGE_SIZE, bytes))
			return xb_error(b->xb, "no memory for a request");
		w->bounce = buffer;
		w->bounce_bytes = bytes;
	}
	if (!w->data)
		w->data = w->bounce;
	w->iov[0] = (struct iovec){w->data, bytes};
	w->io.nr_iov = 1;
	return 0;
}

void data_put(struct blk *b, struct work *w)
{
	if (w->data && pool_has(&b->image->pool, w->data))
		pool_put(&b->image->pool, w->data, bytes_of(&w->rq));
	w->data = NULL;
	if (w->bounce_bytes > 32 * PV_PAGE_SIZE) {
		free(w->bounce);
		w->bounce = NULL;
		w->bounce_bytes = 0;
	}
}

/*
 * Sectors.  Not memcpy(), which takes the processor's word for it that REP MOVSB
 * is fast: emulated ones are not, and eight bytes at a time suit all.
 */
static void copy_sectors(void *to, const void *from, size_t bytes)
{
	size_t n = bytes / 8;

	__asm__ volatile("rep movsq"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
}

/* Between the buffer and the grants. */
static int bounce(struct blk *b, struct work *w, bool to_grant)
{
	struct pv_gnt_copy pieces[BLK_MAX_SEGMENTS];
	const struct blk_request *rq = &w->rq;
	unsigned char *at = w->data;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < rq->nr_segments; i++) {
		const struct blk_segment *s = &rq->segment[i];
		size_t bytes = s->nr * (size_t)BLKIF_SECTOR_SIZE;
		size_t offset = s->first * (size_t)BLKIF_SECTOR_SIZE;

		if (s->page && to_grant)
			copy_sectors(s->page + offset, at, bytes);
		else if (s->page)
			copy_sectors(at, s->page + offset, bytes);
		else
			pieces[nr++] = (struct pv_gnt_copy){
				.local = at,
				.ref = s->ref,
				.domid = b->xb->domid,
				.offset = (uint16_t)offset,
				.bytes = (uint16_t)bytes,
				.to_grant = to_grant,
			};
		at += bytes;
	}
	return copy(b, pieces, nr);
}

/* Which pages are mapped; the others are copied. */
static void find_pages(struct blk *b, struct work *w)
{
	unsigned char *page[BLK_MAX_SEGMENTS];
	uint32_t refs[BLK_MAX_SEGMENTS];
	unsigned int nr = w->rq.nr_segments;

	if (!b->persistent || !nr)
		return;
	for (unsigned int i = 0; i < nr; i++)
		refs[i] = w->rq.segment[i].ref;
	grants_find(&b->grants, refs, nr, page);
	for (unsigned int i = 0; i < nr; i++)
		w->rq.segment[i].page = page[i];
}

int data_prepare(struct blk *b, struct work *w)
{
	find_pages(b, w);
	w->io.iov = w->iov;
	if (get_bounce(b, w, bytes_of(&w->rq)))
		return -1;
	return w->rq.op == BLK_READ ? 0 : bounce(b, w, false);
}

int data_finish(struct blk *b, struct work *w)
{
	return w->rq.nr_segments && w->rq.op == BLK_READ ? bounce(b, w, true)
							 : 0;
}
