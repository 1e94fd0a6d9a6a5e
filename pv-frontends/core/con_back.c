/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a console.
 *
 * A successor goes on with the indices in the ring.  A frontend that writes
 * over them harms its own console, and nothing else: whatever they are, all
 * that is read and written is inside the areas.
 *
 * PURE
 */
#include "pv-frontends/core/pvcon.h"

static bool area_fits(unsigned int nr)
{
	return nr && nr <= PV_CON_AREA_MAX && !(nr & (nr - 1));
}

unsigned int pvcon_back_dir(const struct pv_con_dir *dir)
{
	if (dir->magic != PV_CON_MAGIC || dir->version != PV_CON_VERSION ||
	    !area_fits(dir->nr_out) || !area_fits(dir->nr_in))
		return 0;
	return PV_CON_RING_PAGES + (unsigned int)dir->nr_out + dir->nr_in;
}

bool pvcon_back_attach(struct pvcon_back *b, struct pv_con_ring *ring,
		       const struct pv_con_dir *dir)
{
	unsigned char *area = (unsigned char *)(ring + 1);
	uint32_t cons = PV_LOAD(ring->back.cons);
	uint32_t prod = PV_LOAD(ring->back.prod);

	*b = (struct pvcon_back){
		.out =
			{
				.own = &ring->back,
				.other = &ring->front,
				.area = area,
				.size = dir->nr_out * PV_PAGE_SIZE,
				.cons = cons,
				.told = cons,
			},
		.in =
			{
				.own = &ring->back,
				.other = &ring->front,
				.area = area + dir->nr_out * PV_PAGE_SIZE,
				.size = dir->nr_in * PV_PAGE_SIZE,
				.prod = prod,
				.pushed = prod,
				.cons = PV_LOAD_FIRST(ring->front.cons),
			},
	};
	return prod - b->in.cons <= b->in.size &&
	       pvcon_drain_there(&b->out) >= 0;
}
