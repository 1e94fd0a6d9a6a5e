/* SPDX-License-Identifier: MIT */
/*
 * A pipe of packets: slots with indices, and an area with the bytes.
 *
 *	area   | . . . | packet | packet | packet | . . . |
 *	               ^ begin[cons]              ^ tail
 *
 * Packets leave in the order in which they came, so the area is used round and
 * round and a packet is always one piece: one that does not fit behind the last
 * one begins at 0 again.  When the pipe is empty everything begins at 0, too,
 * and stays in the cache.  The tail never reaches the oldest packet from below,
 * so the two are equal in an empty pipe only.
 *
 * What is under way is known from memory of our own; the slots are for the
 * other end and never read back.
 *
 * PURE
 */
#include "pv-frontends/core/pvnet.h"

/* ---- filling ------------------------------------------------------------------ */

static uint32_t round_up(uint32_t bytes)
{
	return (bytes + PV_NET_ALIGN - 1) & ~(uint32_t)(PV_NET_ALIGN - 1);
}

static bool find_place(const struct pvnet_fill *f, uint32_t bytes, uint32_t *at)
{
	uint32_t head = f->begin[f->cons % PV_NET_SLOTS];

	*at = 0;
	if (f->prod == f->cons)
		return bytes <= f->area;
	if (f->prod - f->cons >= PV_NET_SLOTS)
		return false;
	if (f->tail > head && bytes > f->area - f->tail)
		return bytes < head;
	*at = f->tail;
	return f->tail > head || bytes < head - f->tail;
}

enum pvnet_look pvnet_fill_room(struct pvnet_fill *f, uint32_t bytes,
				uint32_t *at)
{
	uint32_t cons;

	bytes = round_up(bytes);
	if (find_place(f, bytes, at))
		return PVNET_ONE;
	/* ORDER: before the area is written, pairs with pvnet_drain_done(). */
	cons = PV_LOAD_FIRST(f->other->cons);
	if (cons - f->cons > f->pushed - f->cons)
		return PVNET_LIE;
	f->cons = cons;
	return find_place(f, bytes, at) ? PVNET_ONE : PVNET_NONE;
}

void pvnet_fill_put(struct pvnet_fill *f, const struct pv_net_packet *p)
{
	struct pv_net_packet *to = &f->packet[f->prod % PV_NET_SLOTS];

	PV_STORE(to->at, p->at);
	PV_STORE(to->bytes, p->bytes);
	PV_STORE(to->flags, p->flags);
	PV_STORE(to->gso, p->gso);
	PV_STORE(to->gso_size, p->gso_size);
	PV_STORE(to->csum_start, p->csum_start);
	PV_STORE(to->csum_offset, p->csum_offset);
	f->begin[f->prod % PV_NET_SLOTS] = p->at;
	f->tail = p->at + round_up(p->bytes);
	f->prod++;
}

bool pvnet_fill_push(struct pvnet_fill *f)
{
	return pv_show(&f->own->prod, f->prod, &f->pushed,
		       &f->other->prod_event);
}

bool pvnet_fill_wait(struct pvnet_fill *f)
{
	/* Half of it, rounded up: one event for many packets. */
	uint32_t wanted = f->cons + (f->pushed - f->cons + 1) / 2;

	return pv_ask(&f->own->cons_event, wanted, &f->other->cons, f->cons);
}

bool pvnet_fill_moved(const struct pvnet_fill *f)
{
	return PV_LOAD(f->other->cons) != f->cons;
}

/* ---- draining ------------------------------------------------------------------- */

/* HOSTILE: one copy. */
static struct pv_net_packet copy_packet(const struct pv_net_packet *from)
{
	return (struct pv_net_packet){
		.at = PV_LOAD(from->at),
		.bytes = PV_LOAD(from->bytes),
		.flags = PV_LOAD(from->flags),
		.gso = PV_LOAD(from->gso),
		.gso_size = PV_LOAD(from->gso_size),
		.csum_start = PV_LOAD(from->csum_start),
		.csum_offset = PV_LOAD(from->csum_offset),
	};
}

static bool check_offloads(const struct pv_net_packet *p)
{
	bool open = p->flags & PV_NET_CSUM_OPEN;

	if (p->flags & ~(PV_NET_CSUM_OPEN | PV_NET_CSUM_GOOD) ||
	    p->gso > PV_NET_GSO_TCPV6)
		return false;
	if (open && (uint32_t)p->csum_start + p->csum_offset + 2 > p->bytes)
		return false;
	return p->gso == PV_NET_GSO_NONE || (open && p->gso_size);
}

static bool check_packet(const struct pv_net_packet *p, uint32_t area)
{
	return p->bytes >= PV_NET_PACKET_MIN && p->bytes <= PV_NET_PACKET_MAX &&
	       !(p->at % PV_NET_ALIGN) && p->at <= area &&
	       p->bytes <= area - p->at && check_offloads(p);
}

enum pvnet_look pvnet_drain_look(struct pvnet_drain *d, struct pv_net_packet *p)
{
	if (d->prod == d->cons) {
		uint32_t prod = PV_LOAD_FIRST(d->other->prod);

		if (prod - d->cons > PV_NET_SLOTS)
			return PVNET_LIE;
		d->prod = prod;
		if (prod == d->cons)
			return PVNET_NONE;
	}
	*p = copy_packet(&d->packet[d->cons % PV_NET_SLOTS]);
	return check_packet(p, d->area) ? PVNET_ONE : PVNET_LIE;
}

void pvnet_drain_done(struct pvnet_drain *d)
{
	d->cons++;
	/* ORDER: what was read before the index. */
	PV_STORE_LAST(d->own->cons, d->cons);
}

bool pvnet_drain_tell(struct pvnet_drain *d)
{
	uint32_t old = d->told;

	if (old == d->cons)
		return false;
	d->told = d->cons;
	/* ORDER: index before event, pairs with pvnet_fill_wait(). */
	PV_FENCE();
	return pv_passed(old, d->cons, PV_LOAD(d->other->cons_event));
}

bool pvnet_drain_busy(const struct pvnet_drain *d)
{
	return PV_LOAD(d->other->prod) != d->cons;
}

bool pvnet_drain_sleep(struct pvnet_drain *d)
{
	return pv_ask(&d->own->prod_event, d->cons + 1, &d->other->prod,
		      d->cons);
}
