/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of a network queue.
 *
 * It has no memory that must outlive it: a successor goes on with the indices
 * and finds in the slots where the packets lie that the frontend has not taken
 * yet (ABI.md 19.4).  A frontend that lies about them harms what it receives,
 * and nothing else: all that is found is inside the area.
 *
 * PURE
 */
#include "pv-frontends/core/pvnet.h"

static bool area_fits(unsigned int nr)
{
	return nr >= PV_NET_AREA_MIN && nr <= PV_NET_AREA_MAX;
}

unsigned int pvnet_back_dir(const struct pv_net_dir *dir)
{
	if (dir->magic != PV_NET_MAGIC || dir->version != PV_NET_VERSION ||
	    !area_fits(dir->nr_tx) || !area_fits(dir->nr_rx))
		return 0;
	return PV_NET_RING_PAGES + (unsigned int)dir->nr_tx + dir->nr_rx;
}

/* Where do those lie that are under way? */
static bool recover(struct pvnet_fill *f)
{
	uint32_t i;

	if (f->prod - f->cons > PV_NET_SLOTS)
		return false;
	for (i = f->cons; i != f->prod; i++) {
		const struct pv_net_packet *p = &f->packet[i % PV_NET_SLOTS];
		uint32_t at = PV_LOAD(p->at), bytes = PV_LOAD(p->bytes);

		if (at % PV_NET_ALIGN || at > f->area || !bytes ||
		    bytes > f->area - at)
			return false;
		f->begin[i % PV_NET_SLOTS] = at;
		/* The area's end is aligned, too. */
		f->tail = (at + bytes + PV_NET_ALIGN - 1) &
			  ~(uint32_t)(PV_NET_ALIGN - 1);
	}
	return true;
}

bool pvnet_back_attach(struct pvnet_back *b, struct pv_net_ring *ring,
		       unsigned int nr_tx, unsigned int nr_rx)
{
	uint32_t cons = PV_LOAD(ring->back.cons);
	uint32_t prod = PV_LOAD(ring->back.prod);

	*b = (struct pvnet_back){
		.tx =
			{
				.own = &ring->back,
				.other = &ring->front,
				.packet = ring->tx,
				.area = nr_tx * PV_PAGE_SIZE,
				.cons = cons,
				.told = cons,
				.prod = cons,
			},
		.rx =
			{
				.own = &ring->back,
				.other = &ring->front,
				.packet = ring->rx,
				.area = nr_rx * PV_PAGE_SIZE,
				.prod = prod,
				.pushed = prod,
				.cons = PV_LOAD_FIRST(ring->front.cons),
			},
	};
	return recover(&b->rx);
}
