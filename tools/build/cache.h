/* SPDX-License-Identifier: MIT */
/* The directory of unpacked kernels. */
#ifndef TOOLS_BUILD_CACHE_H
#define TOOLS_BUILD_CACHE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "tools/build/build.h"
#include "tools/build/sha256.h"

struct cache {
	int fd; /* of the directory */
};

/* Make the directory if need be; refused unless it is the caller's alone. */
int cache_open(struct cache *c, const char *path, struct build_error *why);
void cache_close(struct cache *c);
/* The kernel of that digest, mapped for reading; NULL: not there. */
void *cache_map(struct cache *c, const char *digest, size_t *bytes);
/* Keep a kernel; may evict others.  false: there is no room. */
bool cache_add(struct cache *c, const char *digest, const void *image,
	       size_t bytes);
/* Do the file's times tell it from whatever it may become? */
bool cache_settled(const struct stat *st);
/* Remember that the file which looks like this has that content. */
void cache_link(struct cache *c, const struct stat *st, const char *digest);
bool cache_linked(struct cache *c, const struct stat *st,
		  char digest[SHA256_HEX]);

#endif
