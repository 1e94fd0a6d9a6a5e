/* SPDX-License-Identifier: MIT */
/*
 * The memory room's door: frames, their owners, types and counts; guest
 * memory as a typed address; the hypervisor's own allocator and mappings.
 *
 * The theory is at the top of mm/type.c.  What needs domains and vcpus is
 * defined in the room paging, above theirs.
 */
#ifndef HV_MM_MM_H
#define HV_MM_MM_H

#include "hv/lib/spinlock.h"

struct domain;
struct vcpu;
struct cpu_regs;
struct pv_e820_entry;

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
	struct domain *domain; /* whose it is                         */
	bool mmio; /* may map device memory (the hook decides which)  */
	bool root_shared; /* its roots show the hypervisor (root.c)     */
	bool scrub; /* frames are zeroed before it gets them          */
	int32_t budget; /* entries that this call may still work on   */
	uint32_t zombies; /* tables to unmake, threaded by mfn        */
	/* Under the heap's lock: */
	uint64_t nr_frames; /* owned now                               */
	uint64_t max_frames;
	uint64_t claimed; /* promised, not yet allocated               */
	uint64_t first_mfn, last_mfn; /* all its frames lie within     */
	uint64_t parts; /* and in these parts of memory (frame_part)   */
	uint32_t growing; /* who gives it frames just now                */
	bool closed; /* it gets none any more                          */
	uint64_t scan; /* mm_domain_relinquish: how far it is          */
	struct pv_e820_entry *map; /* XENMEM_memory_map (hv_alloc)     */
	unsigned int nr_map;
} ALIGNED(64);

/* Before anything else; @d is 64-byte aligned in the direct map. */
void mm_domain_init(struct mm_domain *mm, struct domain *d);
/*
 * Drop what the domain's memory is held by: pins, then every frame's
 * allocation.  Its vcpus run no more and their roots are put.  -ERESTART: call
 * again.  Frames that others still map are freed when they let go.
 */
int mm_domain_relinquish(struct domain *d) MUST_CHECK;
/* Drop a vcpu's roots, GDT and LDT. */
void mm_vcpu_relinquish(struct vcpu *v);
/* Promise @nr frames in all (0: drop the promise); -ENOMEM. */
int mm_domain_claim(struct mm_domain *d, uint64_t nr) MUST_CHECK;

/* Hooks, set at boot by higher rooms; NULL: not yet. */
extern long (*mm_restart)(unsigned int nr, uint64_t a0, uint64_t a1,
			  uint64_t a2, uint64_t a3);
extern bool (*mm_mmio_allowed)(struct domain *d, mfn_t m);
/* The firmware's memory map, for the control domain: entries written. */
extern unsigned int (*mm_machine_map)(struct pv_e820_entry *map,
				      unsigned int max);
/*
 * A domain's grant frames @first.. (@nr 0: the answer is how many there may
 * be); -EINVAL.
 */
extern int (*mm_resource)(struct domain *d, uint32_t id, uint64_t first,
			  uint32_t nr, uint64_t *mfns);

/* ---- boot ---------------------------------------------------------------- */
struct mem_range {
	uint64_t start, end; /* bytes */
};
/*
 * Give the allocator its memory.  @ram lists usable RAM, @busy what is taken
 * already (image, modules, firmware, the early tables).  Maps the frame table
 * and the machine-to-physical table.  Needs the direct map of all RAM.
 */
void mm_boot(const struct mem_range *ram, unsigned int nr_ram,
	     const struct mem_range *busy, unsigned int nr_busy);
/* Hand a busy range (boot modules, init text) to the allocator. */
void mm_boot_release(struct mem_range range);
uint64_t mm_total_frames(void), mm_free_frames(void);

/* ---- the hypervisor's own memory ------------------------------------------ */
#ifdef HV_HOST
extern char *host_ram; /* what the tests take for RAM, 64-byte aligned */
#define DIRECT_MAP ((uint64_t)host_ram)
#else
#define DIRECT_MAP DIRECT_BASE
#endif

static inline void *direct_map(mfn_t m)
{
	return (void *)(DIRECT_MAP + (m.raw << PAGE_SHIFT));
}
static inline mfn_t direct_to_mfn(const void *p)
{
	return mfn_of(((uint64_t)p - DIRECT_MAP) >> PAGE_SHIFT);
}
/* 2^order frames, zeroed, aligned to their size; NULL when out of memory. */
void *heap_alloc(unsigned int order);
void heap_free(void *p, unsigned int order);
/* An idle CPU cleans some free frames; false: there is nothing to do, or
 * somebody else is at the heap. */
bool heap_scrub_wanted(void);
bool heap_scrub(void);
/* Small objects, zeroed, 16-byte aligned (64 from 64 bytes on). */
void *hv_alloc(size_t size);
void hv_free(void *p);
/* Map device memory, uncached, for ever; NULL if there is no room. */
void *iomap(uint64_t paddr, size_t size);
/*
 * Map [pa, pa + size) at va in the tables under @l4 with @flags (PTE bits),
 * with 2 MiB pages where all three allow.  Needs heap_alloc.  -ENOMEM.
 */
int hv_map(uint64_t *l4, uint64_t va, uint64_t pa, size_t size,
	   uint64_t flags) MUST_CHECK;
/* The top of the hypervisor's address space; every CPU copies its slots. */
extern uint64_t hv_l4_template[512];
/* Physical address of the L3 behind slot 256 of every guest view. */
uint64_t mm_m2p_l3(void);

