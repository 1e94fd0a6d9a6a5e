/* SPDX-License-Identifier: MIT */
/*
 * Other domains: copies of this kernel, started from scratch in child_main().
 */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include "tests/guest/lib/guest.h"

#define CHILD_PAGES 1024u

struct child {
	domid_t dom;
	uint64_t mfn[CHILD_PAGES]; /* by pfn */
	void *console; /* its ring, mapped here                 */
};

/* What a child runs; it ends with SHUTDOWN_crash if a check failed in it. */
void child_main(unsigned int which);

/* The request; the rest of op is filled in.  0 or a negative errno. */
long control(struct pv_control_op *op, unsigned int cmd, domid_t dom);
/* Frames of no one. */
uint64_t machine_free_pages(void);

/* Make a domain and give it memory; it is paused.  0 or a negative errno. */
long child_create(struct child *c);
/* Give it this kernel, and child_main(which) to run; still paused. */
long child_load(struct child *c, unsigned int which);
/* Both, and let it go. */
long child_start(struct child *c, unsigned int which);
/*
 * Pass its console on until it has ended, at most ms; the reason of its end
 * (SHUTDOWN_*), or -1.
 */
int child_wait(struct child *c, unsigned int ms);
long child_destroy(struct child *c);

/* Map a frame of another domain at a page of ours. */
int foreign_map(void *page, domid_t dom, uint64_t mfn, uint64_t flags);

#endif /* GUEST_CHILD_H */
