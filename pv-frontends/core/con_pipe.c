/* SPDX-License-Identifier: MIT */
/*
 * A pipe of bytes: two indices, and an area that is used round and round.
 *
 * The indices run freely and the area's size is a power of two, so index modulo
 * size is a place in it, also when an index wraps.  All of the area can be in
 * use: prod - cons tells full from empty.
 *
 * Each side goes by its own index in memory of its own; the one in the ring is
 * for the other side, and for a backend's successor.
 *
 * PURE
 */
#include "pv-frontends/core/pvcon.h"

/* Of so many bytes from an index on, those before the area's end. */
static uint32_t first_part(uint32_t index, uint32_t size, uint32_t bytes)
{
	uint32_t rest = size - index % size;

	return bytes < rest ? bytes : rest;
}

/* ---- filling ------------------------------------------------------------------ */

int pvcon_fill_room(struct pvcon_fill *f)
{
	/* ORDER: before the area is written, pairs with pvcon_drain_tell(). */
	uint32_t cons = PV_LOAD_FIRST(f->other->cons);

	/* It goes from where it was towards what it has been shown. */
	if (cons - f->cons > f->pushed - f->cons)
		return PVCON_LIE;
	f->cons = cons;
	return (int)(f->size - (f->prod - cons));
}

void pvcon_fill_put(struct pvcon_fill *f, const void *text, uint32_t bytes)
{
	uint32_t first = first_part(f->prod, f->size, bytes);

	__builtin_memcpy(f->area + f->prod % f->size, text, first);
	__builtin_memcpy(f->area, (const unsigned char *)text + first,
			 bytes - first);
	f->prod += bytes;
}

bool pvcon_fill_push(struct pvcon_fill *f)
{
	return pv_show(&f->own->prod, f->prod, &f->pushed,
		       &f->other->prod_event);
}

bool pvcon_fill_wait(struct pvcon_fill *f)
{
	/* Half of it, rounded up: one event for much room. */
	uint32_t wanted = f->cons + (f->pushed - f->cons + 1) / 2;

	return pv_ask(&f->own->cons_event, wanted, &f->other->cons, f->cons);
}

bool pvcon_fill_moved(const struct pvcon_fill *f)
{
	return PV_LOAD(f->other->cons) != f->cons;
}

/* ---- draining ------------------------------------------------------------------- */

int pvcon_drain_there(const struct pvcon_drain *d)
{
	uint32_t there = PV_LOAD_FIRST(d->other->prod) - d->cons;

	return there > d->size ? PVCON_LIE : (int)there;
}

void pvcon_drain_copy(const struct pvcon_drain *d, void *text, uint32_t bytes)
{
	uint32_t first = first_part(d->cons, d->size, bytes);

	__builtin_memcpy(text, d->area + d->cons % d->size, first);
	__builtin_memcpy((unsigned char *)text + first, d->area, bytes - first);
}

void pvcon_drain_done(struct pvcon_drain *d, uint32_t bytes)
{
	d->cons += bytes;
}

bool pvcon_drain_tell(struct pvcon_drain *d)
{
	/* ORDER: what was copied before the index, pairs with
	 * pvcon_fill_room(). */
	return pv_show(&d->own->cons, d->cons, &d->told, &d->other->cons_event);
}

bool pvcon_drain_sleep(struct pvcon_drain *d)
{
	return pv_ask(&d->own->prod_event, d->cons + 1, &d->other->prod,
		      d->cons);
}
