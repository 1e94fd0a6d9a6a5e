/* SPDX-License-Identifier: MIT */
/*
 * What the sectors of a test's disk hold, while requests are under way that
 * never touch the same ones.
 */
#ifndef TESTS_BACKENDS_SECTORS_H
#define TESTS_BACKENDS_SECTORS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SECTORS = 16384, /* 8 MiB */
};

/* A version: it may hold anything. */
#define ANYTHING UINT32_MAX

struct sectors {
	char path[256]; /* of the file behind the disk */
	uint32_t version[SECTORS]; /* what each holds; 0: zeros */
	bool locked[SECTORS];
};

/* Make the file, in that folder; all else is zero. */
void sectors_make(struct sectors *s, const char *dir);
/* 512 bytes that tell sector and version. */
void sectors_fill(unsigned char *at, uint64_t sector, uint32_t version);
void sectors_check(const struct sectors *s, const unsigned char *at,
		   uint64_t sector);
/* Find some that no other request touches; false: there are none. */
bool sectors_lock(struct sectors *s, uint64_t *seed, uint64_t nr,
		  uint64_t *first);
void sectors_unlock(struct sectors *s, uint64_t first, uint64_t nr);
/* With no request under way: does the file hold all of it? */
void sectors_compare(const struct sectors *s);

#endif
