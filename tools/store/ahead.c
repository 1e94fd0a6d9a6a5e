/* SPDX-License-Identifier: MIT */
/*
 * Looking ahead in the input of a connection that pipelines.
 *
 * PURE  With a million nodes nearly every look-up waits for memory: once for
 * the bucket, once for the node.  The paths of the next requests are already
 * in the input buffer, so their memory is asked for while the current request
 * runs: first the bucket, a few requests later the node behind it.  Nothing
 * depends on what is read here; a wrong guess costs only time.
 */
#include "tools/store/ahead.h"

#define NODE_LINES 3 /* cache lines that hold a usual node and its path */

void ahead_init(struct ahead *a)
{
	memset(a, 0, sizeof(*a));
}

/* The path of the request at the front of p, if it has one that is absolute. */
static bool ahead_path(const char *p, size_t left, const struct xs_hdr *h,
		       uint32_t *hash)
{
	const char *path = p + sizeof(*h), *nul;

	if (h->len > left - sizeof(*h) || h->len < 2 || path[0] != '/')
		return false;
	if (h->type != XS_READ && h->type != XS_WRITE &&
	    h->type != XS_GET_PERMS && h->type != XS_DIRECTORY)
		return false;
	nul = memchr(path, 0, h->len);
	if (!nul)
		return false;
	*hash = path_hash(path, (size_t)(nul - path));
	return true;
}

/* Look at one more request, and have its bucket fetched. */
static void ahead_peek(struct ahead *a, const struct conn *c)
{
	const struct htab *t = &c->st->tree.nodes;
	unsigned slot = a->seen++ % AHEAD_MAX;
	struct xs_hdr h;

	a->known[slot] = false;
	if (a->at + sizeof(h) > c->in.len)
		return;
	memcpy(&h, buf_data(&c->in) + a->at, sizeof(h));
	a->known[slot] = ahead_path(buf_data(&c->in) + a->at, c->in.len - a->at,
				    &h, &a->hash[slot]);
	if (a->known[slot])
		__builtin_prefetch(htab_bucket(t, a->hash[slot]));
	a->at += sizeof(h) + h.len;
}

static void fetch_node(const struct hlink *l)
{
	const char *node = (const char *)l;
	unsigned line;

	for (line = 0; node && line < NODE_LINES; line++)
		__builtin_prefetch(node + line * 64);
}

static const struct hlink *ahead_first(const struct ahead *a,
				       const struct conn *c, unsigned distance,
				       uint32_t *hash)
{
	unsigned slot = (a->done + distance) % AHEAD_MAX;

	if (!a->known[slot])
		return NULL;
	*hash = a->hash[slot];
	return *htab_bucket(&c->st->tree.nodes, *hash);
}

void ahead_step(struct ahead *a, const struct conn *c)
{
	uint32_t hash;

	if (c->in.len < AHEAD_WORTH)
		return;
	while (a->seen < a->done + AHEAD_MAX)
		ahead_peek(a, c);
	fetch_node(ahead_first(a, c, AHEAD_MAX / 2, &hash));
}

void ahead_done(struct ahead *a, size_t size)
{
	a->done++;
	a->at -= size < a->at ? size : a->at;
}
