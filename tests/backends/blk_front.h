/* SPDX-License-Identifier: MIT */
/* A block frontend with a random load, for blk_test.c. */
#ifndef TESTS_BACKENDS_BLK_FRONT_H
#define TESTS_BACKENDS_BLK_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include <pv/io/blkif.h>

#include "tests/backends/domain.h"
#include "tests/backends/sectors.h"

enum {
	DEVID = 51712,
	DEPTH = 48, /* requests under way at most                      */
	MAX_FRAMES = 40, /* of one request                             */
	MAX_QUEUES = 4,
};

struct request {
	bool busy;
	unsigned int queue, operation, nr_frames, indirect;
	uint64_t sector, nr_sectors;
	unsigned int first_frame; /* its data; one before: segments */
	unsigned int first_sect; /* in the first frame               */
};

struct disk {
	struct testbed t;
	struct sectors on;
	struct front_ring ring[MAX_QUEUES];
	unsigned int nr_queues, order, ring_frame;
	bool persistent;
	struct request rq[DEPTH];
	unsigned int under_way;
	uint32_t discarded; /* the version that a discard leaves */
	uint64_t seed;
	unsigned int answered, refused;
};

void connect_front(struct disk *d);
void prepare_disk(struct disk *d, unsigned int queues, unsigned int order,
		  bool persistent);
void start_disk(struct disk *d, unsigned int queues, unsigned int order,
		bool persistent, const char *const *more);
void stop_disk(struct disk *d);
void load(struct disk *d, unsigned int total);
void finish(struct disk *d);
void close_disk(struct disk *d);

#endif /* TESTS_BACKENDS_BLK_FRONT_H */
