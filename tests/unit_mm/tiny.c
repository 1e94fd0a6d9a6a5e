/* SPDX-License-Identifier: MIT */
/* What the tiny machine of explore.c lacks, or has in the simplest way. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/paging/paging.h"

char *host_ram;
struct frame *frame_table;
uint64_t *m2p_table;
struct cpu this_cpu_window;
struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus = 1;
int mm_budget;
struct tramp_data host_tramp_data;
uint64_t frame_limit, mm_phys_limit = 1 << 20;

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

uint64_t tlb_root(void)
{
	return 0;
}

void tlb_flush_local(void)
{
}

uint32_t tlb_now(void)
{
	return 0;
}

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
	(void)stamp;
	return mask;
}

void root_entry_changed(uint64_t mfn, unsigned int slot, uint64_t e)
{
	(void)mfn;
	(void)slot;
	(void)e;
}

void root_forget(uint64_t mfn)
{
	(void)mfn;
}

void root_copy_load(struct mm_domain *d, struct root_pair pair)
{
	(void)d;
	(void)pair;
}

void root_copy_prepare(struct mm_domain *d, struct root_pair pair)
{
	(void)d;
	(void)pair;
}

struct root_pair root_copy_learn(uint64_t cr3)
{
	return (struct root_pair){cr3, 0};
}

void root_withdraw(uint64_t mfn)
{
	(void)mfn;
}

void page_clear(void *page)
{
	memset(page, 0, PT_ENTRIES * 8);
}

void frames_close(struct mm_domain *d)
{
	(void)d;
}

uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits)
{
	(void)d;
	(void)order;
	(void)bits;
	return LINK_NONE;
}

void domain_put(struct domain *d)
{
	(void)d;
}

/* Arguments are where they say they are. */
int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	memcpy(to, (void *)gva, n);
	return 0;
}

int copy_to_guest(uint64_t gva, const void *from, size_t n)
{
	memcpy((void *)gva, from, n);
	return 0;
}

bool walk_l1(mfn_t root, uint64_t gva, struct frame **table, unsigned int *slot)
{
	(void)root;
	(void)gva;
	(void)table;
	(void)slot;
	return false;
}

int gdt_replace(struct mm_domain *d, struct vcpu *v, const uint64_t *mfns,
		unsigned int entries)
{
	(void)d;
	(void)v;
	(void)mfns;
	(void)entries;
	return 0;
}

int ldt_replace(struct mm_domain *d, struct vcpu *v, uint64_t base,
		unsigned int entries)
{
	(void)d;
	(void)v;
	(void)base;
	(void)entries;
	return 0;
}

void heap_free(void *p, unsigned int order)
{
	(void)p;
	(void)order;
}

void table_note_change(struct vcpu *v, uint64_t mfn, unsigned int slot,
		       uint64_t e)
{
	(void)v;
	(void)mfn;
	(void)slot;
	(void)e;
}
