/* SPDX-License-Identifier: MIT */
/*
 * Both ends of the own console ring (ABI.md 20), without a system below them.
 *
 * A console is two pipes of bytes.  Whoever fills one and whoever drains it do
 * the same at both ends (con_pipe.c); the frontend's end is linked into kernel
 * modules and small kernels, the backend's into parapet-consoled, both into
 * tests.  Nothing here allocates, locks or waits: one caller at a time for each
 * side of a pipe.
 *
 * HOSTILE: what the other end writes is read once, by value, and checked.
 */
#ifndef PV_FRONTENDS_CORE_PVCON_H
#define PV_FRONTENDS_CORE_PVCON_H

#include <pv/io/pvcon.h>

#include "pv-frontends/core/shared.h"

enum {
	PVCON_LIE =
		-1, /* the other end is broken: do not touch the ring again */
};

/* ---- the side of a pipe that puts bytes in (con_pipe.c) ---------------------- */

struct pvcon_fill {
	struct pv_con_end *own;
	const struct pv_con_end *other;
	unsigned char *area;
	uint32_t size; /* of the area: a power of two */
	uint32_t prod, pushed;
	uint32_t cons; /* the other end's, as seen last */
};

/* Bytes that there is room for, or PVCON_LIE. */
int pvcon_fill_room(struct pvcon_fill *f);
/* Only after pvcon_fill_room() said that there is room for so many. */
void pvcon_fill_put(struct pvcon_fill *f, const void *text, uint32_t bytes);
/* Show what was put in; true: the other end wants an event. */
bool pvcon_fill_push(struct pvcon_fill *f);
/* Everything is pushed and there is too little room: ask for an event when
 * there is more.  True: there is some already. */
bool pvcon_fill_wait(struct pvcon_fill *f);
/* Was something taken out since the last look?  Looks at memory only. */
bool pvcon_fill_moved(const struct pvcon_fill *f);

/* ---- the side that takes them out --------------------------------------------- */

struct pvcon_drain {
	struct pv_con_end *own;
	const struct pv_con_end *other;
	const unsigned char *area; /* HOSTILE */
	uint32_t size;
	uint32_t cons, told;
};

/* Bytes that are there, or PVCON_LIE. */
int pvcon_drain_there(const struct pvcon_drain *d);
/* Copy that many of them, which stay in the pipe. */
void pvcon_drain_copy(const struct pvcon_drain *d, void *text, uint32_t bytes);
/* The first so many are done with. */
void pvcon_drain_done(struct pvcon_drain *d, uint32_t bytes);
/* Give their room back; true: the other end wants an event for it. */
bool pvcon_drain_tell(struct pvcon_drain *d);
/* Ask for an event with the next byte; true: there is one already. */
bool pvcon_drain_sleep(struct pvcon_drain *d);

/* ---- the frontend's end (con_front.c) -------------------------------------------- */

struct pvcon_front {
	struct pvcon_fill out;
	struct pvcon_drain in;
};

/* Begin with memory that no backend has seen: a ring, and behind it so many
 * pages each way.  Fills the directory, too, except its grants. */
void pvcon_front_init(struct pvcon_front *f, struct pv_con_dir *dir,
		      struct pv_con_ring *ring, uint16_t nr_out,
		      uint16_t nr_in);

/* ---- the backend's end (con_back.c) ------------------------------------------------ */

struct pvcon_back {
	struct pvcon_drain out;
	struct pvcon_fill in;
};

/* The directory, checked: pages that it names behind ref[]; 0: it makes no
 * sense.  The caller has copied it. */
unsigned int pvcon_back_dir(const struct pv_con_dir *dir);
/* Begin, or go on where another process ended: the ring tells.  False: what is
 * in it makes no sense. */
bool pvcon_back_attach(struct pvcon_back *b, struct pv_con_ring *ring,
		       const struct pv_con_dir *dir);

#endif
