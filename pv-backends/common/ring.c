/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a request-response ring.
 *
 * The shared page is the frontend's as much as ours: of the header only
 * req_prod and rsp_event are ever read, each once, and a request is copied
 * before anybody looks at it.  Our own two indices live in our memory.
 *
 * PURE
 */
#include <errno.h>
#include <string.h>

#include "pv-backends/common/ring.h"

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value)                                                    \
	__atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

uint32_t ring_slots(size_t bytes, uint32_t slot_size)
{
	uint32_t fit = (uint32_t)((bytes - PV_RING_HEADER_SIZE) / slot_size);

	return 1u << (31 - __builtin_clz(fit));
}

static void set_up(struct ring *r, void *pages, size_t bytes,
		   uint32_t slot_size, uint32_t rsp_size, struct ring_log *log)
{
	r->shared = pages;
	r->slots = (unsigned char *)pages + PV_RING_HEADER_SIZE;
	r->log = log;
	r->nr_slots = ring_slots(bytes, slot_size);
	r->slot_size = slot_size;
	r->rsp_size = rsp_size;
}

static unsigned char *slot(const struct ring *r, uint32_t index)
{
	return r->slots + (index & (r->nr_slots - 1)) * r->slot_size;
}

void ring_attach(struct ring *r, void *pages, size_t bytes, uint32_t slot_size,
		 uint32_t rsp_size, struct ring_log *log)
{
	set_up(r, pages, bytes, slot_size, rsp_size, log);
	log->valid = 0;
	log->nr = 0;
	log->rsp_prod = LOAD(r->shared->rsp_prod);
	r->req_cons = log->rsp_prod;
}

/* Slots first, then the index. */
static void copy_to_ring(struct ring *r)
{
	struct ring_log *log = r->log;

	for (uint32_t i = 0; i < log->nr; i++)
		memcpy(slot(r, log->rsp_prod + i), log->entry[i].rsp,
		       r->rsp_size);
	/* ORDER: slots before index; pairs with the frontend's read barrier. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	STORE(r->shared->rsp_prod, log->rsp_prod + log->nr);
}

int ring_recover(struct ring *r, void *pages, size_t bytes, uint32_t slot_size,
		 uint32_t rsp_size, struct ring_log *log)
{
	uint32_t there; /* HOSTILE */

	set_up(r, pages, bytes, slot_size, rsp_size, log);
	if (!log->valid)
		log->nr = 0; /* what was not declared valid never was */
	if (log->nr > r->nr_slots)
		return -EPROTO;
	r->req_cons = log->rsp_prod + log->nr;
	/*
	 * Once the index was moved the slots are the frontend's, and hold new
	 * requests perhaps: then they must not be written again.
	 */
	there = LOAD(r->shared->rsp_prod);
	if (there == log->rsp_prod)
		copy_to_ring(r);
	else if (there != log->rsp_prod + log->nr)
		return -EPROTO;
	return 0;
}

int ring_pending(const struct ring *r)
{
	uint32_t prod = LOAD(r->shared->req_prod); /* HOSTILE */
	uint32_t base = r->log->rsp_prod; /* as far as the frontend knows */

	if (prod - base > r->nr_slots || prod - base < r->req_cons - base)
		return -EPROTO;
	/* ORDER: index before requests; pairs with the frontend's write
	 * barrier. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (int)(prod - r->req_cons);
}

bool ring_has_grown(struct ring *r)
{
	uint32_t before = r->seen;

	r->seen = LOAD(r->shared->req_prod); /* HOSTILE */
	return r->seen != before;
}

void ring_peek(const struct ring *r, uint32_t ahead, void *request)
{
	memcpy(request, slot(r, r->req_cons + ahead), r->slot_size);
	/* The compiler may not look into the slot again for the copy. */
	__asm__ volatile("" : : "r"(request) : "memory");
}

void ring_read(struct ring *r, void *request)
{
	ring_peek(r, 0, request);
	r->req_cons++;
}

int ring_sleep(struct ring *r)
{
	return ring_sleep_for(r, 1);
}

int ring_sleep_for(struct ring *r, uint32_t want)
{
	STORE(r->shared->req_event, r->req_cons + want);
	/* ORDER: our wish before the last look; pairs with the frontend's full
	 * barrier between req_prod and req_event. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_pending(r);
}

uint32_t ring_in_flight(const struct ring *r)
{
	return r->req_cons - (r->log->rsp_prod + r->log->nr);
}

void ring_respond(struct ring *r, const void *response, uint32_t tag)
{
	struct ring_entry *e = &r->log->entry[r->log->nr++];

	memcpy(e->rsp, response, r->rsp_size);
	e->tag = tag;
}

bool ring_publish(struct ring *r)
{
	uint32_t before = r->log->rsp_prod, now = before + r->log->nr;
	uint32_t event;

	if (now == before)
		return false;
	/* ORDER: x86 keeps stores in order, also in the eyes of whoever maps
	 * the log after we were killed; so only the compiler must. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	STORE(r->log->valid, 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copy_to_ring(r);
	/* ORDER: rsp_prod before rsp_event; pairs with the frontend's full
	 * barrier between rsp_event and its last look. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = LOAD(r->shared->rsp_event); /* HOSTILE: only its own loss */
	return now - event < now - before;
}

/*
 * Empty the log.  Killed between the stores: valid is still set, and the
 * entries would be replayed from a later index.  So the index moves together
 * with valid, in one store of eight bytes.
 */
void ring_settle(struct ring *r)
{
	struct ring_log *log = r->log;
	uint64_t empty = (uint64_t)(log->rsp_prod + log->nr) << 32;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	STORE(log->both, empty);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	STORE(log->nr, 0);
}

uint32_t ring_unseen(const struct ring *r)
{
	uint32_t event = LOAD(r->shared->rsp_event); /* HOSTILE: its own loss */
	int32_t since = (int32_t)(r->log->rsp_prod + r->log->nr - event);

	return since >= 0 ? (uint32_t)since + 1 : 0;
}
