/* SPDX-License-Identifier: MIT */
/* What the files of libpvbuild share. */
#ifndef TOOLS_BUILD_INTERNAL_H
#define TOOLS_BUILD_INTERNAL_H

#include <sys/stat.h>

#include "tools/build/build.h"

struct kernel_file {
	struct kernel kernel;
	void *image; /* malloc, or a mapping of `mapped` bytes */
	size_t bytes, mapped;
	struct stat st; /* of the source when it was opened */
	unsigned int users; /* shelf.c: guests being built, and the shelf */
};

/* A guest's memory while it is filled. */
struct guest_memory {
	struct pv *pv;
	domid_t domid;
	uint64_t nr_frames;
	uint64_t *mfn; /* by pfn */
};

/* Give the domain its frames. */
int memory_populate(struct guest_memory *m, struct build_error *why);
/* Copy to pseudo-physical address pa. */
int memory_copy(struct guest_memory *m, uint64_t pa, const void *from,
		uint64_t bytes, struct build_error *why);
/* The same to new memory: pages that are zero are left as they are. */
int memory_write(struct guest_memory *m, uint64_t pa, const void *from,
		 uint64_t bytes, struct build_error *why);
/* The same from a file, at its current position; a short file is an error. */
int memory_read_file(struct guest_memory *m, uint64_t pa, int fd,
		     uint64_t bytes, struct build_error *why);

/*
 * Find out what of the kernel's segments is not zero.  false: no memory, and
 * they count as not looked at.
 */
bool runs_find(struct kernel_runs *r, const struct kernel *k);
void runs_free(struct kernel_runs *r);
/* Bytes at the front that lie in pages (of pa) that are all zero, or are not. */
uint64_t zero_stretch(const uint8_t *from, uint64_t pa, uint64_t bytes,
		      bool zero);

/* Read [0, bytes) of a file; 0, or a negative errno number: -ENODATA if it is
 * shorter. */
int file_read(int fd, void *to, size_t bytes);

#endif
