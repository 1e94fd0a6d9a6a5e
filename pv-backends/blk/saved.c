/* SPDX-License-Identifier: MIT */
/*
 * The requests that a queue has under way, where a successor finds them.
 *
 * Answers come in any order and take the slots of other requests, so the ring
 * alone does not tell what is under way.  A request is written here before
 * req_cons says that it was taken, and counts from then on; it is done before
 * the log of responses is settled (ring.h), and is done for good, for if this
 * process ends in between the successor finds it in the log.
 *
 * PURE
 */
#include "pv-backends/blk/blk.h"

#define STORE(field, value)                                                    \
	do {                                                                   \
		__atomic_signal_fence(__ATOMIC_SEQ_CST);                       \
		__atomic_store_n(&(field), (value), __ATOMIC_RELAXED);         \
		__atomic_signal_fence(__ATOMIC_SEQ_CST);                       \
	} while (0)

void saved_reset(struct saved_queue *s, uint32_t req_cons)
{
	for (uint32_t i = 0; i < BLK_MAX_SLOTS; i++)
		s->request[i].busy = 0;
	s->req_cons = req_cons;
}

uint32_t saved_take(struct saved_queue *s, uint32_t nr_slots,
		    uint32_t *next_free, uint32_t index,
		    const union pv_blkif_slot *slot)
{
	uint32_t nr = *next_free;

	/* There is a free one: no more can be under way than are slots. */
	while (s->request[nr].busy)
		nr = (nr + 1) & (nr_slots - 1);
	*next_free = (nr + 1) & (nr_slots - 1);
	s->request[nr].slot = *slot;
	s->request[nr].index = index;
	STORE(s->request[nr].busy, 1);
	STORE(s->req_cons, index + 1);
	return nr;
}

void saved_done(struct saved_queue *s, uint32_t nr)
{
	STORE(s->request[nr].busy, 0);
}

unsigned int saved_list(struct saved_queue *s, uint32_t *numbers)
{
	unsigned int n = 0, at;

	for (uint32_t i = 0; i < BLK_MAX_SLOTS; i++) {
		struct saved_request *r = &s->request[i];

		if (!r->busy)
			continue;
		if ((int32_t)(s->req_cons - r->index) <= 0) {
			r->busy = 0; /* written, but not taken */
			continue;
		}
		for (at = n++; at; at--) {
			uint32_t before = numbers[at - 1];

			if ((int32_t)(r->index - s->request[before].index) > 0)
				break;
			numbers[at] = before;
		}
		numbers[at] = i;
	}
	return n;
}
