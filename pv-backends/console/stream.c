/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a console ring.
 *
 * The page is the guest's: of the four indices only the guest's two are read,
 * each once for every call, and ours are kept in memory of our own.
 *
 * PURE
 */
#include <errno.h>
#include <string.h>

#include "pv-backends/console/stream.h"

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
/* ORDER: bytes before the index that covers them; pairs with the guest's
 * barrier behind its load of that index. */
#define STORE(field, value)                                                    \
	__atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

void stream_attach(struct stream *s, void *page, struct stream_saved *saved,
		   bool resume)
{
	s->ring = page;
	s->saved = saved;
	if (resume) {
		STORE(s->ring->out_cons, saved->out_cons);
		STORE(s->ring->in_prod, saved->in_prod);
		return;
	}
	saved->out_cons = LOAD(s->ring->out_cons);
	saved->in_prod = LOAD(s->ring->in_prod);
}

int stream_peek(const struct stream *s, char *text, size_t room)
{
	uint32_t cons = s->saved->out_cons;
	uint32_t prod = LOAD(s->ring->out_prod); /* HOSTILE */
	uint32_t bytes = prod - cons, at = cons % XENCONS_OUT_SIZE, first;

	if (bytes > XENCONS_OUT_SIZE)
		return -EPROTO;
	if (bytes > room)
		bytes = (uint32_t)room;
	first = XENCONS_OUT_SIZE - at;
	first = first < bytes ? first : bytes;
	memcpy(text, s->ring->out + at, first);
	memcpy(text + first, s->ring->out, bytes - first);
	return (int)bytes;
}

void stream_take(struct stream *s, uint32_t bytes, uint32_t mark)
{
	uint32_t cons = s->saved->out_cons + bytes;

	STORE(s->saved->both, (uint64_t)mark << 32 | cons);
	STORE(s->ring->out_cons, cons);
}

int stream_room(const struct stream *s)
{
	uint32_t cons = LOAD(s->ring->in_cons); /* HOSTILE */
	uint32_t used = s->saved->in_prod - cons;

	return used > XENCONS_IN_SIZE ? -EPROTO : (int)(XENCONS_IN_SIZE - used);
}

void stream_put(struct stream *s, const char *text, uint32_t bytes)
{
	uint32_t at = s->saved->in_prod % XENCONS_IN_SIZE;
	uint32_t first = XENCONS_IN_SIZE - at;

	first = first < bytes ? first : bytes;
	memcpy(s->ring->in + at, text, first);
	memcpy(s->ring->in, text + first, bytes - first);
	s->saved->in_prod += bytes;
	STORE(s->ring->in_prod, s->saved->in_prod);
}
