/* SPDX-License-Identifier: MIT */
/*
 * An intrusive hash table that grows one bucket at a time (linear hashing):
 * no insertion ever stops to move a million entries.
 */
#ifndef TOOLS_STORE_HASH_H
#define TOOLS_STORE_HASH_H

#include "tools/store/util.h"

struct hlink {
	struct hlink *next;
	uint32_t hash;
};

struct htab {
	struct hlink **bucket;
	uint32_t nbucket; /* buckets in use                            */
	uint32_t low; /* mask of the level that is being split     */
	uint32_t count;
};

void htab_init(struct htab *t);
void htab_free(struct htab *t); /* the entries are the caller's */
void htab_add(struct htab *t, struct hlink *l, uint32_t hash);
void htab_del(struct htab *t, struct hlink *l);

static inline struct hlink **htab_bucket(const struct htab *t, uint32_t hash)
{
	uint32_t i = hash & (t->low * 2 + 1);

	return &t->bucket[i < t->nbucket ? i : hash & t->low];
}

/* The chain that may hold entries of this hash. */
static inline struct hlink *htab_chain(const struct htab *t, uint32_t hash)
{
	return *htab_bucket(t, hash);
}

/* A random secret keys every hash, so that nobody can aim at one bucket. */
void hash_seed(uint64_t a, uint64_t b);
uint64_t hash_begin(void);
uint64_t hash_absorb(uint64_t state, const char *p, size_t n);

static inline uint32_t hash_value(uint64_t state)
{
	return (uint32_t)(state ^ (state >> 32));
}

#endif
