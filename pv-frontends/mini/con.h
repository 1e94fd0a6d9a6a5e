/* SPDX-License-Identifier: MIT */
/*
 * A console for small kernels: text goes out as a whole, and comes as it does.
 *
 * The kernel brings the pages, grants them, writes the keys of ABI.md 20.1 and
 * has a way to send and await events; the rest is here.
 */
#ifndef PV_FRONTENDS_MINI_CON_H
#define PV_FRONTENDS_MINI_CON_H

#include <stddef.h>

#include "pv-frontends/core/pvcon.h"

struct mini_con {
	/* The kernel's.  wait() returns after an event, or any time before. */
	void (*send)(struct mini_con *m);
	void (*wait)(struct mini_con *m);
	/* Its own. */
	struct pvcon_front ring;
	struct pv_con_ring *shared; /* HOSTILE */
	bool broken;
};

enum mini_con_error {
	MINI_CON_BROKEN = -71, /* the backend lied: give the console up */
};

/*
 * Before the keys are written: fill the directory and the ring.  pages are
 * PV_CON_RING_PAGES + nr_out + nr_in contiguous ones, refs their grants; both
 * zeroed.
 */
void mini_con_offer(struct mini_con *m, struct pv_con_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_out, uint16_t nr_in);
/* When the backend is connected: shall what is typed come here? */
void mini_con_open(struct mini_con *m, bool is_open);
/* Rows in bits 31 to 16, columns in 15 to 0; 0: not known. */
uint32_t mini_con_window(const struct mini_con *m);
/* All of it, waiting for room.  0, or an enum mini_con_error. */
int mini_con_write(struct mini_con *m, const void *text, size_t bytes);
/* Copy what was typed, at most so many bytes.  How many; 0: nothing, and an
 * event comes with more; or an enum mini_con_error. */
int mini_con_poll(struct mini_con *m, void *to, uint32_t room);
/* The same, waiting for it. */
int mini_con_read(struct mini_con *m, void *to, uint32_t room);

#endif
