/* SPDX-License-Identifier: MIT */
/*
 * The memory room's door: frames, their owners, types and counts; guest
 * memory as a typed address; the hypervisor's own allocator and mappings.
 *
 * mm/README-style theory is at the top of mm/type.c.
 */
#ifndef HV_MM_MM_H
#define HV_MM_MM_H

#include "hv/lib/list.h"
#include "hv/lib/spinlock.h"

struct domain;
struct vcpu;
struct cpu_regs;

/* What a frame may be used as, one at a time. */
enum frame_type {
	FT_NONE,
	FT_L1, /* page tables, by level */
	FT_L2,
	FT_L3,
	FT_L4,
	FT_SEGDESC, /* a page of a GDT or an LDT          */
	FT_WRITABLE, /* mapped writable by some domain      */
};

/* A domain's part of the engine, embedded in struct domain. */
struct mm_domain {
	spinlock_t lock; /* RUNG_MM: its page-table operations        */
	struct list frames; /* unused if the frame list is threaded otherwise */
	uint64_t first_frame; /* head of the threaded list of owned frames   */
	uint64_t nr_frames; /* owned now                               */
	uint64_t max_frames;
	uint64_t claimed; /* promised, not yet allocated               */
};

/* ---- boot ---------------------------------------------------------------- */
struct mem_range {
	uint64_t start, end; /* bytes */
};
/*
 * Give the allocator its memory.  @ram lists usable RAM, @busy what is taken
 * already (image, modules, firmware, the early tables).  Maps the frame table
 * and the machine-to-physical table.  Needs the direct map.
 */
void mm_boot(const struct mem_range *ram, unsigned int nr_ram,
	     const struct mem_range *busy, unsigned int nr_busy);
/* Hand a busy range (boot modules, init text) to the allocator. */
void mm_boot_release(struct mem_range range);
uint64_t mm_total_frames(void), mm_free_frames(void);

/* ---- the hypervisor's own memory ------------------------------------------ */
static inline void *direct_map(mfn_t m)
{
	return (void *)(DIRECT_BASE + (m.raw << PAGE_SHIFT));
}
static inline mfn_t direct_to_mfn(const void *p)
{
	return mfn_of(((uint64_t)p - DIRECT_BASE) >> PAGE_SHIFT);
}
/* 2^order frames, zeroed, aligned to their size; NULL when out of memory. */
void *heap_alloc(unsigned int order);
void heap_free(void *p, unsigned int order);
/* Small objects, zeroed, 16-byte aligned (64 from 64 bytes on). */
void *hv_alloc(size_t size);
void hv_free(void *p);
/* Map device memory, uncached, for ever; NULL if there is no room. */
void *iomap(uint64_t paddr, size_t size);

/* ---- frames --------------------------------------------------------------- */
bool mfn_is_ram(mfn_t m); /* has an entry in the frame table              */
struct domain *frame_owner(mfn_t m); /* NULL: the hypervisor or nobody       */

/*
 * Take a counted reference on a frame that @d owns; frame_put drops it and
 * frees the frame with the last one.  False if @d does not own it.
 */
bool frame_get(mfn_t m, struct domain *d) MUST_CHECK;
void frame_put(mfn_t m);
/*
 * A reference and a use as @type together; page-table types are validated.
 * -EINVAL: not @d's, in use as another type, or its contents are not allowed.
 * -ERESTART: preempted, call again.
 */
int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type) MUST_CHECK;
void frame_put_typed(mfn_t m);

/* Allocate for a domain (zeroed; order 0 is one frame), within max_frames. */
mfn_t domain_frame_alloc(struct domain *d, unsigned int order);
/* Share a hypervisor page (shared_info, grant tables) with the domain. */
void frame_share(mfn_t m, struct domain *d, bool writable);
void m2p_set(mfn_t m, uint64_t pfn);

/* ---- guest memory ---------------------------------------------------------
 * HOSTILE.  Walks the current (or given) guest's tables by software; only
 * frames that the domain owns (or shares with the hypervisor) are touched.
 * Returns 0 or -EFAULT; nothing is known about the part copied on failure.
 */
int copy_from_guest(void *to, uint64_t gva, size_t n) MUST_CHECK;
int copy_to_guest(uint64_t gva, const void *from, size_t n) MUST_CHECK;
int copy_from_vcpu(struct vcpu *v, void *to, uint64_t gva, size_t n) MUST_CHECK;
int copy_to_vcpu(struct vcpu *v, uint64_t gva, const void *from, size_t n)
	MUST_CHECK;
/* The leaf entry that maps @gva in @root, and where it is.  0 if none. */
uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot);

/* ---- vcpu roots ------------------------------------------------------------ */
/* Load @v's kernel_root into this CPU's copy (context switch, new baseptr). */
void root_load(struct vcpu *v);

/* ---- faults ---------------------------------------------------------------- */
/*
 * A write fault of the guest kernel on a page-table page: decode, check,
 * commit.  True if it was one and is done (regs->rip is advanced).
 */
bool mm_emulate_pt_write(struct vcpu *v, struct cpu_regs *regs, uint64_t va);

/* ---- hypercalls (called by the dispatcher alone) --------------------------- */
long hc_mmu_update(uint64_t reqs, uint32_t count, uint64_t done, uint32_t dom);
long hc_mmuext_op(uint64_t ops, uint32_t count, uint64_t done, uint32_t dom);
long hc_update_va_mapping(uint64_t va, uint64_t pte, uint64_t flags);
long hc_memory_op(uint32_t cmd, uint64_t arg);

#endif /* HV_MM_MM_H */
