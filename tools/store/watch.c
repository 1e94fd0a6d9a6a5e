/* SPDX-License-Identifier: MIT */
/*
 * Watches.
 *
 * PURE  Watches are hashed by the path that they are set on.  A change at
 * /a/b/c looks at four chains (/, /a, /a/b, /a/b/c), however many watches
 * there are.  A watcher gets an event if it may read the node, could read it
 * before, or may read its parent (so that it learns of removals).
 *
 * A client that does not read its events loses none for good: past a limit a
 * watch is only marked, and when the client has caught up it gets one event
 * with the watch's own path, which tells it to look again.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/store.h"

static const char *const special_names[2] = {"@introduceDomain",
					     "@releaseDomain"};

int special_by_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < 2; i++)
		if (path_covers(special_names[i], strlen(special_names[i]),
				name, len))
			return i;
	return -1;
}

const char *special_name(int which)
{
	return special_names[which];
}

static struct watch *watch_find(struct conn *c, const struct path *p,
				const char *token, size_t tlen)
{
	uint32_t hash = path_own_hash(p);
	struct hlink *l;
	struct watch *w;

	for (l = htab_chain(&c->st->watches, hash); l; l = l->next) {
		w = container_of(l, struct watch, link);
		if (w->conn == c && l->hash == hash && w->plen == p->len &&
		    w->tlen == tlen && !memcmp(w->path, p->str, p->len) &&
		    !memcmp(watch_token(w), token, tlen))
			return w;
	}
	return NULL;
}

static int64_t watch_cost(const struct watch *w)
{
	return (int64_t)(sizeof(*w) + w->plen + w->tlen + 2u);
}

int watch_add(struct conn *c, const struct path *p, const char *token,
	      size_t tlen, int depth, struct watch **out)
{
	struct store *st = c->st;
	struct domain *d = domain_get(&st->domains, conn_domid(c));
	struct watch *w;

	if (watch_find(c, p, token, tlen))
		return EEXIST;
	if (!quota_check(&st->domains, d, QUOTA_WATCHES,
			 (uint64_t)d->use[QUOTA_WATCHES] + 1, c->why) ||
	    !quota_check(&st->domains, d, QUOTA_MEMORY,
			 d->use[QUOTA_MEMORY] + sizeof(*w) + p->len + tlen,
			 c->why))
		return ENOSPC;
	w = mem_zalloc(sizeof(*w) + p->len + tlen + 2);
	w->conn = c;
	w->seq = ++st->watch_seq;
	w->depth = depth;
	w->plen = p->len;
	w->skip = p->relative;
	w->tlen = (uint16_t)tlen;
	memcpy(w->path, p->str, p->len);
	memcpy(w->path + p->len + 1, token, tlen);
	htab_add(&st->watches, &w->link, path_own_hash(p));
	list_add_tail(&c->watches, &w->by_conn);
	quota_add(d, QUOTA_WATCHES, 1);
	quota_add(d, QUOTA_MEMORY, watch_cost(w));
	*out = w;
	return 0;
}

void watch_free(struct watch *w)
{
	struct conn *c = w->conn;
	struct domain *d = domain_get(&c->st->domains, conn_domid(c));

	quota_add(d, QUOTA_WATCHES, -1);
	quota_add(d, QUOTA_MEMORY, -watch_cost(w));
	c->lost_watches -= w->lost;
	htab_del(&c->st->watches, &w->link);
	list_del(&w->by_conn);
	free(w);
}

int watch_del(struct conn *c, const struct path *p, const char *token,
	      size_t tlen)
{
	struct watch *w = watch_find(c, p, token, tlen);

	if (!w)
		return ENOENT;
	watch_free(w);
	return 0;
}

void watch_free_all(struct conn *c)
{
	while (!list_empty(&c->watches))
		watch_free(
			container_of(c->watches.next, struct watch, by_conn));
}

static bool may_read(const struct conn *c, const struct perms *p)
{
	return p && (perms_of(p, c->dom->domid, c->dom->target) & PERM_READ);
}

static bool watch_permitted(const struct watch *w, const struct fire *f)
{
	const struct conn *c = w->conn;

	return conn_privileged(c) || may_read(c, f->now) ||
	       may_read(c, f->before) || may_read(c, f->parent);
}

/* Matches of one event, sorted by registration before they are sent. */
struct matches {
	struct watch **w;
	size_t n, cap;
};

