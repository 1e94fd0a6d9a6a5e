/* SPDX-License-Identifier: MIT */
/*
 * What a disk stands for: a file, a device, an NBD export.
 *
 * Everything is asynchronous: io->done runs from the loop, never from within
 * image_submit().  The caller keeps its parts (offset, bytes) inside the image.
 */
#ifndef PV_BACKENDS_BLK_IMAGE_H
#define PV_BACKENDS_BLK_IMAGE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "pv-backends/blk/pool.h"

enum image_op {
	IMAGE_READ,
	IMAGE_WRITE,
	IMAGE_FLUSH,
	IMAGE_DISCARD,
	IMAGE_ZERO, /* make it zeros */
};

struct image_io {
	enum image_op op;
	uint64_t offset, bytes;
	/* The image may change these while it works. */
	struct iovec *iov;
	unsigned int nr_iov;
	void (*done)(struct image_io *io, int error); /* negative errno, 0 */
	struct image_io *next; /* the image's */
	uint64_t tag; /* the image's */
};

struct image;

struct image_ops {
	void (*submit)(struct image *im, struct image_io *io);
	/* Start what was submitted since the last time. */
	void (*kick)(struct image *im);
	/* Run done() of what is finished, without a system call; may be NULL,
	 * where that needs one. */
	void (*poll)(struct image *im);
	/* The size may have changed. */
	int (*measure)(struct image *im);
	/* Wait until nothing is under way any more: every done() has run. */
	void (*drain)(struct image *im);
	void (*close)(struct image *im);
};

struct image {
	const struct image_ops *ops;
	uint64_t bytes;
	uint32_t sector, physical; /* bytes: smallest, and best, part */
	uint32_t discard; /* granularity in bytes; 0: none            */
	struct pool pool; /* buffers that it likes best               */
	bool network; /* it opens sockets later on                    */
	char error[256];
};

struct image_options {
	const char *type; /* "file", "phy", "nbd" */
	const char *path; /* or an URI            */
	bool readonly;
};

/* Open for that loop.  NULL, and a line in why. */
struct image *image_open(struct ev_loop *loop, const struct image_options *opt,
			 char *why, size_t len);
/* Do what opening a file needs whatever file it is, before there is one. */
void image_prepare(void);
struct image *image_open_file(struct ev_loop *loop,
			      const struct image_options *opt, char *why,
			      size_t len);
struct image *image_open_nbd(struct ev_loop *loop,
			     const struct image_options *opt, char *why,
			     size_t len);

#endif
