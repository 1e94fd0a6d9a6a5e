/* SPDX-License-Identifier: MIT */
/*
 * Linear hashing, and the keyed hash of paths.
 *
 * PURE  A table of n buckets uses mask 2*low+1 for the buckets that were
 * already split in this round and mask low for the others.  Each insertion
 * that makes the table too full splits exactly one bucket; each removal that
 * leaves it too empty merges a few back.
 *
 * The hash takes 8 bytes at a time through a 64x64->128 bit multiplication
 * with secret keys.  It is incremental by path component: the state after a
 * component is the hash of that prefix, so one pass over a path gives the
 * hashes of all its ancestors.
 */
#include <stdlib.h>

#include "tools/store/hash.h"

#define HTAB_MIN 16

static uint64_t key_a = 0x9e3779b97f4a7c15u, key_b = 0xd6e8feb86659fd93u;

void htab_init(struct htab *t)
{
	t->bucket = mem_zalloc(HTAB_MIN * sizeof(*t->bucket));
	t->nbucket = HTAB_MIN;
	t->low = HTAB_MIN - 1;
	t->count = 0;
}

void htab_free(struct htab *t)
{
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

static void htab_split(struct htab *t)
{
	struct hlink **from, *l, *keep = NULL, *move = NULL;
	uint32_t full = t->low * 2 + 1;
	uint32_t target = t->nbucket;

	if (target == t->low + 1)
		t->bucket = mem_resize(t->bucket,
				       ((size_t)full + 1) * sizeof(*t->bucket));
	from = &t->bucket[target & t->low];
	while ((l = *from)) {
		*from = l->next;
		if ((l->hash & full) == target) {
			l->next = move;
			move = l;
		} else {
			l->next = keep;
			keep = l;
		}
	}
	*from = keep;
	t->bucket[target] = move;
	t->nbucket++;
	if (t->nbucket == full + 1)
		t->low = full;
}

static void htab_merge(struct htab *t)
{
	struct hlink **into, *moved;

	if (t->nbucket == t->low + 1)
		t->low /= 2;
	t->nbucket--;
	moved = t->bucket[t->nbucket];
	into = &t->bucket[t->nbucket & t->low];
	while (*into)
		into = &(*into)->next;
	*into = moved;
	if (t->nbucket == t->low + 1)
		t->bucket = mem_resize(t->bucket,
				       (size_t)t->nbucket * sizeof(*t->bucket));
}

void htab_add(struct htab *t, struct hlink *l, uint32_t hash)
{
	struct hlink **slot;

	if (t->count >= t->nbucket)
		htab_split(t);
	slot = htab_bucket(t, hash);
	l->hash = hash;
	l->next = *slot;
	*slot = l;
	t->count++;
}

void htab_del(struct htab *t, struct hlink *l)
{
	struct hlink **slot = htab_bucket(t, l->hash);

	while (*slot != l)
		slot = &(*slot)->next;
	*slot = l->next;
	t->count--;
	while (t->count < t->nbucket / 4 && t->nbucket > HTAB_MIN)
		htab_merge(t); /* four times at most, on average */
}

void hash_seed(uint64_t a, uint64_t b)
{
	key_a = a | 1;
	key_b = b | 1;
}

static uint64_t hash_mix(uint64_t x, uint64_t y)
{
	__uint128_t m = (__uint128_t)x * y;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t hash_begin(void)
{
	return key_a;
}

uint64_t hash_absorb(uint64_t state, const char *p, size_t n)
{
	size_t left = n;
	uint64_t word;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		state = hash_mix(state ^ word, key_b ^ left);
	}
	word = 0;
	memcpy(&word, p, left);
	return hash_mix(state ^ word, key_b ^ (n << 8) ^ 0x80);
}
