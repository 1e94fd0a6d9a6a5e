/* SPDX-License-Identifier: MIT */
/* Domains as the store knows them: identity, ring, accounts and quotas. */
#ifndef TOOLS_STORE_DOMAIN_H
#define TOOLS_STORE_DOMAIN_H

#include "tools/store/util.h"
#include "tools/xs/wire.h"

/* X(symbol, name on the wire, default, unit for people) */
#define QUOTA_LIST(X)                                                          \
	X(NODES, "nodes", 1000, "nodes owned")                                 \
	X(WATCHES, "watches", 128, "watches set")                              \
	X(TRANSACTIONS, "transactions", 10, "transactions open")               \
	X(TXN_NODES, "transaction-nodes", 1024, "nodes in one transaction")    \
	X(NODE_SIZE, "node-size", 2048, "bytes of value and permissions")      \
	X(PERMS, "node-permissions", 5, "permission entries of a node")        \
	X(PATH, "path-max", 256, "bytes of path below the home")               \
	X(OUTSTANDING, "outstanding", 20, "replies not fetched")               \
	X(MEMORY, "memory", 4194304, "bytes of memory")

enum quota_id {
#define X(sym, name, dflt, unit) QUOTA_##sym,
	QUOTA_LIST(X)
#undef X
	QUOTA_COUNT
};

#define QUOTA_UNSET UINT32_MAX /* this domain follows the global value */

/* One quota's complaints: at most a few lines a second and domain. */
struct quota_log {
	double window;
	uint32_t said, suppressed;
};

struct conn;

struct domain {
	uint16_t domid;
	uint16_t target; /* acts for this domain too; itself when none */
	bool introduced;
	bool shutdown; /* @releaseDomain was already sent for it     */
	uint64_t gfn;
	uint32_t port;
	uint32_t features;
	struct conn *conn; /* its ring connection, or NULL               */
	struct list owned; /* struct node                                */
	uint32_t use[QUOTA_COUNT];
	uint32_t peak[QUOTA_COUNT];
	uint32_t limit[QUOTA_COUNT];
	struct quota_log complaint;
};

/* All domains that own something, are introduced, or have own quotas. */
struct domains {
	struct domain **by_id; /* 65536 entries, allocated lazily by the OS */
	unsigned highest;
	uint32_t limit[QUOTA_COUNT];
	double (*clock)(void);
	void (*log)(const char *text);
};

void domains_init(struct domains *ds);
void domains_free(struct domains *ds);
struct domain *domain_find(const struct domains *ds, unsigned domid);
struct domain *domain_get(struct domains *ds, unsigned domid); /* or make */
/* The next domain above domid in numeric order; start with -1. */
struct domain *domain_next(const struct domains *ds, int domid);
/* Drop the entry if nothing hangs on it. */
void domain_settle(struct domains *ds, struct domain *d);

int quota_by_name(const char *name); /* enum quota_id or -1 */
const char *quota_name(enum quota_id q);
const char *quota_unit(enum quota_id q);
uint32_t quota_limit(const struct domains *ds, const struct domain *d,
		     enum quota_id q);

/*
 * May the domain use value of this quota?  If not, say so in the log and put
 * the reason in why (QUOTA_WHY bytes, may be NULL).  Domain 0 always may;
 * a limit of 0 means no limit.
 */
#define QUOTA_WHY 160
bool quota_check(struct domains *ds, struct domain *d, enum quota_id q,
		 uint64_t value, char *why);

void quota_add(struct domain *d, enum quota_id q, int64_t delta);

#endif
