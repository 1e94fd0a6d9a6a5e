/* SPDX-License-Identifier: MIT */
/* xs beyond libxenstore: timeouts, reconnection, pipelining, reasons. */
#ifndef TOOLS_XS_XS_EXT_H
#define TOOLS_XS_XS_EXT_H

#include <stddef.h>

#include "tools/xs/wire.h"
#include "tools/xs/xs.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * When the daemon goes away, connect again (for up to the timeout, or 5 s) and
 * set the watches again, each of which then has its first event.  A call that
 * was under way is repeated if that changes nothing; a transaction of before
 * fails with EAGAIN, and with ECONNRESET if its end was under way, because
 * then nobody knows.
 */
#define XS_OPEN_RECONNECT (1UL << 8)

/* Connect to a given socket instead of XENSTORED_PATH. */
struct xs_handle *xs_open_path(const char *path, unsigned long flags);

/* Longest time that a call waits, in milliseconds; 0: for ever (default).
 * It then fails with ETIMEDOUT; a late answer is dropped. */
void xs_set_timeout(struct xs_handle *h, unsigned milliseconds);

/* Events no deeper than depth levels below path; -1: all. */
bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
		    int depth);

/* Why the store refused this handle's last request: text for people, for
 * free(); NULL if it gave no reason. */
char *xs_last_refusal(struct xs_handle *h);

/* Quotas.  domid -1: the defaults of all domains.  The names come in one
 * string, separated by blanks, for free(). */
char *xs_quota_names(struct xs_handle *h);
bool xs_get_quota(struct xs_handle *h, int domid, const char *name,
		  uint32_t *value);
bool xs_set_quota(struct xs_handle *h, int domid, const char *name,
		  uint32_t value);

/*
 * Pipelining: requests are queued without waiting, and each answer is given to
 * its function, in order, from within xs_pump.  error is 0 or an errno number;
 * data is valid during the call only.  The functions may queue more, but
 * not wait for anything.
 */
typedef void xs_reply_fn(void *arg, int error, const void *data, size_t len);
bool xs_queue(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
	      const void *payload, size_t len, xs_reply_fn *fn, void *arg);
/* Send what is queued, and take answers until at most left are missing. */
bool xs_pump(struct xs_handle *h, unsigned left);

/* Convenience for the most common requests. */
bool xs_queue_read(struct xs_handle *h, xs_transaction_t t, const char *path,
		   xs_reply_fn *fn, void *arg);
bool xs_queue_write(struct xs_handle *h, xs_transaction_t t, const char *path,
		    const void *value, size_t len, xs_reply_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
