/* SPDX-License-Identifier: MIT */
/*
 * Frames and page-table entries, the engine and the allocator, as the rooms mm
 * and paging see them.
 *
 * The layout of a frame's state word and the accessors through which the
 * engine reaches frames and entries.  On the host both are arrays that the
 * tests make, and a table may have as few as four entries.
 */
#ifndef HV_MM_FRAME_H
#define HV_MM_FRAME_H

#include <pv/errno.h>

#include "hv/cpu/tlb.h"
#include "hv/lib/bug.h"
#include "hv/mm/mm.h"

/* ---- page-table entries --------------------------------------------------- */
#define PTE_AD    (PTE_A | PTE_D)
#define PTE_TABLE (PTE_P | PTE_RW | PTE_A | PTE_D)

#ifndef PT_ENTRIES
#define PT_ENTRIES 512
#endif
#ifndef PT_RESERVED_FIRST
#define PT_RESERVED_FIRST RESERVED_FIRST_SLOT
#define PT_RESERVED_END   RESERVED_END_SLOT
#endif

static inline uint64_t pte_mfn(uint64_t e)
{
	return (e & PTE_ADDRESS) >> PAGE_SHIFT;
}

static inline uint64_t mfn_pte(uint64_t mfn, uint64_t flags)
{
	return mfn << PAGE_SHIFT | flags;
}

static inline bool slot_reserved(unsigned int slot)
{
	return slot - PT_RESERVED_FIRST < PT_RESERVED_END - PT_RESERVED_FIRST;
}

/* ---- frames ---------------------------------------------------------------
 * state, from the low end: references, flags, type count, type, more flags.
 * One word, so that to get or to put a reference and a use of the frame is
 * one compare-exchange, and no reader sees one without the other.
 */
#define FS_REF        1ull
#define FS_REFS       0x03ffffffull
#define FS_RAM        (1ull << 26) /* set for ever: the entry describes RAM    */
#define FS_FREE       (1ull << 27) /* first frame of a free chunk              */
#define FS_ALLOC      (1ull << 28) /* the owner's allocation is one reference  */
#define FS_HV         (1ull << 29) /* the hypervisor's own                     */
#define FS_SHARED     (1ull << 30) /* the hypervisor's, lent to the owner      */
#define FS_CLEAN      (1ull << 31) /* free, and reads as zero                  */
#define FS_USE        (1ull << 32) /* one in the type count                    */
#define FS_USES       (0xffffffull << 32)
#define FS_TYPE_SHIFT 56
#define FS_TYPE       (7ull << FS_TYPE_SHIFT)
#define FS_PINNED     (1ull << 59) /* a use of its own, held by the owner      */
/*
 * BUSY: a table of which only the first n entries hold references; n is in
 * place of the type count (nobody uses it), and BUSY is itself a reference.
 * n is FS_ACTIVE while a CPU works on it under the owner's lock.
 */
#define FS_BUSY      (1ull << 60)
#define FS_CHANGING  (1ull << 61) /* between two types: wait, it is short     */
#define FS_ZOMBIE    (1ull << 62) /* BUSY and on its domain's list     */
#define FS_USED      (1ull << 63) /* free, and somebody had it: clean it   */
#define FS_ACTIVE    0xffffffull
#define FS_USE_SHIFT 32

/* No guest may use it writable or as a table: pages that we share read-only. */
#define FT_LOCKED 7

struct frame {
	uint64_t state;
	uint32_t owner; /* owner_tag(); chunk of free memory: next           */
	uint32_t link; /* tlb_now() when the last use ended; zombie: next;
			  chunk of free memory: previous                     */
};
_Static_assert(sizeof(struct frame) == 16, "0.4% of RAM");

#define LINK_NONE 0xffffffffu

#ifdef HV_HOST
extern struct frame *frame_table;
extern uint64_t *m2p_table;
#else
#define frame_table ((struct frame *)FRAMES_BASE)
#define m2p_table   ((uint64_t *)M2P_BASE)
#endif
extern uint64_t frame_limit; /* one above the last frame with an entry     */

/* Memory in 64 parts: which one a frame is in, and where that one ends. */
static inline unsigned int frame_part(uint64_t mfn)
{
	return (unsigned int)(mfn * 64 / frame_limit);
}

static inline uint64_t frame_part_end(unsigned int part)
{
	return ((part + 1) * frame_limit + 63) / 64;
}

extern uint64_t mm_phys_limit; /* one above what an address can name        */

static inline enum frame_type state_type(uint64_t s)
{
	return (enum frame_type)(s >> FS_TYPE_SHIFT & 7);
}

static inline uint64_t type_state(enum frame_type t)
{
	return (uint64_t)t << FS_TYPE_SHIFT;
}

static inline unsigned int state_uses(uint64_t s)
{
	return s >> FS_USE_SHIFT & 0xffffff;
}

static inline uint64_t frame_mfn(const struct frame *f)
{
	return (uint64_t)(f - frame_table);
}

/* The frame's entry, or NULL: not RAM. */
static inline struct frame *frame_find(uint64_t mfn)
{
	if (unlikely(mfn >= frame_limit ||
		     !(READ_ONCE(frame_table[mfn].state) & FS_RAM)))
		return NULL;
	return &frame_table[mfn];
}

/* Owners are 64-byte aligned in the direct map: 32 bits reach 256 GiB. */
static inline uint32_t owner_tag(const struct mm_domain *d)
{
	return d ? (uint32_t)(((uint64_t)d - DIRECT_MAP) >> 6) : 0;
}