/* ---- frames --------------------------------------------------------------- */
bool mfn_is_ram(mfn_t m); /* has an entry in the frame table              */
/* Does @d own it at the moment? */
bool frame_is_of(mfn_t m, const struct domain *d);

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
/* The same, as MMUEXT_PIN_*: held until the owner unpins it or ends. */
int frame_pin(mfn_t m, struct domain *d, enum frame_type type) MUST_CHECK;

/*
 * For builders: one run of at most @most frames, as long as one chunk gives,
 * not zeroed unless the domain's memory is scrubbed.  Returns its length, 0:
 * no memory or over max_frames.
 */
uint64_t domain_run_alloc(struct domain *d, uint64_t most, mfn_t *first);
/*
 * Lend a hypervisor page (heap_alloc order 0: shared_info, grant tables) to
 * the domain, which may then map it.  After frame_unshare it goes back to the
 * heap with its last mapping: the lender does not heap_free it.
 */
void frame_share(mfn_t m, struct domain *d, bool writable);
void frame_unshare(mfn_t m);
/* A writable use of a frame of @d (no lock): copies, grants. */
bool frame_get_writable(mfn_t m, struct domain *d) MUST_CHECK;
void frame_put_writable(mfn_t m);
void m2p_set(mfn_t m, uint64_t pfn);

/* ---- guest memory ---------------------------------------------------------
 * HOSTILE.  Walks the current guest's tables by software; only
 * frames that the domain owns (or shares with the hypervisor) are touched.
 * Returns 0 or -EFAULT; nothing is known about the part copied on failure.
 */
int copy_from_guest(void *to, uint64_t gva, size_t n) MUST_CHECK;
int copy_to_guest(uint64_t gva, const void *from, size_t n) MUST_CHECK;
/* The leaf entry that maps @gva in @root, and where it is.  0 if none. */
uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot);

/* ---- vcpu roots ------------------------------------------------------------ */
/* Make this CPU's copy of @v's roots the one that guests run on. */
void root_load(struct vcpu *v);
/* The entry path: the running vcpu came on @cr3, not on what it left with. */
void root_learn(uint64_t cr3);

/*
 * MMUEXT_NEW_BASEPTR for a vcpu (also the builder's and VCPUOP_initialise's
 * way to set roots): a typed reference to the new one, the old one is put.
 * -EINVAL; -ERESTART.
 */
int root_set(struct vcpu *v, mfn_t kernel) MUST_CHECK;
int root_set_user(struct vcpu *v, mfn_t user) MUST_CHECK;

/* ---- descriptor tables ------------------------------------------------------ */
long hc_set_gdt(uint64_t frames, uint32_t entries);
long hc_update_descriptor(uint64_t maddr, uint64_t desc);
/* As set_gdt, for a vcpu that does not run (VCPUOP_initialise, builder). */
int desc_set_gdt(struct vcpu *v, const uint64_t *mfns,
		 unsigned int entries) MUST_CHECK;
int desc_set_ldt(struct vcpu *v, uint64_t base,
		 unsigned int entries) MUST_CHECK;
/* Context switch: @v's GDT and LDT in this CPU's window, LDTR. */
void desc_load(struct vcpu *v);

/* ---- grants ------------------------------------------------------------------ */
/*
 * Map frame @m of @owner for @d: in the PTE at machine address @where
 * (@is_pte), or of virtual address @where in @v's tables.  The entry takes its
 * own reference (and writable use); clearing or replacing it, by the guest or
 * by mm_grant_unmap, drops them.  @flags: PTE bits.  -EINVAL.
 */
int mm_grant_map(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		 struct domain *owner, uint64_t flags) MUST_CHECK;
/*
 * Clear it if it still maps @m, and is writable or not as @writable says;
 * -EINVAL if it does not.  The caller flushes.
 */
int mm_grant_unmap(struct vcpu *v, uint64_t where, bool is_pte, mfn_t m,
		   bool writable) MUST_CHECK;
/* Move the entry of @from over the one of @where, which maps @m as above. */
int mm_grant_replace(struct vcpu *v, uint64_t where, uint64_t from, mfn_t m,
		     bool writable) MUST_CHECK;

/* ---- faults ---------------------------------------------------------------- */
/*
 * A write fault of the guest kernel on a page-table page: decode, check,
 * commit.  True if it was one and is done (regs->rip is advanced).
 */
bool mm_emulate_pt_write(struct vcpu *v, struct cpu_regs *regs, uint64_t va);

/*
 * The last step of the way out, if this_cpu->lend_to is the vcpu that goes:
 * lend it the page table that it changes (paging/lend.c).
 */
void table_lend(struct vcpu *v);
/*
 * The entry path: end the running vcpu's loan of a page table, which
 * this_cpu->tconst->lent_table says it has.
 */
void table_take_back(struct vcpu *v);

/* ---- hypercalls (called by the dispatcher alone) --------------------------- */
long hc_mmu_update(uint64_t reqs, uint32_t count, uint64_t done, uint32_t dom);
long hc_mmuext_op(uint64_t ops, uint32_t count, uint64_t done, uint32_t dom);
long hc_update_va_mapping(uint64_t va, uint64_t pte, uint64_t flags);
long hc_memory_op(uint32_t cmd, uint64_t arg);

#endif /* HV_MM_MM_H */
