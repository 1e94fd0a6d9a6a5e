/* SPDX-License-Identifier: MIT */
/* What holds in every store, whatever clients, rings and journals did. */
#include "tests/store/fuzz.h"
#include "tests/store/harness.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

void fuzz_check_store(struct store *st)
{
	uint32_t owned = 0, nodes = 0, watches = 0;
	struct domain *d = NULL;
	struct node *n;

	for (n = st->tree.root; n; n = tree_next(n)) {
		nodes++;
		check(n->live && (!n->parent || n->parent->live));
		check(tree_find(&st->tree, n->link.hash, n->path, n->plen) ==
		      n);
	}
	while ((d = domain_next(&st->domains, d ? d->domid : -1))) {
		owned += d->use[QUOTA_NODES];
		watches += d->use[QUOTA_WATCHES];
	}
	check(nodes == st->tree.count && owned == nodes);
	check(watches == st->watches.count);
}
