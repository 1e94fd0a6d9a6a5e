/* SPDX-License-Identifier: MIT */
/*
 * The operations on nodes, for requests inside and outside of transactions.
 *
 * PURE  Each follows one pattern: look, check permission and quota, change,
 * record, answer, events.  A node that does not exist is reported as such only
 * to those who may read its nearest existing parent.
 */
#include <errno.h>

#include "tools/store/record.h"
#include "tools/store/txn.h"

static unsigned conn_rights(const struct conn *c, const struct perms *p)
{
	if (conn_privileged(c))
		return PERM_READ | PERM_WRITE | PERM_OWNER;
	return perms_of(p, c->dom->domid, c->dom->target);
}

/* The nearest prefix of p, above p itself, that exists. */
static unsigned node_parent(struct conn *c, struct txn *tx,
			    const struct path *p, struct view *v)
{
	unsigned i = p->depth;

	while (i-- > 0)
		if (txn_view(c->st, tx, p, i, v))
			return i;
	return 0; /* not reached: the root exists */
}

int node_access(struct conn *c, struct txn *tx, const struct path *p,
		unsigned want, struct view *v)
{
	struct view up;

	if (tx && !txn_room(tx, c->why))
		return ENOSPC;
	if (!txn_view(c->st, tx, p, p->depth, v)) {
		node_parent(c, tx, p, &up);
		if ((conn_rights(c, up.perms) & want) != want)
			return EACCES;
		return ENOENT;
	}
	return (conn_rights(c, v->perms) & want) == want ? 0 : EACCES;
}

static uint32_t perms_bytes(const struct perms *p)
{
	return p->n * (uint32_t)sizeof(struct perm);
}

/* What a guest may make of a node: its size, and the domain's total. */
static int node_check_size(struct conn *c, const struct perms *perms,
			   uint32_t vlen, uint64_t more_nodes, uint64_t bytes)
{
	struct domains *ds = &c->st->domains;
	struct domain *d = c->dom;

	if (conn_privileged(c))
		return 0;
	if (!quota_check(ds, d, QUOTA_NODE_SIZE, vlen + perms_bytes(perms),
			 c->why))
		return ENOSPC;
	if (more_nodes && !quota_check(ds, d, QUOTA_NODES, more_nodes, c->why))
		return ENOSPC;
	if (bytes && !quota_check(ds, d, QUOTA_MEMORY,
				  d->use[QUOTA_MEMORY] + bytes, c->why))
		return ENOSPC;
	return 0;
}

/* Permissions of a new node: its parent's; a guest owns what it creates. */
static struct perms *node_inherit(struct conn *c, struct perms *from)
{
	if (conn_privileged(c) || perms_owner(from) == c->dom->domid)
		return perms_ref(from);
	return perms_with_owner(&c->st->tree.perms, from, c->dom->domid);
}

static void create_in_tree(struct store *st, const struct path *p, unsigned at,
			   struct perms *perms, const void *value,
			   uint32_t vlen)
{
	struct node *n = tree_find(&st->tree, p->hash[at], p->str, p->end[at]);
	unsigned i;

	for (i = at + 1; i <= p->depth; i++) {
		n = tree_create(&st->tree, n, p->hash[i], p->str, p->end[i],
				perms_ref(perms), value,
				i == p->depth ? vlen : 0);
		rec_node(st, n);
	}
}

static void create_in_txn(struct txn *tx, const struct path *p, unsigned at,
			  struct perms *perms, const void *value, uint32_t vlen)
{
	unsigned i;

	for (i = at + 1; i <= p->depth; i++)
		txn_put(tx, p, i, perms_ref(perms), value,
			i == p->depth ? vlen : 0);
	tx->new_nodes += p->depth - at;
	txn_set_event(tx, p, EVENT_CHANGED);
}

static int node_create(struct conn *c, struct txn *tx, const struct path *p,
		       const void *value, uint32_t vlen, const struct xs_hdr *h)
{
	struct store *st = c->st;
	struct fire f = {0};
	struct perms *perms;
	struct view up;
	unsigned at = node_parent(c, tx, p, &up);
	uint64_t fresh = p->depth - at, total;
	int rc;

	perms = node_inherit(c, up.perms);
	total = fresh;
	if (!conn_privileged(c))
		total += c->dom->use[QUOTA_NODES];
	if (tx && tx->new_nodes > 0)
		total += (uint64_t)tx->new_nodes;
	rc = node_check_size(c, perms, vlen, total,
			     fresh * (sizeof(struct node) + p->len) + vlen);
	if (rc) {
		perms_put(&st->tree.perms, perms);
		return rc;
	}
	if (tx) {
		create_in_txn(tx, p, at, perms, value, vlen);
		conn_ack(c, h);
	} else {
		create_in_tree(st, p, at, perms, value, vlen);
		conn_ack(c, h);
		f.now = perms;
		f.parent = at == p->depth - 1u ? up.perms : perms;
		watch_fire(st, p, &f);
	}
	perms_put(&st->tree.perms, perms);
	return 0;
}

static struct perms *parent_perms(const struct node *n)
{
	return n->parent ? n->parent->perms : NULL;
}

