/* SPDX-License-Identifier: MIT */
/*
 * Both ends of the own network ring (ABI.md 19), without a system below them.
 *
 * A queue is two pipes.  Whoever fills one and whoever drains it do the same at
 * both ends (net_pipe.c); the frontend's end is linked into kernel modules, the
 * backend's into parapet-netback, both into tests.  Nothing here allocates,
 * locks or waits: one caller at a time for each side of a pipe.
 *
 * HOSTILE: what the other end writes is read once, by value, and checked.
 */
#ifndef PV_FRONTENDS_CORE_PVNET_H
#define PV_FRONTENDS_CORE_PVNET_H

#include <pv/io/pvnet.h>

#include "pv-frontends/core/shared.h"

/* What a look at a pipe found. */
enum pvnet_look {
	PVNET_LIE =
		-1, /* the other end is broken: do not touch the ring again */
	PVNET_NONE = 0,
	PVNET_ONE = 1,
};

/* ---- the side of a pipe that puts packets in (net_pipe.c) -------------------- */

struct pvnet_fill {
	struct pv_net_end *own;
	const struct pv_net_end *other;
	struct pv_net_packet *packet;
	uint32_t area; /* bytes */
	uint32_t prod, pushed;
	uint32_t cons; /* the other end's, as seen last */
	uint32_t tail; /* where the last packet ends in the area */
	uint32_t begin[PV_NET_SLOTS]; /* where each one under way begins */
};

/* Is there room for one more packet of up to that many bytes?  PVNET_ONE: at
 * *at, in one piece. */
enum pvnet_look pvnet_fill_room(struct pvnet_fill *f, uint32_t bytes,
				uint32_t *at);
/* The packet is there: p->at as found, p->bytes at most what was asked for. */
void pvnet_fill_put(struct pvnet_fill *f, const struct pv_net_packet *p);
/* Show what was put in; true: the other end wants an event. */
bool pvnet_fill_push(struct pvnet_fill *f);
/* Everything is pushed and there is no room: ask for an event when there is
 * more.  True: there is some already. */
bool pvnet_fill_wait(struct pvnet_fill *f);
/* Was something taken out since the last look?  Looks at memory only. */
bool pvnet_fill_moved(const struct pvnet_fill *f);

/* ---- the side that takes them out --------------------------------------------- */

struct pvnet_drain {
	struct pv_net_end *own;
	const struct pv_net_end *other;
	const struct pv_net_packet *packet;
	uint32_t area;
	uint32_t cons, told;
	uint32_t prod; /* the other end's, as seen last */
};

/* The next packet, which stays in the pipe. */
enum pvnet_look pvnet_drain_look(struct pvnet_drain *d,
				 struct pv_net_packet *p);
/* It was copied, and its bytes are not looked at again. */
void pvnet_drain_done(struct pvnet_drain *d);
/* True: the other end wants an event for the room that it has got. */
bool pvnet_drain_tell(struct pvnet_drain *d);
/* Is there a packet?  Looks at memory only. */
bool pvnet_drain_busy(const struct pvnet_drain *d);
/* Ask for an event with the next packet; true: there is one already. */
bool pvnet_drain_sleep(struct pvnet_drain *d);

/* ---- the frontend's end (net_front.c) -------------------------------------------- */

struct pvnet_front {
	struct pvnet_fill tx;
	struct pvnet_drain rx;
};

/* Begin with memory that no backend has seen; pages of each area. */
void pvnet_front_init(struct pvnet_front *f, struct pv_net_ring *ring,
		      unsigned int nr_tx, unsigned int nr_rx);

/* ---- the backend's end (net_back.c) ------------------------------------------------ */

struct pvnet_back {
	struct pvnet_drain tx;
	struct pvnet_fill rx;
};

/* The directory, checked: pages that it names behind ref[]; 0: it makes no
 * sense.  The caller has copied it. */
unsigned int pvnet_back_dir(const struct pv_net_dir *dir);
/* Begin, or go on where another process ended: the ring tells.  False: what is
 * in it makes no sense. */
bool pvnet_back_attach(struct pvnet_back *b, struct pv_net_ring *ring,
		       unsigned int nr_tx, unsigned int nr_rx);

#endif
