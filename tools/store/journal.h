/* SPDX-License-Identifier: MIT */
/* The journal on disk: frames in, store out. */
#ifndef TOOLS_STORE_JOURNAL_H
#define TOOLS_STORE_JOURNAL_H

#include <sys/types.h>

#include "tools/store/record.h"

/* How the journal reaches the file system; tests put a failing one here. */
struct journal_io {
	ssize_t (*write)(void *arg, int fd, const void *p, size_t n);
	int (*sync)(void *arg, int fd);
	int (*unlink)(void *arg, int dir, const char *name);
	void *arg;
};

struct journal {
	struct store *st;
	int dir; /* directory descriptor                       */
	int fd; /* the file that is appended to               */
	uint64_t seq; /* its number                                 */
	uint64_t size; /* bytes in it                                */
	uint64_t base; /* size right after its checkpoint            */
	struct buf out; /* sealed frames that are not written         */
	bool sync; /* fdatasync with every flush                 */
	bool failed; /* a write failed: not durable until repaired */
	double retry_at;

	int next_fd; /* the checkpoint that is being written, or -1 */
	uint64_t next_size;
	struct buf next_out;
	uint64_t checkpoint_min; /* bytes of growth that start one */
	const struct journal_io *io;
};

/*
 * Open the journal in directory path, and replay what is there into the empty
 * store.  0 or an errno number, with a text in why.
 */
int journal_open(struct journal *j, struct store *st, const char *path,
		 const struct journal_io *io, struct replay *r, char *why,
		 size_t why_len);
/* Go on with a journal whose state came by a handover. */
int journal_adopt(struct journal *j, struct store *st, const char *path,
		  char *why, size_t why_len);
void journal_close(struct journal *j);

/* Write everything that is sealed.  Before this, nothing may be answered. */
void journal_flush(struct journal *j);
/* Is there work for journal_step? */
bool journal_busy(const struct journal *j);
/* Start a checkpoint if the journal has grown enough, or when forced. */
void journal_checkpoint(struct journal *j, bool force);
/* One slice of a running checkpoint. */
void journal_step(struct journal *j, unsigned nodes);

/* Finish a running checkpoint; is everything on disk? */
bool journal_settle(struct journal *j);

/*
 * Checkpoint pieces, shared with the handover: everything but nodes, then the
 * nodes from the tree's cursor on; false when there are no more.
 */
/* Watches and open transactions of a connection. */
void checkpoint_conn(struct store *st, struct conn *c);
void checkpoint_head(struct store *st, struct buf *out);
bool checkpoint_nodes(struct store *st, struct buf *out, unsigned count);

#endif