int node_write(struct conn *c, struct txn *tx, const struct path *p,
	       const void *value, uint32_t vlen, const struct xs_hdr *h)
{
	struct store *st = c->st;
	struct view v;
	struct fire f;
	int rc;

	if (!tx && turn_blocks(c, p, false))
		return REQUEST_PARKED;
	rc = node_access(c, tx, p, PERM_WRITE, &v);
	if (rc == ENOENT)
		return node_create(c, tx, p, value, vlen, h);
	if (!rc)
		rc = node_check_size(c, v.perms, vlen, 0,
				     vlen > v.vlen ? vlen - v.vlen : 0);
	if (rc)
		return rc;
	if (tx) {
		txn_put(tx, p, p->depth, perms_ref(v.perms), value, vlen);
		txn_set_event(tx, p, EVENT_CHANGED);
		conn_ack(c, h);
		return 0;
	}
	tree_set_value(&st->tree, v.node, value, vlen);
	rec_value(st, v.node);
	conn_ack(c, h);
	f = (struct fire){.now = v.perms, .parent = parent_perms(v.node)};
	watch_fire(st, p, &f);
	return 0;
}

int node_mkdir(struct conn *c, struct txn *tx, const struct path *p,
	       const struct xs_hdr *h)
{
	struct view v;
	int rc;

	if (!tx && turn_blocks(c, p, false))
		return REQUEST_PARKED;
	rc = node_access(c, tx, p, PERM_WRITE, &v);
	if (rc == ENOENT)
		return node_create(c, tx, p, "", 0, h);
	if (!rc)
		conn_ack(c, h);
	return rc;
}

/* Children first; each tells the watches that are exactly on it. */
static void rm_fire_and_remove(struct store *st, struct node *top)
{
	struct fire f = {0};
	struct node *n;

	for (n = top; n && st->watches.count; n = tree_next_in(n, top)) {
		if (n == top)
			continue;
		f.now = n->perms;
		f.parent = parent_perms(n);
		watch_fire_exact(st, n->link.hash, n->path, n->plen, &f);
	}
	do {
		n = tree_deepest(top);
		tree_remove(&st->tree, n);
	} while (n != top);
}

void node_rm_tree(struct store *st, struct node *n)
{
	struct fire f = {.now = n->perms, .parent = parent_perms(n)};
	struct path p;

	path_parse(&p, "", n->path, n->plen, 0);
	rec_rm(st, p.str, p.len);
	watch_fire(st, &p, &f);
	rm_fire_and_remove(st, n);
}

int node_rm(struct conn *c, struct txn *tx, const struct path *p,
	    const struct xs_hdr *h)
{
	struct view v;
	int rc;

	if (!tx && turn_blocks(c, p, true))
		return REQUEST_PARKED;
	if (!p->depth)
		return EINVAL;
	rc = node_access(c, tx, p, PERM_WRITE, &v);
	if (rc == ENOENT && txn_view(c->st, tx, p, p->depth - 1u, &v)) {
		conn_ack(c, h); /* not there: fine, if the parent is */
		return 0;
	}
	if (rc)
		return rc;
	conn_ack(c, h);
	if (tx)
		txn_remove(tx, p);
	else
		node_rm_tree(c->st, v.node);
	return 0;
}

/* The quota of whoever becomes the owner is not checked: only the control
 * domain can give nodes away. */
static int set_perms_check(struct conn *c, const struct view *v,
			   const struct perm *list, uint32_t n)
{
	struct domains *ds = &c->st->domains;

	if (conn_privileged(c))
		return 0;
	if (list[0].domid != perms_owner(v->perms))
		return EPERM;
	if (!quota_check(ds, c->dom, QUOTA_PERMS, n, c->why) ||
	    !quota_check(ds, c->dom, QUOTA_NODE_SIZE,
			 v->vlen + n * sizeof(*list), c->why))
		return ENOSPC;
	return 0;
}

int node_set_perms(struct conn *c, struct txn *tx, const struct path *p,
		   const struct perm *list, uint32_t n, const struct xs_hdr *h)
{
	struct store *st = c->st;
	struct perms *perms;
	struct view v;
	struct fire f;
	int rc;

	if (!tx && turn_blocks(c, p, false))
		return REQUEST_PARKED;
	rc = node_access(c, tx, p, PERM_WRITE | PERM_OWNER, &v);
	if (!rc)
		rc = set_perms_check(c, &v, list, n);
	if (rc)
		return rc;
	perms = perms_get(&st->tree.perms, list, n);
	if (tx) {
		txn_put(tx, p, p->depth, perms, v.value, v.vlen);
		txn_set_event(tx, p, EVENT_CHANGED);
		conn_ack(c, h);
		return 0;
	}
	f = (struct fire){.now = perms,
			  .before = perms_ref(v.node->perms),
			  .parent = parent_perms(v.node)};
	tree_set_perms(&st->tree, v.node, perms);
	rec_perms(st, p->str, p->len, perms);
	conn_ack(c, h);
	watch_fire(st, p, &f);
	perms_put(&st->tree.perms, f.before);
	return 0;
}
