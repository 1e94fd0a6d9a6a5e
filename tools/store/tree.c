/* SPDX-License-Identifier: MIT */
/*
 * The tree: one hash table by full path, and links between relatives.
 *
 * PURE  A look-up is one probe, however deep the path.  A node and its short
 * value are one allocation.  Children are kept in the order of their creation,
 * with constant time insertion and removal.
 */
#include <malloc.h>
#include <stdlib.h>

#include "tools/store/tree.h"

#define VALUE_MIN 8 /* bytes kept behind the path for later values */

static void node_charge(struct tree *t, struct node *n)
{
	struct domain *d = domain_get(t->domains, perms_owner(n->perms));

	list_add_tail(&d->owned, &n->owned);
	quota_add(d, QUOTA_NODES, 1);
	quota_add(d, QUOTA_MEMORY, (int64_t)tree_cost(n));
}

static void node_discharge(struct tree *t, struct node *n)
{
	struct domain *d = domain_get(t->domains, perms_owner(n->perms));

	list_del(&n->owned);
	quota_add(d, QUOTA_NODES, -1);
	quota_add(d, QUOTA_MEMORY, -(int64_t)tree_cost(n));
}

size_t tree_cost(const struct node *n)
{
	return sizeof(*n) + n->plen + n->vlen;
}

static char *node_inline(struct node *n)
{
	return n->path + n->plen + 1;
}

static void node_put_value(struct node *n, const void *value, uint32_t vlen)
{
	char *mem = vlen <= n->spare ? node_inline(n) : n->value;

	if (vlen > n->spare &&
	    (n->value == node_inline(n) || malloc_usable_size(mem) < vlen))
		mem = mem_alloc(vlen);
	if (vlen)
		memmove(mem, value, vlen);
	if (n->value != mem && n->value != node_inline(n))
		free(n->value);
	n->value = mem;
	n->vlen = vlen;
}

static struct node *node_alloc(const char *path, size_t len, uint32_t vlen)
{
	size_t spare = vlen < VALUE_MIN ? VALUE_MIN : vlen;
	struct node *n;

	if (spare > 256)
		spare = VALUE_MIN;
	n = mem_alloc(sizeof(*n) + len + 1 + spare);
	memset(n, 0, sizeof(*n));
	spare = malloc_usable_size(n) - sizeof(*n) - len - 1;
	n->spare = (uint16_t)(spare > 1024 ? 1024 : spare);
	n->plen = (uint16_t)len;
	memcpy(n->path, path, len);
	n->path[len] = '\0';
	n->leaf = (uint16_t)len;
	while (n->leaf > 1 && n->path[n->leaf - 1] != '/')
		n->leaf--;
	n->value = node_inline(n);
	list_init(&n->owned);
	return n;
}

static void node_link(struct node *parent, struct node *n)
{
	n->parent = parent;
	n->next = NULL;
	if (!parent->child) {
		parent->child = n;
		n->prev = n;
		return;
	}
	n->prev = parent->child->prev;
	n->prev->next = n;
	parent->child->prev = n;
}

static void node_unlink(struct node *n)
{
	struct node *first = n->parent->child;

	if (n->next)
		n->next->prev = n->prev;
	else
		first->prev = n->prev;
	if (n == first)
		n->parent->child = n->next;
	else
		n->prev->next = n->next;
}

void tree_init(struct tree *t, struct domains *ds)
{
	static const struct perm root_perm = {0, PERM_NONE, 0};

	memset(t, 0, sizeof(*t));
	htab_init(&t->nodes);
	list_init(&t->snaps);
	list_init(&t->versions);
	perms_table_init(&t->perms);
	t->domains = ds;
	t->version_limit = 64u << 20;
	t->root = node_alloc("/", 1, 0);
	t->root->perms = perms_get(&t->perms, &root_perm, 1);
	t->root->live = true;
	t->root->gen = t->root->cgen = ++t->gen;
	t->count = 1;
	t->bytes = malloc_usable_size(t->root);
	node_charge(t, t->root);
	htab_add(&t->nodes, &t->root->link, path_hash("/", 1));
}

