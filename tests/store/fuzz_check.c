/* SPDX-License-Identifier: MIT */
/* What holds in every store, whatever clients, rings and journals did. */
#include "tests/store/fuzz_check.h"
#include "tests/store/harness.h"

void fuzz_check_store(struct store *st)
{
	uint32_t owned = 0, nodes = 0, watches = 0;
	struct domain *d = NULL;
	struct node *n;

	for (n = st->tree.root; n; n = tree_next(n)) {
		nodes++;
		MUST(n->live && (!n->parent || n->parent->live));
		MUST(tree_find(&st->tree, n->link.hash, n->path, n->plen) == n);
	}
	while ((d = domain_next(&st->domains, d ? d->domid : -1))) {
		owned += d->use[QUOTA_NODES];
		watches += d->use[QUOTA_WATCHES];
	}
	MUST(nodes == st->tree.count && owned == nodes);
	MUST(watches == st->watches.count);
}
