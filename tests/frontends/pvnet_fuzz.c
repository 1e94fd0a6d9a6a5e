/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: both ends of a network queue on memory that anybody writes to.
 *
 * The input is a program of three bytes a step: an end does something, or a
 * part of the ring changes.  Neither end may touch anything but the ring, or
 * hand out a packet, or room for one, that is not inside the area.
 */
#include <stdlib.h>
#include <string.h>

#include "pv-frontends/core/pvnet.h"
#include "tests/lib/fuzz.h"

enum {
	PAGES = PV_NET_AREA_MIN,
	AREA = PAGES * PV_PAGE_SIZE,
};

struct both {
	struct pv_net_ring *ring;
	struct pvnet_front front;
	struct pvnet_back back;
	bool front_ended, back_ended;
};

/* True: the other end lied. */
static bool put(struct pvnet_fill *f, uint8_t arg)
{
	struct pv_net_packet p = {
		.flags = arg & PV_NET_CSUM_GOOD,
		.bytes = arg == 255 ? PV_NET_PACKET_MAX
				    : PV_NET_PACKET_MIN + arg * 257u,
	};
	enum pvnet_look look = pvnet_fill_room(f, p.bytes, &p.at);

	if (look == PVNET_ONE) {
		MUST(p.at <= AREA && p.bytes <= AREA - p.at);
		MUST(f->prod - f->cons < PV_NET_SLOTS);
		pvnet_fill_put(f, &p);
	}
	MUST(f->tail <= AREA && f->prod - f->cons <= PV_NET_SLOTS);
	return look == PVNET_LIE;
}

static bool take(struct pvnet_drain *d)
{
	struct pv_net_packet p;
	enum pvnet_look look = pvnet_drain_look(d, &p);

	if (look == PVNET_ONE) {
		MUST(p.at <= AREA && p.bytes <= AREA - p.at);
		MUST(p.bytes >= PV_NET_PACKET_MIN &&
		     p.bytes <= PV_NET_PACKET_MAX);
		MUST(!p.gso || (p.gso_size && p.flags & PV_NET_CSUM_OPEN));
		MUST(!(p.flags & PV_NET_CSUM_OPEN) ||
		     (uint32_t)p.csum_start + p.csum_offset + 2 <= p.bytes);
		pvnet_drain_done(d);
	}
	return look == PVNET_LIE;
}

/* True: it ends. */
static bool does(struct pvnet_fill *f, struct pvnet_drain *d, unsigned int what,
		 uint8_t arg)
{
	switch (what) {
	case 0:
		return put(f, arg);
	case 1:
		pvnet_fill_push(f);
		break;
	case 2:
		return take(d);
	case 3:
		pvnet_drain_tell(d);
		break;
	case 4:
		pvnet_drain_sleep(d);
		break;
	default:
		pvnet_fill_push(f);
		pvnet_fill_wait(f);
	}
	return false;
}

static void back_does(struct both *b, unsigned int what, uint8_t arg)
{
	if (what == 6)
		b->back_ended =
			!pvnet_back_attach(&b->back, b->ring, PAGES, PAGES);
	else if (!b->back_ended)
		b->back_ended = does(&b->back.rx, &b->back.tx, what, arg);
}

/* The places that matter. */
static void somebody_writes(struct both *b, unsigned int what, uint8_t arg)
{
	unsigned char *at = (unsigned char *)b->ring;

	switch (what) {
	case 0:
		at[arg % 16] ^= 1u << arg / 16 % 8;
		break;
	case 1:
		at[64 + arg % 16] ^= 1u << arg / 16 % 8;
		break;
	case 2:
		b->ring->front.prod += arg;
		break;
	case 3:
		b->ring->back.prod += arg;
		break;
	case 4:
		b->ring->front.cons += arg;
		break;
	case 5:
		b->ring->back.cons += arg;
		break;
	default:
		/* The first packets of both pipes. */
		at[(what % 2 ? 4096 : 8192) + arg] ^= 1u << what / 2 % 8;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct both b = {.front_ended = false};

	b.ring = aligned_alloc(64, sizeof(*b.ring));
	memset(b.ring, 0, sizeof(*b.ring));
	pvnet_front_init(&b.front, b.ring, PAGES, PAGES);
	MUST(pvnet_back_attach(&b.back, b.ring, PAGES, PAGES));
	for (; size >= 3; data += 3, size -= 3) {
		if (data[0] % 3 == 1)
			back_does(&b, data[1] % 7, data[2]);
		else if (data[0] % 3 == 2)
			somebody_writes(&b, data[1] % 22, data[2]);
		else if (!b.front_ended)
			b.front_ended = does(&b.front.tx, &b.front.rx,
					     data[1] % 6, data[2]);
	}
	free(b.ring);
	return 0;
}