/* The memory of a node that neither the present nor a snapshot sees. */
static void node_free(struct tree *t, struct node *n)
{
	struct node *up = n->parent;

	if (n->value != node_inline(n)) {
		t->bytes -= malloc_usable_size(n->value);
		free(n->value);
	}
	t->bytes -= malloc_usable_size(n);
	htab_del(&t->nodes, &n->link);
	if (up)
		node_unlink(n);
	perms_put(&t->perms, n->perms);
	free(n);
}

/* Free n if nobody sees it, and then perhaps its parents. */
static void node_reap(struct tree *t, struct node *n)
{
	struct node *up;

	while (n && !n->live && !n->old && !n->child) {
		up = n->parent;
		node_free(t, n);
		n = up;
	}
}

void tree_free(struct tree *t)
{
	struct node *n = t->root, *up;

	while (!list_empty(&t->snaps))
		snap_close(t, container_of(t->snaps.next, struct snap, link));
	while (n) {
		while (n->child)
			n = n->child;
		up = n->parent;
		if (n->live)
			node_discharge(t, n);
		node_free(t, n);
		n = up;
	}
	htab_free(&t->nodes);
	perms_table_free(&t->perms);
}

struct node *tree_find_any(const struct tree *t, uint32_t hash,
			   const char *path, size_t len)
{
	struct hlink *l;
	struct node *n;

	for (l = htab_chain(&t->nodes, hash); l; l = l->next) {
		n = container_of(l, struct node, link);
		if (l->hash == hash && n->plen == len &&
		    !memcmp(n->path, path, len))
			return n;
	}
	return NULL;
}

struct node *tree_find(const struct tree *t, uint32_t hash, const char *path,
		       size_t len)
{
	struct node *n = tree_find_any(t, hash, path, len);

	return n && n->live ? n : NULL;
}

static size_t value_bytes(struct node *n)
{
	return n->value == node_inline(n) ? 0 : malloc_usable_size(n->value);
}

struct node *tree_create(struct tree *t, struct node *parent, uint32_t hash,
			 const char *path, size_t len, struct perms *perms,
			 const void *value, uint32_t vlen)
{
	struct node *n = tree_find_any(t, hash, path, len);

	if (n) {
		snap_preserve(t, n);
		perms_put(&t->perms, n->perms);
		t->bytes -= value_bytes(n);
	} else {
		n = node_alloc(path, len, vlen);
		htab_add(&t->nodes, &n->link, hash);
		node_link(parent, n);
		t->bytes += malloc_usable_size(n);
	}
	n->perms = perms;
	n->live = true;
	node_put_value(n, value, vlen);
	t->bytes += value_bytes(n);
	n->gen = n->cgen = ++t->gen;
	parent->cgen = n->gen;
	parent->nchild++;
	t->count++;
	node_charge(t, n);
	return n;
}

void tree_set_value(struct tree *t, struct node *n, const void *value,
		    uint32_t vlen)
{
	struct domain *d = domain_get(t->domains, perms_owner(n->perms));

	snap_preserve(t, n);
	quota_add(d, QUOTA_MEMORY, (int64_t)vlen - n->vlen);
	t->bytes -= value_bytes(n);
	node_put_value(n, value, vlen);
	t->bytes += value_bytes(n);
	n->gen = ++t->gen;
}

void tree_set_perms(struct tree *t, struct node *n, struct perms *perms)
{
	snap_preserve(t, n);
	node_discharge(t, n);
	perms_put(&t->perms, n->perms);
	n->perms = perms;
	node_charge(t, n);
	n->gen = ++t->gen;
}

void tree_remove(struct tree *t, struct node *n)
{
	if (t->cursor == n)
		t->cursor = tree_skip(n);
	snap_preserve(t, n);
	node_discharge(t, n);
	n->live = false;
	n->gen = n->cgen = ++t->gen;
	n->parent->cgen = n->gen;
	n->parent->nchild--;
	t->count--;
	node_reap(t, n);
}

