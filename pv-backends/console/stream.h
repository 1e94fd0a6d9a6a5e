/* SPDX-License-Identifier: MIT */
/* The backend's end of a console ring: two byte streams. */
#ifndef PV_BACKENDS_CONSOLE_STREAM_H
#define PV_BACKENDS_CONSOLE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/io/console.h>

/* Our two indices, where a successor finds them. */
struct stream_saved {
	union {
		struct {
			uint32_t out_cons;
			uint32_t mark; /* the caller's, as of out_cons */
		};
		uint64_t both;
	};
	uint32_t in_prod, pad;
};

struct stream {
	struct pv_xencons_interface *ring; /* HOSTILE */
	struct stream_saved *saved;
};

/* Begin where the ring's own indices are; or, resumed, where the saved ones
 * are. */
void stream_attach(struct stream *s, void *page, struct stream_saved *saved,
		   bool resume);
/*
 * Copy what the guest has written, at most `room` bytes, without taking it.
 * Returns how many; -EPROTO: the index is impossible.
 */
int stream_peek(const struct stream *s, char *text, size_t room);
/* The guest may use the room of that many bytes again.  The mark is saved at
 * the same instant. */
void stream_take(struct stream *s, uint32_t bytes, uint32_t mark);
/* Bytes that the guest has room for, or -EPROTO. */
int stream_room(const struct stream *s);
/* Only after stream_room() said that there is room. */
void stream_put(struct stream *s, const char *text, uint32_t bytes);

#endif
