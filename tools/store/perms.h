/* SPDX-License-Identifier: MIT */
/*
 * Permission lists.  The first entry names the owner, and what everybody else
 * may do; the others name single domains.  Equal lists are one object.
 */
#ifndef TOOLS_STORE_PERMS_H
#define TOOLS_STORE_PERMS_H

#include "tools/store/hash.h"

#define PERM_NONE  0u
#define PERM_READ  1u
#define PERM_WRITE 2u
#define PERM_OWNER 4u /* asked for, never stored */

struct perm {
	uint16_t domid;
	uint8_t bits;
	uint8_t pad;
};

struct perms {
	struct hlink link;
	uint32_t refs;
	uint32_t n;
	struct perm p[];
};

/* The interning table.  Every call returns or takes a counted reference. */
struct perms_table {
	struct htab tab;
};

void perms_table_init(struct perms_table *t);
void perms_table_free(struct perms_table *t);
struct perms *perms_get(struct perms_table *t, const struct perm *p,
			uint32_t n);
struct perms *perms_ref(struct perms *p);
void perms_put(struct perms_table *t, struct perms *p);

/* The same list with another owner. */
struct perms *perms_with_owner(struct perms_table *t, const struct perms *from,
			       unsigned domid);

static inline unsigned perms_owner(const struct perms *p)
{
	return p->p[0].domid;
}

/*
 * What a domain may do; target is the domain that it acts for, or itself.
 * The control domain may do everything.
 */
unsigned perms_of(const struct perms *p, unsigned domid, unsigned target);

/* Parse one "r5" of len bytes: 0 or EINVAL. */
int perm_parse(struct perm *out, const char *s, size_t len);
/* Append "n0\0r5\0". */
void perms_format(const struct perms *p, struct buf *out);

#endif
