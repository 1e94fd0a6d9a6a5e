/* SPDX-License-Identifier: MIT */
/*
 * Turns: how a transaction that keeps losing gets through.
 *
 * PURE  Optimistic transactions may lose for ever against faster writers.  A
 * connection that lost LOSSES_FOR_TURN commits in a row leaves the paths that
 * its last transaction touched and queues.  When it starts its next one, and
 * it is first in the queue, it holds the turn: requests of others that would
 * change those paths, or paths that the transaction touches now, wait in their
 * connections.  All other requests go on.
 *
 * HOSTILE  A guest could hold turns to stop others: a turn lasts TURN_SECONDS
 * at most, and who lets it run out gets none for TURN_BARRED seconds.
 */
#include <stdlib.h>

#include "tools/store/txn.h"

#define LOSSES_FOR_TURN 3
#define TURN_SECONDS    0.1
#define TURN_BARRED     2.0
#define TURN_STALE      1.0 /* waited and never came back */

struct pathset_entry {
	struct hlink link;
	uint16_t len;
	char path[];
};

void pathset_init(struct pathset *s)
{
	htab_init(&s->tab);
}

void pathset_free(struct pathset *s)
{
	struct hlink *l, *next;
	uint32_t i;

	for (i = 0; i < s->tab.nbucket; i++) {
		for (l = s->tab.bucket[i]; l; l = next) {
			next = l->next;
			free(container_of(l, struct pathset_entry, link));
		}
	}
	htab_free(&s->tab);
}

bool pathset_has(const struct pathset *s, uint32_t hash, const char *path,
		 size_t len)
{
	struct pathset_entry *e;
	struct hlink *l;

	for (l = htab_chain(&s->tab, hash); l; l = l->next) {
		e = container_of(l, struct pathset_entry, link);
		if (l->hash == hash && e->len == len &&
		    !memcmp(e->path, path, len))
			return true;
	}
	return false;
}

void pathset_add(struct pathset *s, uint32_t hash, const char *path, size_t len)
{
	struct pathset_entry *e;

	if (pathset_has(s, hash, path, len))
		return;
	e = mem_alloc(sizeof(*e) + len);
	e->len = (uint16_t)len;
	memcpy(e->path, path, len);
	htab_add(&s->tab, &e->link, hash);
}

bool pathset_below(const struct pathset *s, const char *path, size_t len)
{
	struct pathset_entry *e;
	struct hlink *l;
	uint32_t i;

	for (i = 0; i < s->tab.nbucket; i++) {
		for (l = s->tab.bucket[i]; l; l = l->next) {
			e = container_of(l, struct pathset_entry, link);
			if (path_covers(path, len, e->path, e->len))
				return true;
		}
	}
	return false;
}

static void want_free(struct conn *c)
{
	if (!c->want)
		return;
	pathset_free(c->want);
	free(c->want);
	c->want = NULL;
}

void turn_lost(struct conn *c, const struct txn *tx)
{
	struct turn *turn = &c->st->turn;
	struct list *pos;
	struct tnode *t;

	if (++c->losses < LOSSES_FOR_TURN || c->barred > store_now(c->st))
		return;
	want_free(c);
	c->want = mem_alloc(sizeof(*c->want));
	pathset_init(c->want);
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		pathset_add(c->want, t->link.hash, t->path, t->plen);
	}
	if (list_empty(&c->turn_link))
		list_add_tail(&turn->waiting, &c->turn_link);
	c->waiting_since = store_now(c->st);
}

void turn_won(struct conn *c)
{
	c->losses = 0;
	list_del(&c->turn_link);
	want_free(c);
}

void turn_begin(struct txn *tx)
{
	struct conn *c = tx->conn, *first;
	struct turn *turn = &c->st->turn;
	double now = store_now(c->st);

	if (turn->holder || list_empty(&c->turn_link))
		return;
	for (;;) {
		first = container_of(turn->waiting.next, struct conn,
				     turn_link);
		if (first == c)
			break;
		if (now - first->waiting_since < TURN_STALE)
			return;
		list_del(&first->turn_link);
	}
	list_del(&c->turn_link);
	turn->holder = c;
	turn->tx = tx;
	turn->deadline = now + TURN_SECONDS;
	pathset_free(&turn->paths);
	turn->paths = *c->want;
	free(c->want);
	c->want = NULL;
	c->st->stats.turns++;
}

static void turn_stop(struct store *st)
{
	struct turn *turn = &st->turn;

	turn->holder = NULL;
	turn->tx = NULL;
	pathset_free(&turn->paths);
	pathset_init(&turn->paths);
	while (!list_empty(&turn->parked))
		conn_wake(container_of(turn->parked.next, struct conn,
				       park_link));
}

void turn_end(struct txn *tx)
{
	struct turn *turn = &tx->conn->st->turn;

	if (turn->tx == tx)
		turn_stop(tx->conn->st);
}

void turn_forget(struct conn *c)
{
	list_del(&c->turn_link);
	list_del(&c->park_link);
	want_free(c);
}

double turn_tick(struct store *st)
{
	struct turn *turn = &st->turn;
	double left;

	if (!turn->holder)
		return 0;
	left = turn->deadline - store_now(st);
	if (left > 0)
		return left;
	turn->holder->barred = store_now(st) + TURN_BARRED;
	turn->holder->losses = 0;
	turn_stop(st);
	return 0;
}

static bool turn_protects(const struct turn *turn, uint32_t hash,
			  const char *path, size_t len)
{
	return pathset_has(&turn->paths, hash, path, len) ||
	       txn_known(turn->tx, hash, path, len);
}

bool turn_blocks(const struct conn *c, const struct path *p, bool below)
{
	const struct store *st = c->st;
	const struct turn *turn = &st->turn;
	int i;

	if (!turn->holder || turn->holder == c)
		return false;
	if (below && pathset_below(&turn->paths, p->str, p->len))
		return true;
	/* The node, and each parent whose set of children would change. */
	for (i = p->depth; i >= 0; i--) {
		if (turn_protects(turn, p->hash[i], p->str, p->end[i]))
			return true;
		if (below && i == p->depth)
			continue;
		if (below ||
		    tree_find(&st->tree, p->hash[i], p->str, p->end[i]))
			break;
	}
	return false;
}

bool turn_blocks_commit(const struct conn *c, const struct txn *tx)
{
	struct list *pos;
	struct tnode *t;
	struct path p;

	if (!c->st->turn.holder || c->st->turn.holder == c)
		return false;
	list_for_each (pos, &tx->order) {
		t = container_of(pos, struct tnode, order);
		if (!t->written)
			continue;
		path_parse(&p, "", t->path, t->plen, 0);
		if (turn_blocks(c, &p, !t->live))
			return true;
	}
	return false;
}

void turn_park(struct conn *c)
{
	list_del(&c->run_link);
	list_del(&c->park_link);
	list_add_tail(&c->st->turn.parked, &c->park_link);
}
