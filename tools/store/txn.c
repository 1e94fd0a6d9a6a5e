/* SPDX-License-Identifier: MIT */
/*
 * Transactions: a snapshot, an overlay, and a check at the end.
 *
 * PURE  A transaction reads the tree as it was when it started (tree.h), plus
 * its own changes, which live in its tnodes.  Each path that it looked at has a
 * tnode.  At the end, nothing that it looked at or changed may have a newer
 * generation than the snapshot; then the changes are applied as one step.  A
 * transaction without changes is right by itself: its snapshot was one
 * instant, so it never conflicts.
 *
 * Existence, value and permissions of a node are one thing to conflict on, its
 * set of children is another: two clients may add different children to one
 * directory at the same time.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/txn.h"

struct txn *txn_start(struct conn *c)
{
	struct store *st = c->st;
	struct domain *d = domain_get(&st->domains, conn_domid(c));
	struct txn *tx;

	if (!quota_check(&st->domains, d, QUOTA_TRANSACTIONS,
			 (uint64_t)d->use[QUOTA_TRANSACTIONS] + 1, c->why))
		return NULL;
	do {
		if (!++c->next_tx)
			c->next_tx = 1;
	} while (txn_find(c, c->next_tx));
	tx = txn_restore(c, c->next_tx);
	tx->snap.lost = false;
	snap_open(&st->tree, &tx->snap);
	if (conn_durable(c))
		rec_tx(st, true, c->key, tx->id);
	turn_begin(tx);
	return tx;
}

struct txn *txn_restore(struct conn *c, uint32_t id)
{
	struct domain *d = domain_get(&c->st->domains, conn_domid(c));
	struct txn *tx = mem_zalloc(sizeof(*tx));

	tx->conn = c;
	tx->id = id;
	tx->snap.lost = true;
	tx->began = store_now(c->st);
	htab_init(&tx->nodes);
	list_init(&tx->order);
	list_add_tail(&c->txns, &tx->link);
	quota_add(d, QUOTA_TRANSACTIONS, 1);
	return tx;
}

struct txn *txn_find(const struct conn *c, uint32_t id)
{
	struct list *pos;
	struct txn *tx;

	list_for_each (pos, &c->txns) {
		tx = container_of(pos, struct txn, link);
		if (tx->id == id)
			return tx;
	}
	return NULL;
}

/* What a transaction holds counts as the domain's memory. */
static void txn_charge(struct txn *tx, int64_t bytes)
{
	struct conn *c = tx->conn;

	tx->bytes += bytes;
	quota_add(domain_get(&c->st->domains, conn_domid(c)), QUOTA_MEMORY,
		  bytes);
}

static void tnode_clear(struct store *st, struct tnode *n)
{
	if (n->perms)
		perms_put(&st->tree.perms, n->perms);
	free(n->value);
	n->perms = NULL;
	n->value = NULL;
	n->vlen = 0;
}

void txn_free(struct txn *tx)
{
	struct conn *c = tx->conn;
	struct store *st = c->st;
	struct tnode *n;

	while (!list_empty(&tx->order)) {
		n = container_of(tx->order.next, struct tnode, order);
		list_del(&n->order);
		tnode_clear(st, n);
		if (n->before)
			perms_put(&st->tree.perms, n->before);
		free(n);
	}
	txn_charge(tx, -tx->bytes);
	htab_free(&tx->nodes);
	snap_close(&st->tree, &tx->snap);
	list_del(&tx->link);
	quota_add(domain_get(&st->domains, conn_domid(c)), QUOTA_TRANSACTIONS,
		  -1);
	if (conn_durable(c))
		rec_tx(st, false, c->key, tx->id);
	turn_end(tx);
	free(tx);
}

void txn_free_all(struct conn *c)
{
	while (!list_empty(&c->txns))
		txn_free(container_of(c->txns.next, struct txn, link));
}

struct tnode *txn_known(const struct txn *tx, uint32_t hash, const char *path,
			size_t len)
{
	struct hlink *l;
	struct tnode *n;

	for (l = htab_chain(&tx->nodes, hash); l; l = l->next) {
		n = container_of(l, struct tnode, link);
		if (l->hash == hash && n->plen == len &&
		    !memcmp(n->path, path, len))
			return n;
	}
	return NULL;
}

static struct tnode *txn_touch(struct txn *tx, uint32_t hash, const char *path,
			       size_t len)
{
	struct tnode *n = txn_known(tx, hash, path, len);

	if (n)
		return n;
	n = mem_zalloc(sizeof(*n) + len + 1);
	n->plen = (uint16_t)len;
	memcpy(n->path, path, len);
	htab_add(&tx->nodes, &n->link, hash);
	list_add_tail(&tx->order, &n->order);
	txn_charge(tx, (int64_t)(sizeof(*n) + len));
	return n;
}

