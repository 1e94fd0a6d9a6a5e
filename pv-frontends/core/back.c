/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a block ring.
 *
 * It has no memory that must outlive it: what is under way can be told from the
 * requests' `busy` and `seq` and from the answers (ABI.md 18.4).  A frontend
 * that lies about them harms its own disk, and nothing else: whatever is found
 * is checked as if it were new.
 *
 * PURE
 */
#include "pv-frontends/core/pvblk.h"

unsigned int pvblk_back_dir(const struct pv_blk_dir *dir)
{
	if (dir->magic != PV_BLK_MAGIC || dir->version != PV_BLK_VERSION ||
	    !dir->nr_data || dir->nr_data > PV_BLK_DATA_PAGES)
		return 0;
	return PV_BLK_RING_PAGES + dir->nr_data;
}

/* ---- going on where a predecessor ended ------------------------------------ */

static uint8_t lap_of(uint32_t index)
{
	return (uint8_t)(index / PV_BLK_TAGS);
}

/*
 * Is there an answer to that request among the last ones?  A predecessor may
 * have written others behind cq_prod, which the frontend will never see: they
 * are of another lap.  The ones that these took the place of had been read, for
 * there are never more requests than tags.
 */
static bool answered(const struct pvblk_back *b, uint16_t tag, uint32_t seq)
{
	uint32_t index;

	for (index = b->cq_prod - PV_BLK_TAGS; index != b->cq_prod; index++) {
		union pv_blk_done d = {
			.all = PV_LOAD(b->ring->cq[index % PV_BLK_TAGS].all),
		};

		if (d.answer.tag == tag && d.answer.seq == seq &&
		    d.answer.lap == lap_of(index))
			return true;
	}
	return false;
}

/* Oldest first. */
static void add_redo(struct pvblk_back *b, uint16_t tag)
{
	unsigned int at = b->nr_redo++;

	for (; at; at--) {
		uint16_t before = b->redo[at - 1];

		if ((int32_t)(b->seq[tag] - b->seq[before]) > 0)
			break;
		b->redo[at] = before;
	}
	b->redo[at] = tag;
}

static void recover(struct pvblk_back *b)
{
	uint16_t tag;

	for (tag = 0; tag < PV_BLK_TAGS; tag++) {
		const struct pv_blk_request *r = &b->ring->rq[tag];
		uint32_t seq;

		/* ORDER: pairs with pvblk_front_submit(). */
		if (PV_LOAD_FIRST(r->busy) != 1)
			continue;
		seq = PV_LOAD(r->seq);
		if ((int32_t)(b->sq_cons - seq) <= 0 || answered(b, tag, seq))
			continue;
		b->seq[tag] = seq;
		add_redo(b, tag);
	}
}

void pvblk_back_attach(struct pvblk_back *b, struct pv_blk_ring *ring,
		       unsigned int nr_data)
{
	*b = (struct pvblk_back){
		.ring = ring,
		.data_bytes = nr_data * PV_PAGE_SIZE,
	};
	/* The answers first: they are of requests before any later index. */
	b->cq_prod = b->cq_pushed = PV_LOAD_FIRST(ring->cq_prod);
	b->sq_cons = PV_LOAD_FIRST(ring->sq_prod);
	recover(b);
}

/* ---- requests ---------------------------------------------------------------- */

/* HOSTILE: one copy. */
static struct pv_blk_request copy_request(const struct pv_blk_request *from)
{
	return (struct pv_blk_request){
		.seq = PV_LOAD(from->seq),
		.busy = PV_LOAD(from->busy),
		.op = PV_LOAD(from->op),
		.flags = PV_LOAD(from->flags),
		.sector = PV_LOAD(from->sector),
		.nr_sectors = PV_LOAD(from->nr_sectors),
		.data = PV_LOAD(from->data),
	};
}

static enum pvblk_look begin(struct pvblk_back *b, uint16_t tag, uint32_t seq,
			     struct pvblk_rq *rq)
{
	struct pv_blk_request c;

	if (tag >= PV_BLK_TAGS || b->busy[tag])
		return PVBLK_LIE;
	c = copy_request(&b->ring->rq[tag]);
	if (c.busy != 1 || c.seq != seq)
		return PVBLK_LIE;
	b->busy[tag] = true;
	b->seq[tag] = seq;
	b->under_way++;
	*rq = (struct pvblk_rq){
		.tag = tag,
		.op = c.op,
		.flags = c.flags,
		.sector = c.sector,
		.nr_sectors = c.nr_sectors,
		.data = c.data,
	};
	return PVBLK_ONE;
}

