/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a request-response ring.
 *
 * Responses go through a log in memory of our own before they go to the ring:
 *
 *	ring_respond()	 adds a response to the log
 *	ring_publish()	 declares the log valid, copies it to the ring's slots,
 *			 and moves the ring's index
 *	ring_settle()	 declares the log empty
 *
 * A response takes the slot of a request that was read, perhaps of one that is
 * still being worked on.  A process that is killed between two stores would so
 * leave slots that are neither; with the log in a file that outlives it
 * (journal.h), its successor replays what was declared valid (ring_recover),
 * and no response is lost or given twice.
 */
#ifndef PV_BACKENDS_COMMON_RING_H
#define PV_BACKENDS_COMMON_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/io/ring.h>

enum {
	RING_RSP_MAX = 16, /* bytes of the largest response */
};

struct ring_entry {
	unsigned char rsp[RING_RSP_MAX];
	uint32_t tag; /* the caller's, for what it does before settling */
	uint32_t pad;
};

struct ring_log {
	union {
		struct {
			uint32_t valid;
			uint32_t rsp_prod; /* where the first entry goes */
		};
		uint64_t both;
	};
	uint32_t nr;
	uint32_t pad;
	struct ring_entry entry[];
};

struct ring {
	struct pv_ring_header *shared; /* HOSTILE */
	unsigned char *slots; /* HOSTILE */
	struct ring_log *log;
	uint32_t nr_slots, slot_size, rsp_size;
	uint32_t req_cons; /* the next request to read */
	uint32_t seen; /* of ring_has_grown() */
};

/* Slots in a ring of that many bytes. */
uint32_t ring_slots(size_t bytes, uint32_t slot_size);
/* Bytes of a log for so many slots; it has to be aligned as a uint64_t. */
#define RING_LOG_BYTES(nr_slots)                                               \
	(sizeof(struct ring_log) + (nr_slots) * sizeof(struct ring_entry))

/* Begin with a frontend that has just published its ring. */
void ring_attach(struct ring *r, void *pages, size_t bytes, uint32_t slot_size,
		 uint32_t rsp_size, struct ring_log *log);
/*
 * Go on where a predecessor ended: its log tells.  Afterwards log->entry has
 * log->nr responses that are in the ring now; then ring_settle() and an event.
 * req_cons is the first request without a response; who answers out of order
 * knows better and sets it.  -EPROTO: the log or the ring makes no sense.
 */
int ring_recover(struct ring *r, void *pages, size_t bytes, uint32_t slot_size,
		 uint32_t rsp_size, struct ring_log *log);

/*
 * How many requests wait: -EPROTO if the index is impossible.  This is the only
 * read of the frontend's index that decides on requests.  Until responses are published at most nr_slots
 * requests can be read, so the log always has room.
 */
int ring_pending(const struct ring *r);
/* Does the index differ from that of the last call?  For counting events:
 * whether it is possible, only ring_pending() knows. */
bool ring_has_grown(struct ring *r);
/* Copy the next request; only after ring_pending() said that there is one. */
void ring_read(struct ring *r, void *request);
/* Copy the request `ahead` slots after the next one, without taking it. */
void ring_peek(const struct ring *r, uint32_t ahead, void *request);
/* Ask for an event with the next request; then as ring_pending(). */
int ring_sleep(struct ring *r);
/* The same, once `want` requests wait. */
int ring_sleep_for(struct ring *r, uint32_t want);

/* Requests read that have no response yet. */
uint32_t ring_in_flight(const struct ring *r);
void ring_respond(struct ring *r, const void *response, uint32_t tag);
/* True: the frontend wants an event. */
bool ring_publish(struct ring *r);
void ring_settle(struct ring *r);
/* How many responses were published since the frontend has begun to wait for an
 * event; 0: it does not wait for one about them. */
uint32_t ring_unseen(const struct ring *r);

#endif
