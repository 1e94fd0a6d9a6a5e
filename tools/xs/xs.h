/* SPDX-License-Identifier: MIT */
/*
 * xs: a client library for the store.
 *
 * The functions have the names, arguments and results that programs written
 * for libxenstore expect; xs_ext.h has what goes beyond.  A function that fails
 * returns false, NULL or XBT_NULL and sets errno.  Memory that is returned is
 * one block, for free().
 *
 * A handle may be used by several threads at the same time.  There is no
 * helper thread: whoever waits for an answer reads for everybody.
 */
#ifndef TOOLS_XS_XS_H
#define TOOLS_XS_XS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XBT_NULL 0
typedef uint32_t xs_transaction_t;

#define XS_OPEN_READONLY   (1UL << 0) /* no effect                          */
#define XS_OPEN_SOCKETONLY (1UL << 1) /* no effect                          */
#define XS_UNWATCH_FILTER  (1UL << 2) /* xs_unwatch drops events not fetched */

enum xs_perm_type {
	XS_PERM_NONE = 0,
	XS_PERM_READ = 1,
	XS_PERM_WRITE = 2,
};

struct xs_permissions {
	unsigned int id; /* domain */
	unsigned int perms; /* enum xs_perm_type, or-ed */
};

/* Indices into what xs_read_watch returns. */
enum xs_watch_type {
	XS_WATCH_PATH = 0,
	XS_WATCH_TOKEN
};

struct xs_handle;

struct xs_handle *xs_open(unsigned long flags);
void xs_close(struct xs_handle *h); /* NULL is fine */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_domain_open(void);
struct xs_handle *xs_daemon_open_readonly(void);
void xs_daemon_close(struct xs_handle *h);
void xs_daemon_destroy_postfork(struct xs_handle *h); /* in the child */

/* Names of the children; the strings are in the same block. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
		    unsigned int *num);
/* The value, with a NUL behind it that *len does not count. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	      unsigned int *len);
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	      const void *data, unsigned int len);
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* First the owner and everybody else's rights, then single domains. */
struct xs_permissions *xs_get_permissions(struct xs_handle *h,
					  xs_transaction_t t, const char *path,
					  unsigned int *num);
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
			const char *path, struct xs_permissions *perms,
			unsigned int num_perms);

bool xs_watch(struct xs_handle *h, const char *path, const char *token);
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);
/* Readable when an event is there. */
int xs_fileno(struct xs_handle *h);
/* An event, NULL and EAGAIN if there is none. */
char **xs_check_watch(struct xs_handle *h);
/* An event; waits for it. */
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

xs_transaction_t xs_transaction_start(struct xs_handle *h);
/* EAGAIN: somebody else was faster, start again. */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
			 unsigned long mfn, unsigned int eventchn);
bool xs_set_target(struct xs_handle *h, unsigned int domid,
		   unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);
bool xs_path_is_subpath(const char *parent, const char *child);
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);
bool xs_restrict(struct xs_handle *h, unsigned domid); /* always false */

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
			 unsigned int len);
char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
		       unsigned int len);
/* The event channel that suspends a domain, or -1. */
int xs_suspend_evtchn_port(int domid);

#ifdef __cplusplus
}
#endif

#endif