static struct node *first_live(struct node *n)
{
	while (n && !n->live)
		n = n->next;
	return n;
}

struct node *tree_deepest(struct node *top)
{
	struct node *below;

	while (top->nchild && (below = first_live(top->child)))
		top = below;
	return top;
}

struct node *tree_skip(struct node *n)
{
	struct node *next;

	for (; n; n = n->parent) {
		next = first_live(n->next);
		if (next)
			return next;
	}
	return NULL;
}

struct node *tree_next(struct node *n)
{
	return n->nchild ? first_live(n->child) : tree_skip(n);
}

struct node *tree_next_in(struct node *n, const struct node *top)
{
	struct node *next;

	if (n->nchild)
		return first_live(n->child);
	for (; n != top; n = n->parent) {
		next = first_live(n->next);
		if (next)
			return next;
	}
	return NULL;
}

/*
 * Snapshots.
 *
 * A change keeps the old state of a node only if the newest snapshot is not
 * older than that state: otherwise nobody can see it.  Old states leave in the
 * order in which they ended, when the oldest snapshot has passed that point.
 */
void snap_preserve(struct tree *t, struct node *n)
{
	struct version *v;

	if (t->snap_newest < n->gen)
		return;
	v = mem_alloc(sizeof(*v) + n->vlen);
	v->node = n;
	v->gen = n->gen;
	v->end = t->gen + 1;
	v->perms = perms_ref(n->perms);
	v->live = n->live;
	v->vlen = n->live ? n->vlen : 0;
	memcpy(v->value, n->value, v->vlen);
	v->next = n->old;
	n->old = v;
	list_add_tail(&t->versions, &v->fifo);
	t->version_bytes += sizeof(*v) + v->vlen;
}

static void version_free(struct tree *t, struct version *v)
{
	struct version **at = &v->node->old;
	struct node *n = v->node;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	list_del(&v->fifo);
	t->version_bytes -= sizeof(*v) + v->vlen;
	perms_put(&t->perms, v->perms);
	free(v);
	node_reap(t, n);
}

void snap_collect(struct tree *t)
{
	uint64_t oldest = UINT64_MAX;
	struct version *v;

	if (!list_empty(&t->snaps))
		oldest = container_of(t->snaps.next, struct snap, link)->gen;
	while (!list_empty(&t->versions)) {
		v = container_of(t->versions.next, struct version, fifo);
		if (v->end > oldest)
			break;
		version_free(t, v);
	}
}

static void snap_leave(struct tree *t, struct snap *s)
{
	list_del(&s->link);
	t->snap_newest =
		list_empty(&t->snaps)
			? 0
			: container_of(t->snaps.prev, struct snap, link)->gen;
}

void snap_open(struct tree *t, struct snap *s)
{
	s->gen = t->gen;
	s->lost = false;
	list_add_tail(&t->snaps, &s->link);
	t->snap_newest = s->gen;
}

void snap_close(struct tree *t, struct snap *s)
{
	if (s->lost)
		return;
	snap_leave(t, s);
	snap_collect(t);
}

/* Too much is kept: the oldest snapshots lose their view. */
void snap_trim(struct tree *t)
{
	struct snap *s;

	while (t->version_bytes > t->version_limit && !list_empty(&t->snaps)) {
		s = container_of(t->snaps.next, struct snap, link);
		s->lost = true;
		snap_leave(t, s);
		snap_collect(t);
	}
}

bool snap_view(const struct snap *s, struct node *n, struct view *v)
{
	struct version *old = n->old;

	v->node = n;
	if (!s || s->lost || n->gen <= s->gen) {
		v->perms = n->perms;
		v->value = n->value;
		v->vlen = n->vlen;
		return n->live;
	}
	while (old && old->gen > s->gen)
		old = old->next;
	if (!old || old->end <= s->gen || !old->live)
		return false;
	v->perms = old->perms;
	v->value = old->value;
	v->vlen = old->vlen;
	return true;
}
