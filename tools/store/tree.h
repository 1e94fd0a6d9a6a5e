/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes, in several versions at a time.
 *
 *	  path hash ------> node --perms--> interned list
 *	                     | \--value
 *	     parent/child/   | \--old--> version --> version   (what snapshots
 *	     sibling links --+                                  still can see)
 *
 * A node that was removed while a snapshot sees it stays, with live = false,
 * until the last such snapshot closes.
 */
#ifndef TOOLS_STORE_TREE_H
#define TOOLS_STORE_TREE_H

#include "tools/store/domain.h"
#include "tools/store/path.h"
#include "tools/store/perms.h"

/* What a node was from generation gen until generation end. */
struct version {
	struct list fifo; /* on tree.versions, in order of end */
	struct version *next;
	struct node *node;
	uint64_t gen, end;
	struct perms *perms;
	bool live;
	uint32_t vlen;
	char value[];
};

struct node {
	struct hlink link;
	struct node *parent;
	struct node *child; /* the first one                     */
	struct node *next, *prev; /* siblings; the first's prev: last  */
	struct list owned; /* on domain.owned while live        */
	struct perms *perms;
	struct version *old; /* newest first                      */
	uint64_t gen; /* value, permissions or existence   */
	uint64_t cgen; /* the set of children               */
	char *value; /* behind path, or its own memory    */
	uint32_t vlen;
	uint32_t nchild; /* live ones                         */
	uint16_t plen;
	uint16_t leaf; /* where the last component starts   */
	bool live;
	uint16_t spare; /* bytes for a value behind path     */
	char path[];
};

/* One instant of the tree. */
struct snap {
	struct list link; /* on tree.snaps, oldest first */
	uint64_t gen;
	bool lost; /* too old: sees the present, may not commit */
};

/* One node as somebody sees it. */
struct view {
	struct perms *perms;
	const char *value;
	uint32_t vlen;
	struct node *node; /* may be NULL inside a transaction */
};

struct tree {
	struct htab nodes;
	struct node *root;
	uint64_t gen; /* last generation handed out           */
	uint64_t snap_newest; /* its generation; 0: no snapshot       */
	struct list snaps, versions;
	size_t version_bytes; /* held for snapshots only              */
	size_t version_limit;
	size_t bytes; /* nodes and values                     */
	uint32_t count; /* live nodes                           */
	struct perms_table perms;
	struct domains *domains;
	struct node *cursor; /* of the walk below; NULL: no walk     */
};

void tree_init(struct tree *t, struct domains *ds);
void tree_free(struct tree *t);

/* Live nodes only; NULL if there is none. */
struct node *tree_find(const struct tree *t, uint32_t hash, const char *path,
		       size_t len);
/* Also nodes that only snapshots see. */
struct node *tree_find_any(const struct tree *t, uint32_t hash,
			   const char *path, size_t len);

/*
 * Changes.  create: the parent is live, the node is not; takes over the
 * reference to perms, as set_perms does.  remove: one node without live
 * children.
 */
struct node *tree_create(struct tree *t, struct node *parent, uint32_t hash,
			 const char *path, size_t len, struct perms *perms,
			 const void *value, uint32_t vlen);
void tree_set_value(struct tree *t, struct node *n, const void *value,
		    uint32_t vlen);
void tree_set_perms(struct tree *t, struct node *n, struct perms *perms);
void tree_remove(struct tree *t, struct node *n);

/* First live node of a subtree in the order "children before parents". */
struct node *tree_deepest(struct node *top);

/* Next live node of the whole tree, parents first; NULL at the end. */
struct node *tree_next(struct node *n);
/* The next one that is not below n. */
struct node *tree_skip(struct node *n);
/* The same within the subtree of top. */
struct node *tree_next_in(struct node *n, const struct node *top);

/* Bytes that a node costs its owner. */
size_t tree_cost(const struct node *n);

/* Snapshots. */
void snap_open(struct tree *t, struct snap *s);
void snap_close(struct tree *t, struct snap *s);
/* The node as s sees it (s NULL: now); false if it does not exist there. */
bool snap_view(const struct snap *s, struct node *n, struct view *v);
/* Called before each change; keeps what a snapshot may still look at. */
void snap_preserve(struct tree *t, struct node *n);
/* Drop what no snapshot sees any more. */
void snap_collect(struct tree *t);
/* Keep version_bytes below version_limit: the oldest snapshots are lost. */
void snap_trim(struct tree *t);

#endif
