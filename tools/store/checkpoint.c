/* SPDX-License-Identifier: MIT */
/*
 * Writing down the whole store, in slices, while it changes.
 *
 * PURE  The head (quotas, domains, rings, their watches and transactions) is
 * one piece.  The nodes follow in slices from a cursor that the tree keeps
 * valid.  A change during the checkpoint is also recorded by itself, behind the
 * head, and every record is absolute; so whichever of a node's two records
 * comes last is right, and a node that is gone before the cursor reaches it is
 * simply not written.
 */
#include "tools/store/journal.h"
#include "tools/store/txn.h"

#define SEAL_BYTES (32u << 10)

static void dump_quotas(struct store *st)
{
	struct domain *d = NULL;
	int q;

	for (q = 0; q < QUOTA_COUNT; q++)
		rec_quota(st, QUOTA_GLOBAL, (enum quota_id)q,
			  st->domains.limit[q]);
	while ((d = domain_next(&st->domains, d ? d->domid : -1)))
		for (q = 0; q < QUOTA_COUNT; q++)
			if (d->limit[q] != QUOTA_UNSET)
				rec_quota(st, d->domid, (enum quota_id)q,
					  d->limit[q]);
}

void checkpoint_conn(struct store *st, struct conn *c)
{
	struct list *pos;

	list_for_each (pos, &c->watches)
		rec_watch(st, container_of(pos, struct watch, by_conn));
	list_for_each (pos, &c->txns)
		rec_tx(st, true, c->key,
		       container_of(pos, struct txn, link)->id);
}

/*
 * The input that was taken from the ring and is not a request yet is in c->in;
 * the output that the guest has not seen is in c->out.
 */
static void dump_ring(struct store *st, struct domain *d)
{
	struct conn *c = d->conn;

	rec_introduce(st, d, c->in_at, c->out_at - (uint32_t)c->out.len);
	if (c->in.len)
		rec_ring_in(st, d->domid, c->in_at, buf_data(&c->in),
			    c->in.len);
	if (c->out.len)
		rec_ring_out(st, d->domid, buf_data(&c->out), c->out.len);
	checkpoint_conn(st, c);
}

static void dump_domains(struct store *st, struct buf *out)
{
	struct domain *d = NULL;

	while ((d = domain_next(&st->domains, d ? d->domid : -1))) {
		if (d->features != XS_FEATURE_ALL)
			rec_feature(st, d);
		if (d->introduced && d->conn)
			dump_ring(st, d);
		if (d->target != d->domid)
			rec_target(st, d);
		if (d->shutdown)
			rec_shutdown(st, d);
		frame_seal(st, out);
	}
}

void checkpoint_head(struct store *st, struct buf *out)
{
	int i;

	frame_seal(st, out);
	dump_quotas(st);
	for (i = 0; i < 2; i++)
		rec_perms(st, special_name(i), strlen(special_name(i)),
			  st->special[i]);
	frame_seal(st, out);
	dump_domains(st, out);
	st->tree.cursor = st->tree.root;
}

bool checkpoint_nodes(struct store *st, struct buf *out, unsigned count)
{
	struct node *n = st->tree.cursor;

	while (n && count--) {
		rec_node(st, n);
		if (st->frame.len > SEAL_BYTES)
			frame_seal(st, out);
		n = tree_next(n);
	}
	st->tree.cursor = n;
	frame_seal(st, out);
	return n != NULL;
}
