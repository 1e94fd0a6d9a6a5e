/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of a block ring.
 *
 * What is under way is known from memory of our own; the ring's copy of it is
 * for the backend alone and never read back.  A request's `busy` is written
 * last and cleared first, and every request keeps its `seq`, so that a backend
 * that takes over can tell what was not answered (ABI.md 18.4).
 *
 * PURE
 */
#include "pv-frontends/core/pvblk.h"

enum {
	CONFIG_TRIES = 1000,
	PHYSICAL_MAX = 1 << 20,
};

void pvblk_front_init(struct pvblk_front *f, struct pv_blk_ring *ring)
{
	unsigned int i;

	*f = (struct pvblk_front){.ring = ring};
	for (i = 0; i < PV_BLK_TAGS; i++) {
		ring->rq[i] = (struct pv_blk_request){0};
		ring->cq[i] = (union pv_blk_done){
			.answer = {.lap = PV_BLK_NO_LAP},
		};
		ring->sq[i] = 0;
	}
	ring->config = (struct pv_blk_config){0};
	ring->sq_prod = ring->cq_prod = 0;
	ring->sq_event = ring->cq_event = 1;
}

void pvblk_front_submit(struct pvblk_front *f, const struct pvblk_rq *rq)
{
	struct pv_blk_request *to = &f->ring->rq[rq->tag];

	f->seq[rq->tag] = f->sq_prod;
	f->busy[rq->tag] = true;
	f->under_way++;
	PV_STORE(to->seq, f->sq_prod);
	PV_STORE(to->op, rq->op);
	PV_STORE(to->flags, rq->flags);
	PV_STORE(to->sector, rq->sector);
	PV_STORE(to->nr_sectors, rq->nr_sectors);
	PV_STORE(to->data, rq->data);
	/* ORDER: a backend that takes over reads `busy` first (recover()). */
	PV_STORE_LAST(to->busy, 1);
	PV_STORE(f->ring->sq[f->sq_prod % PV_BLK_TAGS], rq->tag);
	f->sq_prod++;
}

bool pvblk_front_push(struct pvblk_front *f)
{
	return pv_show(&f->ring->sq_prod, f->sq_prod, &f->sq_pushed,
		       &f->ring->sq_event);
}

enum pvblk_look pvblk_front_answer(struct pvblk_front *f, uint16_t *tag,
				   uint16_t *status)
{
	uint32_t prod = PV_LOAD_FIRST(f->ring->cq_prod);
	union pv_blk_done done;
	struct pv_blk_answer a;

	if (prod == f->cq_cons)
		return PVBLK_NONE;
	if (prod - f->cq_cons > f->under_way)
		return PVBLK_LIE;
	done.all = PV_LOAD(f->ring->cq[f->cq_cons % PV_BLK_TAGS].all);
	a = done.answer;
	if (a.tag >= PV_BLK_TAGS || !f->busy[a.tag] || f->seq[a.tag] != a.seq)
		return PVBLK_LIE;
	/* ORDER: before anything else of this tag changes. */
	PV_STORE_LAST(f->ring->rq[a.tag].busy, 0);
	f->busy[a.tag] = false;
	f->under_way--;
	f->cq_cons++;
	*tag = a.tag;
	*status = a.status;
	return PVBLK_ONE;
}

bool pvblk_front_sleep(struct pvblk_front *f)
{
	return pv_ask(&f->ring->cq_event, f->cq_cons + 1, &f->ring->cq_prod,
		      f->cq_cons);
}

static bool power_of_two(uint32_t x)
{
	return x && !(x & (x - 1));
}

/* HOSTILE: whatever it says, it is something that a disk can be. */
static void make_sane(struct pv_blk_config *c)
{
	if (!power_of_two(c->logical) || c->logical < PV_BLK_SECTOR ||
	    c->logical > PV_PAGE_SIZE)
		c->logical = PV_BLK_SECTOR;
	if (!power_of_two(c->physical) || c->physical < c->logical ||
	    c->physical > PHYSICAL_MAX)
		c->physical = c->logical;
	if (c->discard % c->logical || c->discard > 1u << 30)
		c->discard = 0;
	if (!c->discard)
		c->flags &= ~(uint32_t)PV_BLK_F_DISCARD;
	c->sectors &= ~(uint64_t)(c->logical / PV_BLK_SECTOR - 1);
	/* Bytes of a disk are a signed 64-bit number to most systems. */
	c->sectors &= (PV_U64(1) << 53) - 1;
	if (c->max_sectors < PV_PAGE_SIZE / PV_BLK_SECTOR)
		c->max_sectors = PV_PAGE_SIZE / PV_BLK_SECTOR;
}

uint32_t pvblk_front_generation(const struct pvblk_front *f)
{
	return PV_LOAD_FIRST(f->ring->config.generation);
}

bool pvblk_front_config(const struct pvblk_front *f, struct pv_blk_config *c)
{
	const struct pv_blk_config *from = &f->ring->config;
	unsigned int i;

	for (i = 0; i < CONFIG_TRIES; i++) {
		*c = (struct pv_blk_config){
			.generation = PV_LOAD_FIRST(from->generation)};
		c->flags = PV_LOAD_FIRST(from->flags);
		c->sectors = PV_LOAD_FIRST(from->sectors);
		c->logical = PV_LOAD_FIRST(from->logical);
		c->physical = PV_LOAD_FIRST(from->physical);
		c->discard = PV_LOAD_FIRST(from->discard);
		c->max_sectors = PV_LOAD_FIRST(from->max_sectors);
		if (c->generation % 2 ||
		    c->generation != PV_LOAD(from->generation))
			continue;
		make_sane(c);
		return true;
	}
	return false;
}
