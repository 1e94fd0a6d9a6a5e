/* SPDX-License-Identifier: MIT */
/* What the files of the library share. */
#ifndef TOOLS_XS_INTERNAL_H
#define TOOLS_XS_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "tools/xs/eager.h"
#include "tools/xs/xs_ext.h"

/* A request that has no answer yet. */
struct call {
	struct call *next;
	uint32_t req_id;
	uint32_t type;
	bool done;
	bool abandoned; /* its caller gave up: free it when it comes */
	int error; /* errno number, 0: data is the answer       */
	char *data; /* one NUL longer than len                   */
	size_t len;
	xs_reply_fn *fn; /* pipelined                                 */
	void *arg;
	struct iovec *msg; /* to send it again after a reconnection     */
};

struct event {
	struct event *next;
	char **vec;
};

/* A watch that is set, for the reconnection. */
struct watched {
	struct watched *next;
	int depth;
	char *path, *token;
};

/*
 * LOCKING  Everything is under lock.  The thread that reads the socket sets
 * reading and drops the lock while it waits; the others wait for cond.
 */
struct xs_handle {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int fd;
	bool device; /* the kernel's device, not a socket */
	bool reading;
	bool dead; /* no connection, and none to be had  */
	unsigned long flags;
	unsigned timeout; /* ms */
	uint32_t epoch; /* connections made so far            */
	uint32_t next_id;
	char *path;
	char *in; /* bytes received, not taken apart    */
	size_t in_len, in_at, in_cap;
	char *out; /* pipelined requests, not sent       */
	size_t out_len, out_cap;
	unsigned queued; /* pipelined, without an answer       */
	struct call *calls, **calls_end;
	struct event *events, **events_end;
	struct watched *watches;
	int poll_fd, event_fd; /* made by xs_fileno, else -1      */
	bool armed;
	struct eager eager; /* of the thread that reads           */
};

/* connect.c */
int handle_connect(struct xs_handle *h); /* 0 or errno number      */
bool handle_reconnect(struct xs_handle *h); /* under lock            */

/* call.c: send parts as one request, wait for the answer. */
char *xs_call(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
	      const struct iovec *parts, unsigned n, size_t *len);
bool xs_call_ok(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
		const struct iovec *parts, unsigned n);
struct iovec part_string(const char *s); /* with its NUL */
/* Read what is there.  wait: for at most so many ms, -1: for ever.
 * Under lock.  false: the connection is gone, or time is up (ETIMEDOUT). */
bool handle_fill(struct xs_handle *h, int wait);
bool handle_write(struct xs_handle *h, const char *p, size_t n);
int64_t clock_ms(void);

/* watch.c */
void handle_event(struct xs_handle *h, const char *data, size_t len);
void poll_arm(struct xs_handle *h, bool on);

/* Is the transaction of this connection?  Gives its number on the wire. */
bool tx_wire(const struct xs_handle *h, xs_transaction_t t, uint32_t *id);
xs_transaction_t tx_user(const struct xs_handle *h, uint32_t id);

#endif
