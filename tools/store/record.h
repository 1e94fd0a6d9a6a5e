/* SPDX-License-Identifier: MIT */
/*
 * Records: what the journal, a checkpoint and a handover are made of.
 *
 * A frame is the unit of atomicity: header, then the records of one request.
 * Every record states what is, not what changed, so replaying one twice or
 * in a checkpoint that overlaps later records gives the same state.
 */
#ifndef TOOLS_STORE_RECORD_H
#define TOOLS_STORE_RECORD_H

#include "tools/store/store.h"

enum record_type {
	REC_NODE = 1, /* path, permissions, value                 */
	REC_VALUE = 2, /* path, value                              */
	REC_PERMS = 3, /* path or @name, permissions               */
	REC_RM = 4, /* path and everything below                */
	REC_INTRODUCE = 5, /* domid, gfn, port, stream positions       */
	REC_RELEASE = 6, /* domid                                    */
	REC_TARGET = 7, /* domid, target                            */
	REC_FEATURE = 8, /* domid, features                          */
	REC_QUOTA = 9, /* domid or all, quota, limit               */
	REC_WATCH = 10, /* connection, path, token, depth           */
	REC_UNWATCH = 11, /* connection, path, token                  */
	REC_RESET = 12, /* connection: no watches, no transactions  */
	REC_TX_START = 13, /* connection, id                           */
	REC_TX_END = 14, /* connection, id                           */
	REC_RING_IN = 15, /* domid, position, bytes not yet a request */
	REC_RING_OUT = 16, /* domid, bytes                             */
	REC_SHUTDOWN = 17, /* domid, flag                              */
	REC_COMPLETE = 18, /* the checkpoint before this is whole      */
	REC_CONN = 19, /* handover: socket, its descriptor, bytes  */
};

#define FRAME_HEADER 8 /* u32 length, u32 checksum */
#define FRAME_MAX    (64u << 20) /* longer is corruption     */
#define QUOTA_GLOBAL 0xffffu /* domid of the defaults    */

/* All of these append to st->frame, and do nothing without a journal. */
void rec_node(struct store *st, const struct node *n);
void rec_value(struct store *st, const struct node *n);
void rec_perms(struct store *st, const char *path, size_t len,
	       const struct perms *p);
void rec_rm(struct store *st, const char *path, size_t len);
void rec_introduce(struct store *st, const struct domain *d, uint32_t in,
		   uint32_t out);
void rec_release(struct store *st, unsigned domid);
void rec_target(struct store *st, const struct domain *d);
void rec_feature(struct store *st, const struct domain *d);
void rec_shutdown(struct store *st, const struct domain *d);
void rec_quota(struct store *st, unsigned domid, enum quota_id q,
	       uint32_t limit);
void rec_watch(struct store *st, const struct watch *w);
void rec_unwatch(struct store *st, uint32_t key, const char *path, size_t plen,
		 const char *token, size_t tlen);
void rec_reset(struct store *st, uint32_t key);
void rec_tx(struct store *st, bool start, uint32_t key, uint32_t id);
void rec_ring_in(struct store *st, unsigned domid, uint32_t at,
		 const void *rest, size_t len);
void rec_ring_out(struct store *st, unsigned domid, const void *bytes,
		  size_t len);
void rec_conn(struct store *st, const struct conn *c, int fd);
void rec_complete(struct store *st);

/* Does anything of this connection belong in the journal? */
static inline bool conn_durable(const struct conn *c)
{
	return c->dom && c->st->journal;
}

/* Seal st->frame and append it to out; an empty frame adds nothing. */
void frame_seal(struct store *st, struct buf *out);

/*
 * Take the frame at p.  Returns its whole size, and where its records are;
 * 0 if what is there is not a whole frame.
 */
size_t frame_open(const void *p, size_t left, const char **records,
		  size_t *len);

uint32_t crc32c(const void *p, size_t len);

/*
 * Apply the records of one frame to the store.  false: they make no sense.
 * Sockets of a handover are given to adopt.
 */
struct replay {
	struct store *st;
	bool complete; /* a REC_COMPLETE was seen */
	/* Make the connection of a handover's socket; NULL refuses it. */
	struct conn *(*adopt)(struct replay *r, int fd);
	void *arg;
	struct htab socks;
};

void replay_init(struct replay *r, struct store *st);
bool replay_frame(struct replay *r, const char *records, size_t len);
void replay_free(struct replay *r);

#endif
