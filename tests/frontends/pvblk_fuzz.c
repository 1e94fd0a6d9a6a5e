/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: both ends of a block ring on memory that anybody writes to.
 *
 * The input is a program of three bytes a step: an end does something, or a
 * part of the ring changes.  Neither end may touch anything but the ring, take
 * more than there are tags, or hand out what is out of bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "pv-frontends/core/pvblk.h"
#include "tests/lib/fuzz.h"

enum {
	DATA = 32, /* pages */
};

struct both {
	struct pv_blk_ring *ring;
	struct pvblk_front front;
	struct pvblk_back back;
	struct pv_blk_config config;
	bool front_ended, back_ended;
	bool under_way[PV_BLK_TAGS]; /* at the backend */
};

static void front_does(struct both *b, unsigned int what, uint8_t arg)
{
	struct pvblk_rq rq = {
		.tag = arg % PV_BLK_TAGS,
		.op = arg % 5,
		.nr_sectors = arg,
		.data = arg * 512u,
	};
	uint16_t tag = 0xffff, status;

	if (b->front_ended)
		return;
	if (what == 0 && !b->front.busy[rq.tag]) {
		pvblk_front_submit(&b->front, &rq);
	} else if (what == 1) {
		pvblk_front_push(&b->front);
	} else if (what == 2) {
		switch (pvblk_front_answer(&b->front, &tag, &status)) {
		case PVBLK_ONE:
			MUST(tag < PV_BLK_TAGS && !b->front.busy[tag]);
			break;
		case PVBLK_LIE:
			b->front_ended = true;
			break;
		case PVBLK_NONE:
			break;
		}
	} else if (what == 3) {
		pvblk_front_sleep(&b->front);
	} else if (pvblk_front_config(&b->front, &b->config)) {
		MUST(b->config.logical >= 512 && b->config.logical <= 4096);
		MUST(!(b->config.sectors % (b->config.logical / 512)));
	}
	MUST(b->front.under_way <= PV_BLK_TAGS);
}

static void take(struct both *b)
{
	const struct pv_blk_config c = {
		.flags = PV_BLK_F_DISCARD,
		.sectors = 100,
		.logical = 512,
		.max_sectors = 64,
	};
	struct pvblk_rq rq;
	int status;

	switch (pvblk_back_take(&b->back, &rq)) {
	case PVBLK_ONE:
		MUST(rq.tag < PV_BLK_TAGS && !b->under_way[rq.tag]);
		b->under_way[rq.tag] = true;
		status = pvblk_back_check(&b->back, &rq, &c);
		b->back_ended = status == PVBLK_LIE;
		if (!status && rq.op <= PV_BLK_WRITE)
			MUST((uint64_t)rq.data + rq.nr_sectors * 512ull <=
			     DATA * 4096);
		if (!status && rq.op != PV_BLK_FLUSH)
			MUST(rq.sector + rq.nr_sectors <= 100);
		break;
	case PVBLK_LIE:
		b->back_ended = true;
		break;
	case PVBLK_NONE:
		break;
	}
}

static void back_does(struct both *b, unsigned int what, uint8_t arg)
{
	uint16_t tag = arg % PV_BLK_TAGS;

	if (what == 4) {
		pvblk_back_attach(&b->back, b->ring, DATA);
		MUST(b->back.nr_redo <= PV_BLK_TAGS);
		memset(b->under_way, 0, sizeof(b->under_way));
		b->back_ended = false;
		return;
	}
	if (b->back_ended)
		return;
	if (what == 0) {
		take(b);
	} else if (what == 1 && b->under_way[tag]) {
		pvblk_back_answer(&b->back, tag, arg);
		b->under_way[tag] = false;
	} else if (what == 2) {
		pvblk_back_push(&b->back);
	} else if (what == 3) {
		pvblk_back_sleep(&b->back);
	}
	MUST(b->back.under_way <= PV_BLK_TAGS);
}

/* The places that matter, in the page of indices or in the requests. */
static void somebody_writes(struct both *b, unsigned int what, uint8_t arg)
{
	unsigned char *at = (unsigned char *)b->ring;

	switch (what) {
	case 0:
		at[arg] ^= 1u << arg % 8; /* indices, configuration */
		break;
	case 1:
		b->ring->sq_prod += arg;
		break;
	case 2:
		b->ring->cq_prod += arg;
		break;
	case 3:
		b->ring->sq[arg % PV_BLK_TAGS] = arg;
		break;
	case 4:
		at[512 + arg * 4] = arg;
		break;
	default:
		at[4096 + arg * 16 % 4096 + what] = arg;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct both b = {.front_ended = false};

	b.ring = aligned_alloc(64, sizeof(*b.ring));
	memset(b.ring, 0, sizeof(*b.ring));
	pvblk_front_init(&b.front, b.ring);
	pvblk_back_attach(&b.back, b.ring, DATA);
	for (; size >= 3; data += 3, size -= 3) {
		if (data[0] % 3 == 0)
			front_does(&b, data[1] % 5, data[2]);
		else if (data[0] % 3 == 1)
			back_does(&b, data[1] % 5, data[2]);
		else
			somebody_writes(&b, data[1] % 16, data[2]);
	}
	free(b.ring);
	return 0;
}
