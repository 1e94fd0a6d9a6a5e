/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that a backend gets for as long as a device lives: a page that says
 * where the others are, and those others, one behind the other for us too.
 */
#ifndef PV_FRONTENDS_LINUX_GRANTED_H
#define PV_FRONTENDS_LINUX_GRANTED_H

#include <linux/types.h>
#include <xen/grant_table.h>

struct granted {
	struct page **page;
	grant_ref_t *ref; /* of each page: ours, the directory's are copies */
	unsigned int nr_page, nr_granted;
	void *dir; /* the first page                                     */
	void *map; /* the others: HOSTILE                                */
};

/* All zero; refs: in the first page, of the others.  On failure, too, there is
 * something for granted_close(). */
int granted_open(struct granted *g, domid_t backend, unsigned int nr,
		 size_t refs);
/* A page that the backend still has mapped is freed when it lets go. */
void granted_close(struct granted *g);

#endif
