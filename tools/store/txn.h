/* SPDX-License-Identifier: MIT */
/*
 * Transactions, and the node operations that work inside and outside of them.
 */
#ifndef TOOLS_STORE_TXN_H
#define TOOLS_STORE_TXN_H

#include "tools/store/store.h"

enum tnode_event {
	EVENT_NONE,
	EVENT_CHANGED, /* watches on it and above */
	EVENT_REMOVED, /* the same, and it is gone */
	EVENT_WITH_PARENT, /* watches on exactly it */
};

/* One path as the transaction knows it. */
struct tnode {
	struct hlink link;
	struct list order; /* txn.order                             */
	bool listed; /* its children were looked at           */
	bool written; /* the fields below hold, not the tree's */
	bool live;
	uint8_t event;
	struct perms *perms;
	struct perms *before; /* permissions in the tree at commit     */
	char *value;
	uint32_t vlen;
	uint16_t plen;
	char path[];
};

struct txn {
	struct list link; /* conn.txns */
	struct conn *conn;
	uint32_t id;
	struct snap snap;
	struct htab nodes;
	struct list order;
	uint32_t writes; /* changes the generation of listings    */
	int64_t new_nodes; /* created minus removed                 */
	int64_t bytes; /* charged to the domain's memory */
	double began;
};

struct txn *txn_start(struct conn *c);
/* A transaction of a former life: it may read, and loses at its end. */
struct txn *txn_restore(struct conn *c, uint32_t id);
struct txn *txn_find(const struct conn *c, uint32_t id);
/*
 * 0, EAGAIN, ENOSPC or REQUEST_PARKED.  The transaction is gone unless parked;
 * h is answered if it is committed.
 */
int txn_commit(struct txn *tx, const struct xs_hdr *h);
void txn_free(struct txn *tx);
void txn_free_all(struct conn *c);
struct tnode *txn_known(const struct txn *tx, uint32_t hash, const char *path,
			size_t len);

/* The transaction's view of one prefix of p; tx NULL: the tree. */
bool txn_view(struct store *st, struct txn *tx, const struct path *p,
	      unsigned depth, struct view *v);
bool txn_room(struct txn *tx, char *why); /* transaction-nodes quota */
void txn_put(struct txn *tx, const struct path *p, unsigned depth,
	     struct perms *perms, const void *value, uint32_t vlen);
void txn_set_event(struct txn *tx, const struct path *p, uint8_t event);
void txn_remove(struct txn *tx, const struct path *p);
/* Call fn for each child; tx NULL: of the tree. */
typedef void child_fn(void *arg, const char *leaf, size_t len);
void txn_children(struct txn *tx, const struct path *p, const struct view *v,
		  child_fn *fn, void *arg);

/*
 * nodeops.c: permission, quota, change, journal record, answer, events.
 * An answer to h (NULL: nobody asked) goes out before the events; nothing was
 * answered or changed if the result is not 0.
 */
int node_access(struct conn *c, struct txn *tx, const struct path *p,
		unsigned want, struct view *v);
int node_write(struct conn *c, struct txn *tx, const struct path *p,
	       const void *value, uint32_t vlen, const struct xs_hdr *h);
int node_mkdir(struct conn *c, struct txn *tx, const struct path *p,
	       const struct xs_hdr *h);
int node_rm(struct conn *c, struct txn *tx, const struct path *p,
	    const struct xs_hdr *h);
int node_set_perms(struct conn *c, struct txn *tx, const struct path *p,
		   const struct perm *list, uint32_t n, const struct xs_hdr *h);
/* Remove a subtree of the tree, with its events; asks nobody. */
void node_rm_tree(struct store *st, struct node *n);
void conn_ack(struct conn *c, const struct xs_hdr *h); /* h may be NULL */

#endif
