/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: a hash table from reference to page.
 *
 * What one request has that is new is mapped with one call, one page behind
 * the other, so that later requests with the same grants make long runs of
 * memory.  Nothing is ever taken out of the table: a frontend has as many
 * persistent grants as its ring can hold, and who uses more has them copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/common/grants.h"

enum {
	AT_ONCE = 64, /* mapped by one call, at most */
};

struct grants_slot {
	uint32_t ref;
	uint32_t bad; /* refused once: not tried again */
	unsigned char *page; /* NULL and not bad: free */
};

struct grants_chunk {
	void *map;
	unsigned int nr;
	struct grants_chunk *next;
};

int grants_init(struct grants *g, struct bus *bus, domid_t domid,
		unsigned int limit)
{
	memset(g, 0, sizeof(*g));
	g->bus = bus;
	g->domid = domid;
	g->limit = limit;
	g->nr_slots = 64;
	while (g->nr_slots < 2 * limit)
		g->nr_slots *= 2;
	g->slots = calloc(g->nr_slots, sizeof(*g->slots));
	return g->slots ? 0 : -ENOMEM;
}

void grants_free(struct grants *g)
{
	struct grants_chunk *c;

	while ((c = g->chunks)) {
		g->chunks = c->next;
		bus_unmap(g->bus, c->map, c->nr);
		free(c);
	}
	free(g->slots);
	g->slots = NULL;
	g->used = 0;
}

/* The slot of that reference, or the free one where it would be.  There is
 * always a free one: the table is twice as large as the limit. */
static struct grants_slot *slot_of(const struct grants *g, uint32_t ref)
{
	unsigned int mask = g->nr_slots - 1;
	unsigned int i = (ref * 2654435761u >> 7) & mask;

	while ((g->slots[i].page || g->slots[i].bad) && g->slots[i].ref != ref)
		i = (i + 1) & mask;
	return &g->slots[i];
}

static void insert(struct grants *g, uint32_t ref, unsigned char *page)
{
	struct grants_slot *s = slot_of(g, ref);

	s->ref = ref;
	s->page = page;
	s->bad = !page;
	g->used++;
}

static bool map_chunk(struct grants *g, const uint32_t *refs, unsigned int nr)
{
	struct grants_chunk *c = malloc(sizeof(*c));

	if (!c)
		return false;
	c->map = bus_map(g->bus, g->domid, refs, nr);
	if (!c->map) {
		free(c);
		return false;
	}
	c->nr = nr;
	c->next = g->chunks;
	g->chunks = c;
	for (unsigned int i = 0; i < nr; i++)
		insert(g, refs[i],
		       (unsigned char *)c->map + (size_t)i * PV_PAGE_SIZE);
	return true;
}

static void map_new(struct grants *g, const uint32_t *refs, unsigned int nr)
{
	if (!nr || map_chunk(g, refs, nr))
		return;
	/* One bad reference fails all: find out which. */
	for (unsigned int i = 0; i < nr; i++)
		if (nr == 1 || !map_chunk(g, refs + i, 1))
			insert(g, refs[i], NULL);
}

static bool listed(const uint32_t *refs, unsigned int nr, uint32_t ref)
{
	while (nr--)
		if (refs[nr] == ref)
			return true;
	return false;
}

void grants_find(struct grants *g, const uint32_t *refs, unsigned int nr,
		 unsigned char **page)
{
	uint32_t new[AT_ONCE];
	unsigned int nr_new = 0, i;

	for (i = 0; i < nr; i++) {
		const struct grants_slot *s = slot_of(g, refs[i]);

		page[i] = s->page;
		if (!s->page && !s->bad && nr_new < AT_ONCE &&
		    g->used + nr_new < g->limit &&
		    !listed(new, nr_new, refs[i]))
			new[nr_new++] = refs[i];
	}
	if (!nr_new)
		return;
	map_new(g, new, nr_new);
	for (i = 0; i < nr; i++)
		page[i] = slot_of(g, refs[i])->page;
}
