/* SPDX-License-Identifier: MIT */
/*
 * The store's engine: everything between bytes that came in and bytes that
 * will go out.  It knows no socket, no ring, no file and no event loop, so
 * the tests drive it directly.
 *
 *	transport --conn_input--> request --> txn / tree / watch
 *	    ^                        |             |
 *	    +------ conn.out <-------+             +--> journal frame
 */
#ifndef TOOLS_STORE_STORE_H
#define TOOLS_STORE_STORE_H

#include "tools/store/tree.h"
#include "tools/xs/wire.h"

struct store;
struct conn;
struct txn;

/* A watch.  path is absolute; events show it without the first skip bytes. */
struct watch {
	struct hlink link; /* by path                               */
	struct list by_conn;
	struct conn *conn;
	uint64_t seq; /* order of registration                 */
	int32_t depth; /* levels below path, -1: all            */
	uint16_t plen, skip;
	uint16_t tlen;
	bool lost; /* an event was dropped: tell it later   */
	char path[]; /* path, NUL, token, NUL                 */
};

static inline const char *watch_token(const struct watch *w)
{
	return w->path + w->plen + 1;
}

/* A set of paths: what a transaction touched that lost too often. */
struct pathset {
	struct htab tab;
};

/*
 * The turn: transactions of this connection are protected from conflicting
 * changes of others for a short time.
 */
struct turn {
	struct conn *holder;
	struct txn *tx;
	struct pathset paths;
	double deadline;
	struct list waiting; /* struct conn.turn_link */
	struct list parked; /* struct conn.park_link */
};

struct store_stats {
	uint64_t requests, errors, events, commits, conflicts, turns;
	uint64_t looks, hits; /* before sleeping, eager.h */
	uint64_t refusals, lost_snapshots;
};

/* One line of the last refusal, for CONTROL "why". */
#define CONN_WHY QUOTA_WHY

struct conn {
	struct list link; /* store.conns                          */
	struct list dirty_link; /* store.dirty: has output              */
	struct list run_link; /* store.runnable: has whole requests   */
	struct list turn_link, park_link;
	struct store *st;
	struct domain *dom; /* NULL: socket, speaks as domain 0     */
	uint32_t key; /* names it in journal and handover     */
	struct buf in, out;
	struct list watches, txns;
	uint32_t in_at; /* stream position behind the last request */
	uint32_t out_at; /* stream position of the output's end  */
	uint32_t next_tx;
	uint32_t lost_watches; /* watches with a dropped event         */
	uint32_t losses; /* commits lost in a row                */
	double waiting_since; /* on turn.waiting                      */
	double barred; /* no turn before this time             */
	struct pathset *want; /* what it needs protected              */
	bool broken; /* protocol error: close it             */
	uint32_t broken_why; /* XS_RING_ERR_*                        */
	void *transport;
	char why[CONN_WHY];
};

struct store {
	struct domains domains;
	struct tree tree;
	struct htab watches;
	uint64_t watch_seq;
	struct perms *special[2]; /* @introduceDomain, @releaseDomain   */
	struct turn turn;
	struct list conns, dirty, runnable;
	uint32_t next_key;
	struct buf frame; /* journal records of this request    */
	struct buf *journal; /* finished frames; NULL: no journal  */
	struct store_stats stats;
	double (*clock)(void);
	void (*log)(const char *text);
	bool trace; /* log every request                  */

	/* The daemon's half: NULL in tests that do not need it. */
	void *daemon;
	int (*ring_open)(struct store *st, struct domain *d);
	void (*ring_close)(struct store *st, struct domain *d);
	int (*control)(struct conn *c, const char *cmd, const char *arg,
		       size_t len, struct buf *out);
};

#define SPECIAL_INTRODUCE 0
#define SPECIAL_RELEASE   1

void store_init(struct store *st);
void store_free(struct store *st);
void store_log(struct store *st, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* One request, or one act of the daemon, is over: its records are a frame. */
void store_seal(struct store *st);
double store_now(const struct store *st);

/* Connections. */
#define KEY_SOCKET 0x10000u /* keys below are domain ids */
struct conn *conn_open(struct store *st, struct domain *dom, void *transport);
void conn_close(struct conn *c);
/* Forget watches, transactions and buffered bytes; stay open. */
void conn_reset(struct conn *c);
unsigned conn_domid(const struct conn *c);
static inline bool conn_privileged(const struct conn *c)
{
	return !c->dom || !c->dom->domid;
}

/* Bytes from the peer. */
void conn_input(struct conn *c, const void *data, size_t len);
/*
 * Carry out up to budget whole requests.  Returns how many were; the
 * connection is on store.runnable if more could be done at once.
 */
unsigned conn_run(struct conn *c, unsigned budget);
/* It need not wait any more. */
void conn_wake(struct conn *c);
/* Too much unread output: take no more requests from it. */
bool conn_throttled(const struct conn *c);
/* The transport sent n bytes of c->out. */
void conn_sent(struct conn *c, size_t n);

/* Output. */
void conn_reply(struct conn *c, const struct xs_hdr *req, const void *data,
		size_t len);
void conn_event(struct conn *c, struct watch *w, const char *path, size_t len);

/* watch.c */
struct fire {
	struct perms *now; /* permissions of the node, or before rm   */
	struct perms *before; /* before SET_PERMS, or NULL               */
	struct perms *parent; /* of its parent, or NULL                  */
};
int watch_add(struct conn *c, const struct path *p, const char *token,
	      size_t tlen, int depth, struct watch **out);
int watch_del(struct conn *c, const struct path *p, const char *token,
	      size_t tlen);
void watch_free(struct watch *w);
void watch_free_all(struct conn *c);
/* The event "p was touched", to watches on p and above. */
void watch_fire(struct store *st, const struct path *p, const struct fire *f);
/* "this was removed with a parent": watches on exactly this path. */
void watch_fire_exact(struct store *st, uint32_t hash, const char *path,
		      size_t len, const struct fire *f);
void watch_fire_special(struct store *st, int which, unsigned domid);
/* Events that were dropped while the connection did not read. */
void watch_flush_lost(struct conn *c);

/* special.c: the permissions of the names that start with '@' */
int special_by_name(const char *name, size_t len); /* or -1 */
const char *special_name(int which);

/* turn.c */
void pathset_init(struct pathset *s);
void pathset_free(struct pathset *s);
void pathset_add(struct pathset *s, uint32_t hash, const char *path,
		 size_t len);
bool pathset_has(const struct pathset *s, uint32_t hash, const char *path,
		 size_t len);
bool pathset_below(const struct pathset *s, const char *path, size_t len);
void turn_lost(struct conn *c, const struct txn *tx);
void turn_won(struct conn *c);
void turn_begin(struct txn *tx); /* it has just started          */
void turn_end(struct txn *tx); /* it is over                   */
void turn_forget(struct conn *c); /* the connection goes          */
/* Must this change wait until the turn is over?  below: an RM. */
bool turn_blocks(const struct conn *c, const struct path *p, bool below);
bool turn_blocks_commit(const struct conn *c, const struct txn *tx);
void turn_park(struct conn *c);
/* Ends an overdue turn; seconds until the next one is due, or 0. */
double turn_tick(struct store *st);

/* request.c */
int request_handle(struct conn *c, const struct xs_hdr *h, const char *data);
#define REQUEST_PARKED (-1)

/* domops.c */
void domain_release(struct store *st, struct domain *d);
void domain_remove_nodes(struct store *st, struct domain *d);

/* control.c */
int control_run(struct conn *c, const struct xs_hdr *h, const char *data);

#endif