bool txn_room(struct txn *tx, char *why)
{
	struct domains *ds = &tx->conn->st->domains;
	struct domain *d = domain_get(ds, conn_domid(tx->conn));

	return quota_check(ds, d, QUOTA_TXN_NODES, tx->nodes.count, why);
}

bool txn_view(struct store *st, struct txn *tx, const struct path *p,
	      unsigned depth, struct view *v)
{
	struct node *n =
		tree_find_any(&st->tree, p->hash[depth], p->str, p->end[depth]);
	struct tnode *t;

	v->node = n;
	if (!tx)
		return n && snap_view(NULL, n, v);
	t = txn_touch(tx, p->hash[depth], p->str, p->end[depth]);
	if (!t->written)
		return n && snap_view(&tx->snap, n, v);
	v->perms = t->perms;
	v->value = t->value;
	v->vlen = t->vlen;
	return t->live;
}

void txn_put(struct txn *tx, const struct path *p, unsigned depth,
	     struct perms *perms, const void *value, uint32_t vlen)
{
	struct tnode *t = txn_touch(tx, p->hash[depth], p->str, p->end[depth]);
	struct store *st = tx->conn->st;
	char *copy = mem_dup(value, vlen);

	txn_charge(tx, (int64_t)vlen - t->vlen);
	tnode_clear(st, t);
	t->perms = perms;
	t->value = copy;
	t->vlen = vlen;
	t->written = t->live = true;
	if (t->event == EVENT_REMOVED || t->event == EVENT_WITH_PARENT)
		t->event = EVENT_CHANGED;
	tx->writes++;
}

void txn_set_event(struct txn *tx, const struct path *p, uint8_t event)
{
	struct tnode *t = txn_touch(tx, path_own_hash(p), p->str, p->len);

	t->event = event;
	list_del(&t->order);
	list_add_tail(&tx->order, &t->order);
}

static void txn_kill(struct txn *tx, struct tnode *t, uint8_t event)
{
	txn_charge(tx, -(int64_t)t->vlen);
	tnode_clear(tx->conn->st, t);
	t->written = true;
	t->live = false;
	t->listed = true;
	t->event = event;
	list_del(&t->order);
	list_add_tail(&tx->order, &t->order);
}

/* Next node in the subtree of top, also of nodes that only snapshots see. */
static struct node *any_next(struct node *n, const struct node *top)
{
	if (n->child)
		return n->child;
	for (; n != top; n = n->parent)
		if (n->next)
			return n->next;
	return NULL;
}

void txn_remove(struct txn *tx, const struct path *p)
{
	struct store *st = tx->conn->st;
	struct node *top =
		tree_find_any(&st->tree, path_own_hash(p), p->str, p->len);
	struct list *pos;
	struct tnode *t;
	struct node *n;
	struct view v;
	uint32_t left;

	txn_kill(tx, txn_touch(tx, path_own_hash(p), p->str, p->len),
		 EVENT_REMOVED);
	tx->new_nodes--;
	for (n = top; n; n = any_next(n, top)) {
		if (n == top || !snap_view(&tx->snap, n, &v))
			continue;
		t = txn_touch(tx, n->link.hash, n->path, n->plen);
		if (t->written && !t->live)
			continue;
		txn_kill(tx, t, EVENT_WITH_PARENT);
		tx->new_nodes--;
	}
	/* What this transaction created there.  The dead move to the end. */
	for (pos = tx->order.next, left = tx->nodes.count; left; left--) {
		t = container_of(pos, struct tnode, order);
		pos = pos->next;
		if (!t->written || !t->live || t->plen <= p->len ||
		    !path_covers(p->str, p->len, t->path, t->plen))
			continue;
		txn_kill(tx, t, EVENT_WITH_PARENT);
		tx->new_nodes--;
	}
	tx->writes++;
}

void txn_children(struct txn *tx, const struct path *p, const struct view *v,
		  child_fn *fn, void *arg)
{
	struct list *pos;
	struct tnode *t;
	struct node *n;
	struct view cv;
	size_t skip = p->len == 1 ? 1 : p->len + 1u;

	if (tx)
		txn_touch(tx, path_own_hash(p), p->str, p->len)->listed = true;
	for (n = v->node ? v->node->child : NULL; n; n = n->next) {
		if (!snap_view(tx ? &tx->snap : NULL, n, &cv))
			continue;
		if (tx) {
			t = txn_known(tx, n->link.hash, n->path, n->plen);
			if (t && t->written)
				continue; /* below, if it lives */
		}
		fn(arg, n->path + n->leaf, (size_t)n->plen - n->leaf);
	}
	if (!tx)
		return;
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		if (!t->written || !t->live || t->plen <= skip ||
		    !path_covers(p->str, p->len, t->path, t->plen) ||
		    memchr(t->path + skip, '/', t->plen - skip))
			continue;
		fn(arg, t->path + skip, t->plen - skip);
	}
}
