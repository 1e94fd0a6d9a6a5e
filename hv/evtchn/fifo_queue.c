/* SPDX-License-Identifier: MIT */
/*
 * FIFO event queues.
 *
 * Each port has an event word; words that wait are linked into one queue per
 * vcpu and priority:
 *
 *	control block           event words (guest memory)
 *	 head[7] ----> 12: P L link=40 ---> 40: P L link=0
 *	 ready = 1<<7                        ^
 *	                 tail[7] ------------+ (ours, trusted)
 *
 * We append at the tail; the guest takes from the head by clearing LINKED and
 * the link in one atomic step, then handles the port if PENDING and not
 * MASKED.  When the tail is not LINKED any more the guest has emptied the
 * queue, so the new event becomes its head, and the queue its ready bit.
 *
 * HOSTILE  The guest writes every word at any time.  We believe nothing that
 * we read there: no link is followed, LINKED only chooses between appending
 * and starting anew, and a word that changes under us is tried a bounded
 * number of times.  A guest that lies loses its own events.
 *
 * LOCKING  One lock per domain.  LINKED is set under it, because "this tail
 * is not linked" and "this port is that tail" must be one decision.  A port
 * that is queued already (every burst but its first event) takes no lock.
 *
 * PURE but for that lock.  Built twice: also into tests/unit_evtchn.
 */
#include "hv/evtchn/fifo_queue.h"

/* Compare-exchange tries on a tail; from LINK_BUSY on the guest is asked, by
 * BUSY, to leave MASKED alone. */
#define LINK_BUSY  4
#define LINK_TRIES 128

uint32_t *fifo_word(const struct fifo *f, uint32_t port)
{
	/* ORDER: pairs with the release in fifo_add_page. */
	if (port / FIFO_WORDS_PER_PAGE >= load_acquire(&f->nr_pages))
		return NULL;
	return &f->page[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE];
}

void fifo_add_page(struct fifo *f, uint32_t *page)
{
	f->page[f->nr_pages] = page;
	store_release(&f->nr_pages, f->nr_pages + 1);
	/* ORDER: page before missed; pairs with word_or_missed. */
	smp_mb();
}

bool fifo_take_missed(struct port *p)
{
	return atomic_exchange(&p->missed, 0);
}

/* The word to raise @port in; NULL if there is none, which is remembered. */
static uint32_t *word_or_missed(const struct fifo *f, struct port *p,
				uint32_t port)
{
	uint32_t *word = fifo_word(f, port);

	if (word)
		return word;
	/* ORDER: missed before page; pairs with fifo_add_page.  Whoever takes
	 * missed back raises the port. */
	atomic_exchange(&p->missed, 1);
	word = fifo_word(f, port);
	return word && fifo_take_missed(p) ? word : NULL;
}

/*
 * Link @port behind the event word @tail.  False: the tail is not queued any
 * more, or the guest would not let us.
 */
static bool link_behind(uint32_t *tail, uint32_t port)
{
	uint32_t w = READ_ONCE(*tail), want;

	for (unsigned int try = 0; try < LINK_TRIES; try++) {
		if (try == LINK_BUSY)
			w = atomic_fetch_or(tail, FIFO_BUSY) | FIFO_BUSY;
		if (!(w & FIFO_LINKED)) {
			if (try >= LINK_BUSY)
				atomic_fetch_and(tail, ~FIFO_BUSY);
			return false;
		}
		want = w & ~(FIFO_BUSY | EVTCHN_FIFO_LINK_MASK);
		if (atomic_cmpxchg(tail, &w, want | port))
			return true;
	}
	atomic_fetch_and(tail, ~FIFO_BUSY);
	return false;
}

/* Put @port, which is pending and was not masked, on its queue. */
static unsigned int enqueue(struct fifo *f, struct port *p, uint32_t port,
			    uint32_t *word, unsigned int *vcpu)
{
	unsigned int prio = READ_ONCE(p->priority), v = READ_ONCE(p->vcpu);
	uint32_t tail, *old_tail;
	struct fifo_vcpu *q;

	/* A vcpu that is not up yet has no queues. */
	if (!load_acquire(&f->vcpu[v].control))
		v = f->first;
	q = &f->vcpu[v];
	*vcpu = v;

	if (atomic_fetch_or(word, FIFO_LINKED) & FIFO_LINKED)
		return 0;
	/* It was taken off its last queue; as that one's tail it can be
	 * followed no more, because its link is now the new queue's. */
	old_tail = &f->vcpu[p->last_vcpu].tail[p->last_priority];
	if (*old_tail == port)
		*old_tail = 0;
	p->last_vcpu = v;
	p->last_priority = prio;

	tail = q->tail[prio];
	q->tail[prio] = port;
	if (tail && link_behind(fifo_word(f, tail), port))
		return 0;
	/* ORDER: head before ready; pairs with the guest's exchange of ready
	 * before it reads the head. */
	WRITE_ONCE(q->control->head[prio], port);
	if (atomic_fetch_or(&q->control->ready, 1u << prio) & 1u << prio)
		return 0;
	return FIFO_NOTIFY;
}

static unsigned int enqueue_if_needed(struct fifo *f, struct port *p,
				      uint32_t port, uint32_t *word,
				      uint32_t seen, unsigned int *vcpu)
{
	unsigned int did;

	if (seen & (FIFO_MASKED | FIFO_LINKED))
		return 0;
	spin_lock(&f->lock);
	did = enqueue(f, p, port, word, vcpu);
	spin_unlock(&f->lock);
	return did;
}

unsigned int fifo_raise(struct fifo *f, struct port *p, uint32_t port,
			unsigned int *vcpu)
{
	uint32_t *word = word_or_missed(f, p, port), old;

	if (!word)
		return 0;
	/* ORDER: PENDING before LINKED and MASKED; pairs with the guest, which
	 * clears LINKED (or MASKED) and then looks at PENDING. */
	old = atomic_fetch_or(word, FIFO_PENDING);
	return (old & FIFO_PENDING ? 0 : FIFO_NEW) |
	       enqueue_if_needed(f, p, port, word, old, vcpu);
}

unsigned int fifo_unmask(struct fifo *f, struct port *p, uint32_t port,
			 unsigned int *vcpu)
{
	uint32_t *word = fifo_word(f, port), old;

	if (!word)
		return 0;
	/* ORDER: MASKED before PENDING; pairs with fifo_raise. */
	old = atomic_fetch_and(word, ~FIFO_MASKED);
	if (!(old & FIFO_PENDING))
		return 0;
	return enqueue_if_needed(f, p, port, word, old & ~FIFO_MASKED, vcpu);
}