enum pvblk_look pvblk_back_take(struct pvblk_back *b, struct pvblk_rq *rq)
{
	uint32_t prod, seq = b->sq_cons;
	uint16_t tag;

	if (b->redone < b->nr_redo) {
		tag = b->redo[b->redone++];
		return begin(b, tag, b->seq[tag], rq);
	}
	prod = PV_LOAD_FIRST(b->ring->sq_prod);
	if (prod == seq)
		return PVBLK_NONE;
	if (prod - seq > PV_BLK_TAGS)
		return PVBLK_LIE;
	b->sq_cons++;
	tag = PV_LOAD(b->ring->sq[seq % PV_BLK_TAGS]);
	return begin(b, tag, seq, rq);
}

static bool writes(const struct pvblk_rq *rq)
{
	return rq->op != PV_BLK_READ && rq->op != PV_BLK_FLUSH;
}

static bool moves(const struct pvblk_rq *rq)
{
	return rq->op == PV_BLK_READ || rq->op == PV_BLK_WRITE;
}

static int check_place(const struct pvblk_rq *rq, const struct pv_blk_config *c)
{
	uint32_t mask = c->logical / PV_BLK_SECTOR - 1;

	if (!rq->nr_sectors || (rq->sector | rq->nr_sectors) & mask ||
	    rq->sector > c->sectors || rq->nr_sectors > c->sectors - rq->sector)
		return PV_BLK_REFUSED;
	return moves(rq) && rq->nr_sectors > c->max_sectors ? PV_BLK_REFUSED
							    : 0;
}

int pvblk_back_check(const struct pvblk_back *b, const struct pvblk_rq *rq,
		     const struct pv_blk_config *c)
{
	uint64_t bytes = (uint64_t)rq->nr_sectors * PV_BLK_SECTOR;

	if (rq->op > PV_BLK_WRITE_ZEROES ||
	    (rq->op == PV_BLK_DISCARD && !(c->flags & PV_BLK_F_DISCARD)) ||
	    (rq->op == PV_BLK_WRITE_ZEROES &&
	     !(c->flags & PV_BLK_F_WRITE_ZEROES)))
		return PV_BLK_UNSUPPORTED;
	if (moves(rq) &&
	    (rq->data % PV_BLK_SECTOR || rq->data > b->data_bytes ||
	     bytes > b->data_bytes - rq->data))
		return PVBLK_LIE;
	if (rq->flags & ~PV_BLK_FUA)
		return PV_BLK_REFUSED;
	if (writes(rq) && c->flags & PV_BLK_F_READONLY)
		return PV_BLK_REFUSED;
	return rq->op == PV_BLK_FLUSH ? 0 : check_place(rq, c);
}

/* ---- answers ------------------------------------------------------------------ */

void pvblk_back_answer(struct pvblk_back *b, uint16_t tag, uint16_t status)
{
	union pv_blk_done done = {
		.answer =
			{
				.seq = b->seq[tag],
				.tag = (uint8_t)tag,
				.lap = lap_of(b->cq_prod),
				.status = status,
			},
	};

	PV_STORE(b->ring->cq[b->cq_prod % PV_BLK_TAGS].all, done.all);
	b->busy[tag] = false;
	b->under_way--;
	b->cq_prod++;
}

bool pvblk_back_push(struct pvblk_back *b)
{
	return pv_show(&b->ring->cq_prod, b->cq_prod, &b->cq_pushed,
		       &b->ring->cq_event);
}

bool pvblk_back_busy(const struct pvblk_back *b)
{
	return b->cq_prod != b->cq_pushed || b->redone < b->nr_redo ||
	       PV_LOAD(b->ring->sq_prod) != b->sq_cons;
}

bool pvblk_back_sleep(struct pvblk_back *b)
{
	bool more = pv_ask(&b->ring->sq_event, b->sq_cons + 1,
			   &b->ring->sq_prod, b->sq_cons);

	return more || b->redone < b->nr_redo;
}

void pvblk_back_config(struct pv_blk_ring *ring, const struct pv_blk_config *c)
{
	struct pv_blk_config *to = &ring->config;
	uint32_t odd = PV_LOAD(to->generation) | 1;

	PV_STORE(to->generation, odd);
	/* ORDER: odd before the rest, the rest before even; pairs with
	 * pvblk_front_config(). */
	PV_FENCE();
	PV_STORE(to->flags, c->flags);
	PV_STORE(to->sectors, c->sectors);
	PV_STORE(to->logical, c->logical);
	PV_STORE(to->physical, c->physical);
	PV_STORE(to->discard, c->discard);
	PV_STORE(to->max_sectors, c->max_sectors);
	PV_STORE_LAST(to->generation, odd + 1);
}
