/* SPDX-License-Identifier: MIT */
/*
 * A machine for the rooms mm and paging: memory, frame table, one processor
 * that is in the hypervisor, domains, and the books that are kept beside.
 */
#ifndef TESTS_UNIT_MM_MACHINE_H
#define TESTS_UNIT_MM_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pv/memory.h>
#include <pv/mmu.h>

#include "hv/paging/paging.h"

enum {
	NR_FRAMES = 1024,
	GUEST_PAGES = 8, /* that a guest's first tables map */
	NR_TEST_DOMAINS = 2,
};

/* Where a guest's first tables map its pages. */
#define GUEST_BASE 0x10000000ull
#define MMIO_MFN   (NR_FRAMES + 100)

#define RESTARTED  (-1000L) /* what mm_restart answers */

struct guest {
	struct domain *d;
	struct vcpu *v; /* vcpu 0; vcpu 1 has no root at first  */
	uint64_t l4, l3, l2, l1;
	uint64_t window; /* the L1 that maps the tables, see below */
	uint64_t page[GUEST_PAGES];
};

/*
 * A guest sees its tables, read-only, after its pages: at gva(512) its L1, then
 * L2, L3, L4, and the L1 that maps them there.
 */
#define SEEN_TABLES 5

/* Once; then as often as wanted. */
void machine_init(void);
/* A domain with two vcpus and tables that map GUEST_PAGES writable pages. */
void guest_make(struct guest *g, domid_t id, bool privileged, uint64_t max);
/* The same without memory. */
void guest_bare(struct guest *g, domid_t id, bool privileged, uint64_t max);
/* Take its memory away; others may map some of it still. */
void guest_drop(struct guest *g);
/* Destroy it and every trace of it. */
void guest_end(struct guest *g);
/* What every entry does first: the running vcpu gives a lent table back. */
void end_loan(void);
void begin_loan(void);
/* Whose hypercalls are made from now on. */
void become(struct vcpu *v);

/* A frame of the domain; the test fails if there is none. */
uint64_t frame_new(struct domain *d);
static inline uint64_t *content(uint64_t mfn)
{
	return direct_map(mfn_of(mfn));
}
uint64_t state_of(uint64_t mfn);
unsigned int refs_of(uint64_t mfn);
unsigned int uses_of(uint64_t mfn);
enum frame_type type_of(uint64_t mfn);

/* The guest's page @n, as it and as we see it. */
static inline uint64_t gva(unsigned int n)
{
	return GUEST_BASE + n * PAGE_SIZE;
}

/* Hypercalls that go on until they are done; others may come in between. */
extern void (*between)(void);
extern unsigned int nr_restarts;
long mmu_update(struct guest *g, uint64_t ptr, uint64_t val, uint32_t dom);
long mmu_update_n(const struct pv_mmu_update *r, uint32_t n, uint32_t dom,
		  uint32_t *done);
long mmuext(uint32_t cmd, uint64_t mfn, uint64_t arg2, uint32_t dom);
long update_va(uint64_t va, uint64_t pte, uint64_t flags);
long memory_op(uint32_t cmd, const void *arg, size_t size);
/* Where the calls above put their arguments. */
extern struct guest *caller;
/* Write to the caller's page @n if the guest could. */
void poke(unsigned int n, size_t at, const void *from, size_t size);

/* References that the test itself holds: @type FT_NONE is a plain one. */
void hold(uint64_t mfn, enum frame_type type);
void unhold(uint64_t mfn, enum frame_type type);

/* Count everything anew and compare; says what is wrong and aborts. */
void check_all(void);
/* A leaf of @d may map @mfn of another domain (granted, privileged). */
extern bool (*foreign_allowed)(struct domain *d, uint64_t mfn);
extern unsigned int nr_flushes;
struct domain *machine_nth_domain(unsigned int n);

#endif /* TESTS_UNIT_MM_MACHINE_H */
