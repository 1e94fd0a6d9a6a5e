/* SPDX-License-Identifier: MIT */
/*
 * Serving a console through the own ring (ABI.md 20), beside the stock one:
 * what console/main.c asks for.
 *
 * It is a device within the console's: its backend's nodes are in the folder
 * `own` of the console's, and it is served while the stock ring is.
 */
#ifndef PV_BACKENDS_PVCON_PVCON_H
#define PV_BACKENDS_PVCON_PVCON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pv-backends/common/journal.h"

struct console;
struct pvcon;

enum {
	PVCON_TEXT_AT_ONCE = 16 << 10, /* bytes that are logged together */
};

/* See struct console_saved. */
struct pvcon_saved {
	union {
		struct {
			uint32_t out_cons;
			uint32_t mark;
		};
		uint64_t both;
	};
};

/* A journal of its own, in a part of the console's. */
struct pvcon_journal {
	unsigned char head[JOURNAL_HEAD];
	struct pvcon_saved saved;
};

/* While there are rights to connect to the store.  NULL: it is not offered, or
 * cannot be, and the stock ring is all there is. */
struct pvcon *pvcon_open(struct console *c);
void pvcon_close(struct pvcon *p);

/* Serve it, until it is stopped. */
void pvcon_start(struct pvcon *p);
void pvcon_stop(struct pvcon *p);

/* Does somebody in the guest read there what is typed? */
bool pvcon_is_open(const struct pvcon *p);
size_t pvcon_room(struct pvcon *p);
void pvcon_type(struct pvcon *p, const char *text, size_t bytes);
void pvcon_resize(struct pvcon *p, uint16_t rows, uint16_t columns);

#endif