static inline struct mm_domain *owner_of(const struct frame *f)
{
	uint32_t tag = READ_ONCE(f->owner);

	return tag ? (struct mm_domain *)(DIRECT_MAP + ((uint64_t)tag << 6))
		   : NULL;
}

static inline uint64_t *table_of(const struct frame *f)
{
	return direct_map(mfn_of(frame_mfn(f)));
}

/* ---- the engine (type.c, table.c) ------------------------------------------ */
/* References and uses; see type.c. */
bool ref_get(struct frame *f, struct mm_domain *d) MUST_CHECK;
void ref_put(struct frame *f);
/* A reference and a writable use, of a frame that @d owns. */
bool writable_get(struct frame *f, struct mm_domain *d) MUST_CHECK;
void writable_put(struct frame *f);
/* Only the use: the caller holds a reference already. */
bool writable_use_get(struct frame *f) MUST_CHECK;
void writable_use_put(struct frame *f);

/* Tables and descriptor pages; the owner's lock is held. */
int typed_get(struct frame *f, struct mm_domain *d,
	      enum frame_type type) MUST_CHECK MUST_HOLD(d->lock);
void typed_put(struct frame *f, struct mm_domain *d) MUST_HOLD(d->lock);
/* Finish the tables that lost their last use.  -ERESTART: out of budget. */
int zombies_finish(struct mm_domain *d) MUST_HOLD(d->lock);
static inline int zombies_drain(struct mm_domain *d) MUST_HOLD(d->lock)
{
	return likely(d->zombies == LINK_NONE) ? 0 : zombies_finish(d);
}
/*
 * If @f is a table of @d that a preempted call left half made, have it unmade:
 * true, and a drain does it.
 */
bool busy_abandon(struct frame *f, struct mm_domain *d) MUST_HOLD(d->lock);
int pin_get(struct frame *f, struct mm_domain *d, enum frame_type type)
	MUST_HOLD(d->lock);
/* No pin any more; its use is the caller's to put. */
int pin_clear(struct frame *f, struct mm_domain *d) MUST_HOLD(d->lock);

enum pte_write {
	PTE_NORMAL,
	PTE_KEEP_AD, /* accessed and dirty bits stay set                     */
	PTE_EXACT, /* only if the entry is still *@seen; else -EAGAIN        */
};
/*
 * Change entry @slot of the validated table @f of @d to @val, moving the
 * references.  Leaves may map frames of @owner.  @seen: for PTE_EXACT.
 */
int entry_update(struct mm_domain *d, struct mm_domain *owner, struct frame *f,
		 unsigned int slot, uint64_t val, enum pte_write how,
		 uint64_t seen) MUST_HOLD(d->lock);
int leaf_get(struct mm_domain *d, struct mm_domain *owner, uint64_t e);
void leaf_put(uint64_t e);
bool pte_store(uint64_t *p, uint64_t val, enum pte_write how, uint64_t seen);
int segdesc_validate(uint64_t *page);
bool segdesc_fix(uint64_t *desc);

/* What the engine needs of the machine (heap.c, root.c; tests have others). */
void frame_free(struct frame *f);
void root_entry_changed(uint64_t mfn, unsigned int slot, uint64_t e);
void root_forget(uint64_t mfn);
/* What a vcpu runs on; user: 0 if there is none. */
struct root_pair {
	uint64_t kernel, user;
};
/*
 * The guest goes on with this CPU's copy of @pair's root; offer the trampoline
 * those of its copies that @d has pinned.  Flushes nothing where the CPU is on
 * that copy already.
 */
void root_copy_load(struct mm_domain *d, struct root_pair pair);
/*
 * The running vcpu, which is of @d, will likely switch to @pair: offer it, if
 * both are pinned.
 */
void root_copy_prepare(struct mm_domain *d, struct root_pair pair)
	MUST_HOLD(d->lock);
/* The trampoline has loaded @cr3: the roots that it stands for. */
struct root_pair root_copy_learn(uint64_t cr3);
/* No trampoline switches to @mfn from now on. */
void root_withdraw(uint64_t mfn);

static inline void frames_flush_since(uint32_t stamp)
{
	cpumask_t all = nr_cpus >= 64 ? ~0ull : (1ull << nr_cpus) - 1;
	cpumask_t stale = tlb_stale(all, stamp);

	if (stale)
		tlb_flush_mask(stale);
}

/* ---- the allocator (heap.c) -------------------------------------------------- */
#define HEAP_MAX_ORDER 18 /* 1 GiB */
#define HEAP_ANYWHERE  64 /* address bits: no limit */

/* Give a run of RAM frames to the allocator (boot); any alignment. */
void heap_add(uint64_t mfn, uint64_t nr);
/* A chunk for @d below 2^bits bytes, within its limits.  LINK_NONE. */
uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits);
/* @d counts so many more frames as its own. */
void frames_count(struct mm_domain *d, int64_t more);
/* From now on @d gets no frames (it ends). */
void frames_close(struct mm_domain *d);
/*
 * Around frames_alloc for a domain that may be ended meanwhile: it will get no
 * more (false), or its end waits for frames_grown.
 */
bool frames_grow(struct mm_domain *d) MUST_CHECK;
void frames_grown(struct mm_domain *d);
/* Each frame that a domain owns or is lent is a reference to it (paging). */
void owner_hold(struct domain *d, uint32_t frames);
void owner_drop(struct domain *d);
void page_clear(void *page);

/* Where hv_map takes zeroed pages for tables from; tables of the hypervisor. */
extern void *(*map_page_alloc)(void);
void *map_page_from_heap(void);
uint64_t *map_l2(uint64_t *l4, uint64_t va);

#endif /* HV_MM_FRAME_H */
