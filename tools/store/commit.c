/* SPDX-License-Identifier: MIT */
/*
 * The end of a transaction: decode nothing, check everything, then apply.
 *
 * PURE  Removals are applied before creations, creations from the top down, so
 * that every step leaves a proper tree.  The reply goes out before the events,
 * and all records of a commit are in one journal frame.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/txn.h"

static bool commit_conflicts(const struct txn *tx)
{
	const struct tree *tree = &tx->conn->st->tree;
	struct list *pos;
	struct tnode *t;
	struct node *n;

	if (tx->snap.lost)
		return true;
	if (!tx->writes)
		return false;
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		n = tree_find_any(tree, t->link.hash, t->path, t->plen);
		if (!n)
			continue; /* was and is absent */
		if (n->gen > tx->snap.gen ||
		    (t->listed && n->cgen > tx->snap.gen))
			return true;
	}
	return false;
}

/* Nodes that others created meanwhile count against the same quota. */
static bool commit_exceeds(struct txn *tx)
{
	struct conn *c = tx->conn;
	struct domain *d = domain_get(&c->st->domains, conn_domid(c));

	return tx->new_nodes > 0 &&
	       !quota_check(&c->st->domains, d, QUOTA_NODES,
			    d->use[QUOTA_NODES] + (uint64_t)tx->new_nodes,
			    c->why);
}

static struct node *tnode_in_tree(struct store *st, const struct tnode *t)
{
	return tree_find(&st->tree, t->link.hash, t->path, t->plen);
}

static void remove_below(struct store *st, struct node *top)
{
	struct node *n;

	do {
		n = tree_deepest(top);
		tree_remove(&st->tree, n);
	} while (n != top);
}

static void commit_removals(struct txn *tx)
{
	struct store *st = tx->conn->st;
	struct list *pos;
	struct tnode *t;
	struct node *n;

	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		n = t->written ? tnode_in_tree(st, t) : NULL;
		if (n)
			t->before = perms_ref(n->perms);
	}
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		if (!t->written || t->live)
			continue;
		n = tnode_in_tree(st, t);
		if (!n)
			continue;
		rec_rm(st, n->path, n->plen);
		remove_below(st, n);
	}
}

static int by_length(const void *a, const void *b)
{
	const struct tnode *x = *(struct tnode *const *)a;
	const struct tnode *y = *(struct tnode *const *)b;

	return (int)x->plen - (int)y->plen;
}

static void commit_node(struct store *st, struct tnode *t)
{
	struct node *n = tnode_in_tree(st, t), *parent;
	size_t up = t->plen;

	if (n) {
		if (n->perms != t->perms)
			tree_set_perms(&st->tree, n, perms_ref(t->perms));
		tree_set_value(&st->tree, n, t->value, t->vlen);
		rec_node(st, n);
		return;
	}
	while (t->path[up - 1] != '/')
		up--;
	up = up > 1 ? up - 1 : 1;
	parent = tree_find(&st->tree, path_hash(t->path, up), t->path, up);
	n = tree_create(&st->tree, parent, t->link.hash, t->path, t->plen,
			perms_ref(t->perms), t->value, t->vlen);
	rec_node(st, n);
}

static void commit_creations(struct txn *tx)
{
	struct tnode **list;
	struct list *pos;
	struct tnode *t;
	size_t n = 0, i;

	list = mem_alloc((tx->nodes.count + 1u) * sizeof(*list));
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		if (t->written && t->live)
			list[n++] = t;
	}
	qsort(list, n, sizeof(*list), by_length);
	for (i = 0; i < n; i++)
		commit_node(tx->conn->st, list[i]);
	free(list);
}

static struct perms *parent_perms(struct store *st, const struct path *p)
{
	struct node *n;

	if (!p->depth)
		return NULL;
	n = tree_find(&st->tree, p->hash[p->depth - 1], p->str,
		      p->end[p->depth - 1]);
	return n ? n->perms : NULL;
}

static void commit_event(struct store *st, struct tnode *t)
{
	struct node *n = tnode_in_tree(st, t);
	struct fire f = {.now = n ? n->perms : t->before, .before = t->before};
	struct path p;

	if (!n && !t->before)
		return; /* came and went within the transaction */
	path_parse(&p, "", t->path, t->plen, 0);
	f.parent = parent_perms(st, &p);
	if (t->event == EVENT_WITH_PARENT)
		watch_fire_exact(st, t->link.hash, t->path, t->plen, &f);
	else
		watch_fire(st, &p, &f);
}

static void commit_events(struct txn *tx)
{
	struct list *pos;
	struct tnode *t;

	if (!tx->conn->st->watches.count)
		return;
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		if (t->event)
			commit_event(tx->conn->st, t);
	}
}

int txn_commit(struct txn *tx, const struct xs_hdr *h)
{
	struct conn *c = tx->conn;
	struct store *st = c->st;

	if (commit_conflicts(tx)) {
		st->stats.conflicts++;
		st->stats.lost_snapshots += tx->snap.lost;
		turn_lost(c, tx);
		txn_free(tx);
		return EAGAIN;
	}
	if (tx->writes && turn_blocks_commit(c, tx))
		return REQUEST_PARKED;
	if (commit_exceeds(tx)) {
		txn_free(tx);
		return ENOSPC;
	}
	/* Nothing below can fail. */
	commit_removals(tx);
	commit_creations(tx);
	st->stats.commits++;
	turn_won(c);
	conn_ack(c, h);
	commit_events(tx);
	txn_free(tx);
	snap_trim(&st->tree);
	return 0;
}
