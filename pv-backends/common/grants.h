/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: those that a frontend promised to use again and again are
 * mapped once, and stay until the connection ends.
 */
#ifndef PV_BACKENDS_COMMON_GRANTS_H
#define PV_BACKENDS_COMMON_GRANTS_H

#include "pv-backends/common/bus.h"

struct grants_slot;
struct grants_chunk;

struct grants {
	struct bus *bus;
	domid_t domid;
	unsigned int limit, used; /* frames                          */
	unsigned int nr_slots; /* of the hash table, a power of two */
	struct grants_slot *slots;
	struct grants_chunk *chunks;
};

/* At most `limit` frames; -ENOMEM. */
int grants_init(struct grants *g, struct bus *bus, domid_t domid,
		unsigned int limit);
void grants_free(struct grants *g);
/*
 * Where those grants are mapped: page[i] for refs[i].  NULL there: it cannot be
 * (the table is full, or the grant is not one that we may write to), copy.
 */
void grants_find(struct grants *g, const uint32_t *refs, unsigned int nr,
		 unsigned char **page);

#endif
