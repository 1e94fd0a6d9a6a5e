/* SPDX-License-Identifier: MIT */
/*
 * Permission lists, interned: a million nodes share a few hundred lists, so a
 * node pays one pointer.
 *
 * PURE
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/perms.h"
#include "tools/xs/wire.h"

void perms_table_init(struct perms_table *t)
{
	htab_init(&t->tab);
}

void perms_table_free(struct perms_table *t)
{
	htab_free(&t->tab);
}

static uint32_t perms_hash(const struct perm *p, uint32_t n)
{
	return hash_value(
		hash_absorb(hash_begin(), (const char *)p, n * sizeof(*p)));
}

struct perms *perms_get(struct perms_table *t, const struct perm *p, uint32_t n)
{
	uint32_t hash = perms_hash(p, n);
	struct perms *set;
	struct hlink *l;

	for (l = htab_chain(&t->tab, hash); l; l = l->next) {
		set = container_of(l, struct perms, link);
		if (l->hash == hash && set->n == n &&
		    !memcmp(set->p, p, n * sizeof(*p))) {
			set->refs++;
			return set;
		}
	}
	set = mem_alloc(sizeof(*set) + n * sizeof(*p));
	set->refs = 1;
	set->n = n;
	memcpy(set->p, p, n * sizeof(*p));
	htab_add(&t->tab, &set->link, hash);
	return set;
}

struct perms *perms_ref(struct perms *p)
{
	p->refs++;
	return p;
}

void perms_put(struct perms_table *t, struct perms *p)
{
	if (--p->refs)
		return;
	htab_del(&t->tab, &p->link);
	free(p);
}

struct perms *perms_with_owner(struct perms_table *t, const struct perms *from,
			       unsigned domid)
{
	struct perm *p = mem_alloc(from->n * sizeof(*p));
	struct perms *set;

	memcpy(p, from->p, from->n * sizeof(*p));
	p[0].domid = (uint16_t)domid;
	set = perms_get(t, p, from->n);
	free(p);
	return set;
}

unsigned perms_of(const struct perms *p, unsigned domid, unsigned target)
{
	uint32_t i;

	if (!domid || p->p[0].domid == domid || p->p[0].domid == target)
		return PERM_READ | PERM_WRITE | PERM_OWNER;
	for (i = 1; i < p->n; i++)
		if (p->p[i].domid == domid || p->p[i].domid == target)
			return p->p[i].bits;
	return p->p[0].bits;
}

int perm_parse(struct perm *out, const char *s, size_t len)
{
	static const char letters[] = "nrwb";
	const char *found;
	unsigned domid = 0;
	size_t i;

	if (len < 2 || len > 6)
		return EINVAL;
	found = memchr(letters, s[0], 4);
	if (!found)
		return EINVAL;
	for (i = 1; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return EINVAL;
		domid = domid * 10 + (unsigned)(s[i] - '0');
	}
	if (domid > 0xffff)
		return EINVAL;
	memset(out, 0, sizeof(*out));
	out->domid = (uint16_t)domid;
	out->bits = (uint8_t)(found - letters);
	return 0;
}

void perms_format(const struct perms *p, struct buf *out)
{
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		buf_printf(out, "%c%u", "nrwb"[p->p[i].bits & 3],
			   p -> p[i].domid);
		buf_add(out, "", 1);
	}
}
