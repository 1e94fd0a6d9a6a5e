/* SPDX-License-Identifier: MIT */
/* What the sectors of a test's disk hold. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends/domain.h"
#include "tests/backends/sectors.h"

enum {
	BYTES = 512,
	TRIES = 20,
};

void sectors_make(struct sectors *s, const char *dir)
{
	int fd;

	snprintf(s->path, sizeof(s->path), "%s/disk.img", dir);
	fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SECTORS * BYTES), 0);
	close(fd);
}

void sectors_fill(unsigned char *at, uint64_t sector, uint32_t version)
{
	uint64_t state = sector << 32 | version, *to = (uint64_t *)(void *)at;

	for (int i = 0; i < BYTES / 8; i++)
		to[i] = version ? next_random(&state) : 0;
}

void sectors_check(const struct sectors *s, const unsigned char *at,
		   uint64_t sector)
{
	unsigned char want[BYTES] __attribute__((aligned(8)));
	uint32_t version = s->version[sector];

	if (version == ANYTHING)
		return;
	sectors_fill(want, sector, version);
	if (memcmp(at, want, BYTES))
		die("sector %" PRIu64 " is not as written (version %u)", sector,
		    version);
}

bool sectors_lock(struct sectors *s, uint64_t *seed, uint64_t nr,
		  uint64_t *first)
{
	for (int tries = 0; tries < TRIES; tries++) {
		uint64_t i = 0;

		*first = next_random(seed) % (SECTORS - nr);
		while (i < nr && !s->locked[*first + i])
			i++;
		if (i < nr)
			continue;
		memset(&s->locked[*first], 1, nr);
		return true;
	}
	return false;
}

void sectors_unlock(struct sectors *s, uint64_t first, uint64_t nr)
{
	memset(&s->locked[first], 0, nr);
}

void sectors_compare(const struct sectors *s)
{
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	unsigned char *map;

	assert_true(fd >= 0);
	map = mmap(NULL, SECTORS * BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	for (uint64_t i = 0; i < SECTORS; i++)
		sectors_check(s, map + i * BYTES, i);
	munmap(map, SECTORS * BYTES);
}
