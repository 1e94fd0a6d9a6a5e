/* SPDX-License-Identifier: MIT */
/* Which kind of image a disk's type stands for. */
#include <stdio.h>
#include <string.h>

#include "pv-backends/blk/image.h"

struct image *image_open(struct ev_loop *loop, const struct image_options *opt,
			 char *why, size_t len)
{
	if (!strcmp(opt->type, "file") || !strcmp(opt->type, "phy"))
		return image_open_file(loop, opt, why, len);
	if (!strcmp(opt->type, "nbd"))
		return image_open_nbd(loop, opt, why, len);
	snprintf(why, len, "type %.40s: not one of file, phy, nbd", opt->type);
	return NULL;
}
