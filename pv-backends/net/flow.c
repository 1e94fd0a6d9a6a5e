/* SPDX-License-Identifier: MIT */
/* What both directions of an interface use: copies, rates, the end. */
#include <stdarg.h>
#include <stdio.h>

#include "pv-backends/net/net.h"

void net_lie(struct net *n, const char *fmt, ...)
{
	va_list ap;

	if (n->broken)
		return;
	n->broken = true;
	va_start(ap, fmt);
	vsnprintf(n->xb->error, sizeof(n->xb->error), fmt, ap);
	va_end(ap);
}

void net_add_copy(struct net *n, unsigned char *local,
		  const struct net_piece *piece, bool to_grant)
{
	n->ops[n->nr_ops++] = (struct pv_gnt_copy){
		.local = local,
		.ref = piece->ref,
		.domid = n->xb->domid,
		.offset = piece->offset,
		.bytes = piece->bytes,
		.to_grant = to_grant,
	};
}

int net_copy(struct net *n)
{
	unsigned int nr = n->nr_ops;

	n->nr_ops = 0;
	if (bus_copy(n->xb->bus, n->ops, nr)) {
		net_lie(n, "%s", bus_error());
		return -1;
	}
	for (unsigned int i = 0; i < nr; i++) {
		const struct pv_gnt_copy *op = &n->ops[i];

		if (!op->status)
			continue;
		net_lie(n, "grant %u: %s", op->ref,
			pv_gnt_status_text(op->status));
		return -1;
	}
	return 0;
}

double net_rate_wait(struct net_rate *r, double now)
{
	double a = limit_wait(&r->average, now);
	double p = limit_wait(&r->peak, now);

	return a > p ? a : p;
}

void net_rate_take(struct net_rate *r, uint32_t bytes)
{
	limit_take(&r->average, bytes);
	limit_take(&r->peak, bytes);
}
