/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of a console: it begins with both pipes empty, and both
 * ends asleep.
 *
 * PURE
 */
#include "pv-frontends/core/pvcon.h"

void pvcon_front_init(struct pvcon_front *f, struct pv_con_dir *dir,
		      struct pv_con_ring *ring, uint16_t nr_out, uint16_t nr_in)
{
	unsigned char *area = (unsigned char *)(ring + 1);

	dir->magic = PV_CON_MAGIC;
	dir->version = PV_CON_VERSION;
	dir->nr_out = nr_out;
	dir->nr_in = nr_in;
	ring->front = ring->back = (struct pv_con_end){.prod_event = 1};
	ring->front_state = ring->window = 0;
	*f = (struct pvcon_front){
		.out =
			{
				.own = &ring->front,
				.other = &ring->back,
				.area = area,
				.size = nr_out * PV_PAGE_SIZE,
			},
		.in =
			{
				.own = &ring->front,
				.other = &ring->back,
				.area = area + nr_out * PV_PAGE_SIZE,
				.size = nr_in * PV_PAGE_SIZE,
			},
	};
}
