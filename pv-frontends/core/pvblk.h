/* SPDX-License-Identifier: MIT */
/*
 * Both ends of the own block ring (ABI.md 18), without a system below them.
 *
 * The frontend's end is linked into kernel modules and small kernels, the
 * backend's into parapet-blkback, both into tests.  Nothing here allocates,
 * locks or waits: one caller at a time for each object.
 *
 * HOSTILE: what the other end writes is read once, by value, and checked.
 */
#ifndef PV_FRONTENDS_CORE_PVBLK_H
#define PV_FRONTENDS_CORE_PVBLK_H

#include <pv/io/pvblk.h>

#include "pv-frontends/core/shared.h"

/* What a look at the ring found. */
enum pvblk_look {
	PVBLK_LIE =
		-1, /* the other end is broken: do not touch the ring again */
	PVBLK_NONE = 0,
	PVBLK_ONE = 1,
};

struct pvblk_rq {
	uint16_t tag;
	uint8_t op, flags;
	uint64_t sector;
	uint32_t nr_sectors;
	uint32_t data; /* bytes from the first data page */
};

/* ---- the frontend's end (front.c) ------------------------------------------ */

struct pvblk_front {
	struct pv_blk_ring *ring;
	uint32_t sq_prod, sq_pushed, cq_cons;
	uint32_t under_way;
	uint32_t seq[PV_BLK_TAGS];
	bool busy[PV_BLK_TAGS];
};

/* Begin with memory that no backend has seen. */
void pvblk_front_init(struct pvblk_front *f, struct pv_blk_ring *ring);
/* The tag must not be under way. */
void pvblk_front_submit(struct pvblk_front *f, const struct pvblk_rq *rq);
/* Show what was submitted; true: the backend wants an event. */
bool pvblk_front_push(struct pvblk_front *f);
enum pvblk_look pvblk_front_answer(struct pvblk_front *f, uint16_t *tag,
				   uint16_t *status);
/* Ask for an event with the next answer; true: there is one already. */
bool pvblk_front_sleep(struct pvblk_front *f);
/* What the disk is, made sane.  False: it was being written (again and again).
 * *generation is 0 until there is one. */
bool pvblk_front_config(const struct pvblk_front *f, struct pv_blk_config *c);
uint32_t pvblk_front_generation(const struct pvblk_front *f);

/* ---- the data area: runs of pages (pages.c) --------------------------------- */

struct pvblk_pages {
	unsigned int nr, free, next;
	uint64_t used[(PV_BLK_DATA_PAGES + 63) / 64];
};

void pvblk_pages_init(struct pvblk_pages *p, unsigned int nr);
/* The first of nr pages, or -1. */
int pvblk_pages_get(struct pvblk_pages *p, unsigned int nr);
void pvblk_pages_put(struct pvblk_pages *p, unsigned int first,
		     unsigned int nr);

/* ---- the backend's end (back.c) ---------------------------------------------- */

struct pvblk_back {
	struct pv_blk_ring *ring;
	uint32_t data_bytes;
	uint32_t sq_cons, cq_prod, cq_pushed;
	uint32_t under_way;
	uint32_t seq[PV_BLK_TAGS];
	bool busy[PV_BLK_TAGS];
	/* What a predecessor left, oldest first, and how much was taken. */
	uint16_t redo[PV_BLK_TAGS];
	unsigned int nr_redo, redone;
};

/* The directory, checked: pages that it names behind ref[]; 0: it makes no
 * sense.  The caller has copied it. */
unsigned int pvblk_back_dir(const struct pv_blk_dir *dir);
/* Begin, or go on where another process ended: the ring tells. */
void pvblk_back_attach(struct pvblk_back *b, struct pv_blk_ring *ring,
		       unsigned int nr_data);
enum pvblk_look pvblk_back_take(struct pvblk_back *b, struct pvblk_rq *rq);
/* Is there something to take, or to show? */
bool pvblk_back_busy(const struct pvblk_back *b);
/* May it be done?  0, or the PV_BLK_* status to answer, or PVBLK_LIE. */
int pvblk_back_check(const struct pvblk_back *b, const struct pvblk_rq *rq,
		     const struct pv_blk_config *c);
void pvblk_back_answer(struct pvblk_back *b, uint16_t tag, uint16_t status);
/* Show what was answered; true: the frontend wants an event. */
bool pvblk_back_push(struct pvblk_back *b);
/* Ask for an event with the next request; true: there is one already. */
bool pvblk_back_sleep(struct pvblk_back *b);
/* c->generation is ignored. */
void pvblk_back_config(struct pv_blk_ring *ring, const struct pv_blk_config *c);

#endif
