/* SPDX-License-Identifier: MIT */
/*
 * The store, as the daemon uses it: batches of changes that happen all or not
 * at all, single reads, watches, and domains that come and go.
 *
 * store_xs.c talks to the store daemon; tests link one in memory instead.
 * Paths and values are formats; both are bounded.
 */
#ifndef TOOLS_DAEMON_STORE_H
#define TOOLS_DAEMON_STORE_H

#include <stdbool.h>

#include "tools/daemon/fail.h"

#define STORE_PATH_MAX  256
#define STORE_VALUE_MAX 1600

struct store;
struct batch;

/* Who may use a node (and what comes below it): */
enum store_perm {
	PERM_INHERIT, /* as its parent                   */
	PERM_GUEST_READ, /* ours, the guest may read     */
	PERM_GUEST_OWN, /* the guest's                   */
	PERM_PRIVATE, /* ours                            */
};

/* NULL: see why.  path NULL: the usual socket. */
struct store *store_open(const char *path, struct fail *why);
void store_close(struct store *s);

/* Readable when store_event() may have something. */
int store_fd(struct store *s);
/* The path of a change, for free(); NULL: none. */
char *store_event(struct store *s);
int store_watch(struct store *s, const char *path, struct fail *why);

/* NULL: there is no such node; for free(). */
char *store_read(struct store *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
long store_read_number(struct store *s, long fallback, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Changes of one transaction; running out of memory shows at commit. */
struct batch *batch_new(unsigned int domid);
void batch_mkdir(struct batch *b, enum store_perm perm, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Paths of batch_put() are below the last batch_base(). */
void batch_base(struct batch *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void batch_put(struct batch *b, const char *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Not there is fine. */
void batch_rm(struct batch *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void batch_free(struct batch *b);
/* The batch is freed in any case. */
int batch_commit(struct store *s, struct batch *b, struct fail *why);

int store_introduce(struct store *s, unsigned int domid, unsigned long mfn,
		    unsigned int port, struct fail *why);
void store_release(struct store *s, unsigned int domid);
/* Tell who waits that a domain stopped, though it is still there. */
void store_stopped(struct store *s, unsigned int domid);

#endif
