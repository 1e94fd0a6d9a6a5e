/* SPDX-License-Identifier: MIT */
/*
 * A pairing heap of timers.
 *
 * Its nodes are the timers themselves, so that setting one never allocates and
 * cannot fail.  Each node has its first child, its siblings' chain, and in
 * prev its left sibling, or its parent when it is the first child.  Inserting
 * is one comparison; removing melds the children in pairs, then right to left,
 * which makes a removal O(log n) amortised.
 *
 * PURE  Built for tests/unit_time too.
 */
#include "hv/time/pure.h"

/* Two roots into one.  Of equals, a goes first. */
static struct timer *heap_meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a || !b)
		return a ? a : b;
	if (b->expires < a->expires) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Meld a chain of siblings into one root. */
static struct timer *heap_meld_chain(struct timer *first)
{
	struct timer *done = NULL, *a, *b, *root = NULL;

	while (first) {
		a = first;
		b = a->next;
		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = heap_meld(a, b);
		a->next = done; /* done: the melded pairs, last first */
		done = a;
	}
	while (done) {
		a = done;
		done = a->next;
		a->next = NULL;
		root = heap_meld(a, root);
	}
	return root;
}

void heap_insert(struct timer **heap, struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	t->set = true;
	*heap = heap_meld(*heap, t);
}

void heap_remove(struct timer **heap, struct timer *t)
{
	struct timer *below = heap_meld_chain(t->child);

	if (t == *heap) {
		*heap = below;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		*heap = heap_meld(*heap, below);
	}
	t->child = t->next = t->prev = NULL;
	t->set = false;
}
