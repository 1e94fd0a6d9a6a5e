/* SPDX-License-Identifier: MIT */
/*
 * Slots of a transmit ring to packets.
 *
 *	first | extra information ... | data ... data
 *
 * The first slot's size is that of the whole packet; its own share is what the
 * other slots leave.  A frontend that sends 64 KiB or more has let that size
 * wrap: its packet is refused, as is a request for something that we did not
 * offer.  What no honest frontend does (pieces across pages, a packet without
 * end, extra information that nobody knows) is a lie.
 *
 * PURE
 */
#include <errno.h>
#include <string.h>

#include "pv-backends/net/packet.h"

enum next_slot {
	NEXT_FIRST,
	NEXT_EXTRA,
	NEXT_DATA,
};

void tx_begin(struct net_tx *t)
{
	t->nr_slots = t->nr_pieces = 0;
	t->extra = 0;
	t->gso_type = XEN_NETIF_GSO_TYPE_NONE;
	t->gso_size = 0;
	t->refused = false;
	t->next = NEXT_FIRST;
}

static int lied(const char **lie, const char *what)
{
	*lie = what;
	return -EPROTO;
}

/* All slots are there: what is the first one's own share? */
static int finish(struct net_tx *t, const char **lie)
{
	uint32_t rest = 0;
	unsigned int from = 0, to = 0;

	for (unsigned int i = 1; i < t->nr_pieces; i++)
		rest += t->piece[i].bytes;
	if (rest > t->bytes)
		t->refused = true;
	else
		t->piece[0].bytes = (uint16_t)(t->bytes - rest);
	if (t->bytes < NET_ETHER)
		t->refused = true;
	for (; !t->refused && from < t->nr_pieces; from++) {
		struct net_piece p = t->piece[from];

		if (p.offset + p.bytes > NET_PAGE)
			return lied(lie, "a piece of a packet crosses a page");
		if (p.bytes)
			t->piece[to++] = p;
	}
	t->nr_pieces = to;
	return NET_TX_DONE;
}

static int after(struct net_tx *t, bool extra, bool data, const char **lie)
{
	if (extra)
		t->next = NEXT_EXTRA;
	else if (data)
		t->next = NEXT_DATA;
	else
		return finish(t, lie);
	return NET_TX_MORE;
}

static int add_data(struct net_tx *t, const struct pv_netif_tx_request *req,
		    const char **lie)
{
	bool first = t->next == NEXT_FIRST;

	if (t->nr_pieces == NET_TX_PIECES)
		return lied(lie, "a packet has too many slots");
	t->piece[t->nr_pieces++] = (struct net_piece){
		.ref = req->gref,
		.offset = req->offset,
		.bytes = req->size,
	};
	if (first) {
		t->flags = req->flags;
		t->bytes = req->size;
	}
	return after(t, first && req->flags & XEN_NETTXF_extra_info,
		     req->flags & XEN_NETTXF_more_data, lie);
}

static int add_gso(struct net_tx *t, const struct pv_netif_extra_info *e,
		   const char **lie)
{
	if (e->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
	    e->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6)
		return lied(lie, "a packet of unknown segmentation");
	if (!e->u.gso.size)
		return lied(lie, "a packet has segments of no size");
	t->gso_type = e->u.gso.type;
	t->gso_size = e->u.gso.size;
	return 0;
}

static int add_extra(struct net_tx *t, const struct pv_netif_extra_info *e,
		     const char **lie)
{
	int rc = 0;

	if (t->nr_slots > NET_TX_EXTRAS + 1)
		return lied(lie, "a packet has too much extra information");
	t->extra |= 1u << (t->nr_slots - 1);
	switch (e->type) {
	case XEN_NETIF_EXTRA_TYPE_GSO:
		rc = add_gso(t, e, lie);
		break;
	case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
	case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
		t->refused = true; /* not offered */
		break;
	case XEN_NETIF_EXTRA_TYPE_HASH:
	case XEN_NETIF_EXTRA_TYPE_XDP:
		break; /* of no use here */
	default:
		return lied(lie, "extra information of unknown type");
	}
	return rc ? rc
		  : after(t, e->flags & XEN_NETIF_EXTRA_FLAG_MORE,
			  t->flags & XEN_NETTXF_more_data, lie);
}

int tx_add(struct net_tx *t, const union pv_netif_tx_slot *slot,
	   const char **lie)
{
	if (t->nr_slots == NET_TX_SLOTS)
		return lied(lie, "a packet has too many slots");
	t->id[t->nr_slots++] = slot->req.id;
	if (t->next == NEXT_EXTRA)
		return add_extra(t, &slot->extra, lie);
	return add_data(t, &slot->req, lie);
}

struct pv_netif_tx_response tx_response(const struct net_tx *t, unsigned int n,
					int status)
{
	bool extra = t->extra >> n & 1;

	return (struct pv_netif_tx_response){
		.id = extra ? 0 : t->id[n],
		.status = (int16_t)(extra ? XEN_NETIF_RSP_NULL : status),
	};
}
