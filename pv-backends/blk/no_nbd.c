/* SPDX-License-Identifier: MIT */
/*
 * In place of image_nbd.c, in the program that has no NBD library: the process
 * becomes the one that has.  The library brings a dozen others along, which
 * most control domains have no use for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pv-backends/blk/image.h"
#include "pv-backends/common/worker.h"

struct image *image_open_nbd(struct ev_loop *loop,
			     const struct image_options *opt, char *why,
			     size_t len)
{
	(void)loop;
	worker_exec("parapet-blkback-nbd");
	snprintf(why, len, "%s: parapet-blkback-nbd: %s", opt->path,
		 strerror(errno));
	return NULL;
}
