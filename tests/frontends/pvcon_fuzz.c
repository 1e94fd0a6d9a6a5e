/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: both ends of a console on memory that anybody writes to.
 *
 * The input is a program of three bytes a step: an end does something, or a
 * part of the ring changes.  Neither end may touch anything but the ring and
 * the areas (the sanitizer sees it), or be given more than an area has.
 */
#include <stdlib.h>
#include <string.h>

#include "pv-frontends/core/pvcon.h"
#include "tests/lib/fuzz.h"

struct both {
	struct pv_con_dir dir;
	struct pv_con_ring *ring;
	struct pvcon_front front;
	struct pvcon_back back;
	bool front_ended, back_ended;
};

static unsigned char text[PV_CON_AREA_MAX * PV_PAGE_SIZE];

/* True: the other end lied. */
static bool put(struct pvcon_fill *f, uint8_t arg)
{
	int room = pvcon_fill_room(f), n = arg == 255 ? room : arg * 40;

	MUST(room <= (int)f->size);
	if (room < 0)
		return true;
	pvcon_fill_put(f, text, (uint32_t)(n < room ? n : room));
	MUST(f->prod - f->cons <= f->size);
	return false;
}

static bool take(struct pvcon_drain *d, uint8_t arg)
{
	int there = pvcon_drain_there(d), n = arg == 255 ? there : arg * 40;

	MUST(there <= (int)d->size);
	if (there < 0)
		return true;
	n = n < there ? n : there;
	pvcon_drain_copy(d, text, (uint32_t)n);
	pvcon_drain_done(d, (uint32_t)n);
	return false;
}

/* True: it ends. */
static bool does(struct pvcon_fill *f, struct pvcon_drain *d, unsigned int what,
		 uint8_t arg)
{
	switch (what) {
	case 0:
		return put(f, arg);
	case 1:
		pvcon_fill_push(f);
		break;
	case 2:
		return take(d, arg);
	case 3:
		pvcon_drain_tell(d);
		break;
	case 4:
		pvcon_drain_sleep(d);
		break;
	default:
		pvcon_fill_push(f);
		pvcon_fill_wait(f);
	}
	return false;
}

static void back_does(struct both *b, unsigned int what, uint8_t arg)
{
	if (what == 6)
		b->back_ended = !pvcon_back_attach(&b->back, b->ring, &b->dir);
	else if (!b->back_ended)
		b->back_ended = does(&b->back.in, &b->back.out, what, arg);
}

static void somebody_writes(struct both *b, unsigned int what, uint8_t arg)
{
	uint32_t *const index[] = {
		&b->ring->front.prod,
		&b->ring->back.prod,
		&b->ring->front.cons,
		&b->ring->back.cons,
	};
	unsigned char *at = (unsigned char *)b->ring;

	if (what < 4)
		*index[what] += arg;
	else
		at[(what % 2 ? 0 : 64) + arg % 16] ^= 1u << arg / 16 % 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct both b = {.front_ended = false};
	uint16_t nr_out, nr_in;

	if (!size)
		return 0;
	nr_out = (uint16_t)(1u << data[0] % 3);
	nr_in = (uint16_t)(1u << data[0] / 3 % 3);
	b.ring = calloc(PV_CON_RING_PAGES + (size_t)nr_out + nr_in,
			PV_PAGE_SIZE);
	pvcon_front_init(&b.front, &b.dir, b.ring, nr_out, nr_in);
	MUST(pvcon_back_dir(&b.dir) == 1u + nr_out + nr_in);
	MUST(pvcon_back_attach(&b.back, b.ring, &b.dir));
	for (data++, size--; size >= 3; data += 3, size -= 3) {
		if (data[0] % 3 == 1)
			back_does(&b, data[1] % 7, data[2]);
		else if (data[0] % 3 == 2)
			somebody_writes(&b, data[1] % 8, data[2]);
		else if (!b.front_ended)
			b.front_ended = does(&b.front.out, &b.front.in,
					     data[1] % 6, data[2]);
	}
	free(b.ring);
	return 0;
}