static void matches_add(struct matches *m, struct watch *w)
{
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->w = mem_resize(m->w, m->cap * sizeof(*m->w));
	}
	m->w[m->n++] = w;
}

static int matches_order(const void *a, const void *b)
{
	const struct watch *x = *(struct watch *const *)a;
	const struct watch *y = *(struct watch *const *)b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void matches_send(struct matches *m, const char *path, size_t len)
{
	size_t i;

	if (m->n > 1)
		qsort(m->w, m->n, sizeof(*m->w), matches_order);
	for (i = 0; i < m->n; i++)
		conn_event(m->w[i]->conn, m->w[i], path + m->w[i]->skip,
			   len - m->w[i]->skip);
	m->n = 0;
}

static struct matches found; /* scratch, kept between events */

static void match_chain(struct store *st, uint32_t hash, const char *prefix,
			size_t len, int below, const struct fire *f)
{
	struct hlink *l;
	struct watch *w;

	for (l = htab_chain(&st->watches, hash); l; l = l->next) {
		w = container_of(l, struct watch, link);
		if (l->hash != hash || w->plen != len ||
		    memcmp(w->path, prefix, len))
			continue;
		if (w->depth >= 0 && below > w->depth)
			continue;
		if (watch_permitted(w, f))
			matches_add(&found, w);
	}
}

void watch_fire(struct store *st, const struct path *p, const struct fire *f)
{
	int i;

	if (!st->watches.count)
		return;
	for (i = 0; i <= p->depth; i++)
		match_chain(st, p->hash[i], p->str, p->end[i], p->depth - i, f);
	matches_send(&found, p->str, p->len);
}

void watch_fire_exact(struct store *st, uint32_t hash, const char *path,
		      size_t len, const struct fire *f)
{
	if (!st->watches.count)
		return;
	match_chain(st, hash, path, len, 0, f);
	matches_send(&found, path, len);
}

/*
 * "@releaseDomain" with no depth or depth 0 gets that name; with depth 1, and
 * set on "@releaseDomain/N", it gets the name with the domain id.
 */
void watch_fire_special(struct store *st, int which, unsigned domid)
{
	const char *name = special_names[which];
	struct fire f = {.now = st->special[which]};
	size_t nlen = strlen(name), flen, i;
	struct watch *w;
	char full[48];
	struct buf b = {.mem = full, .cap = sizeof(full)};

	buf_printf(&b, "%s/%u", name, domid);
	flen = b.len;
	match_chain(st, path_hash(name, nlen), name, nlen, 0, &f);
	match_chain(st, path_hash(full, flen), full, flen, 0, &f);
	if (found.n > 1)
		qsort(found.w, found.n, sizeof(*found.w), matches_order);
	for (i = 0; i < found.n; i++) {
		w = found.w[i];
		if (w->plen == flen || w->depth > 0)
			conn_event(w->conn, w, full, flen);
		else
			conn_event(w->conn, w, name, nlen);
	}
	found.n = 0;
}

void watch_flush_lost(struct conn *c)
{
	struct list *pos;
	struct watch *w;

	list_for_each (pos, &c->watches) {
		w = container_of(pos, struct watch, by_conn);
		if (!w->lost)
			continue;
		w->lost = false;
		c->lost_watches--;
		conn_event(c, w, w->path + w->skip, (size_t)w->plen - w->skip);
		if (w->lost)
			break; /* full again */
	}
}
