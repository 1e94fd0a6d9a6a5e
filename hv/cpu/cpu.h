/* SPDX-License-Identifier: MIT */
/*
 * The processor room's door: registers as an entry saves them, what a CPU
 * keeps to itself, the pages that the trampoline shares with a running guest.
 */
#ifndef HV_CPU_CPU_H
#define HV_CPU_CPU_H

#include "hv/lib/regs.h"
#include "hv/lib/spinlock.h"

#define MAX_CPUS 64

struct vcpu;

/*
 * WIN_DATA: writable in the guest view, so every field is HOSTILE whenever a
 * guest has run since it was written.  It holds what is the guest's own to
 * choose; a lie hurts the guest alone.
 */
struct tramp_data {
	uint64_t guest_rsp; /* scratch of the SYSCALL path                  */
	uint64_t scratch;
	uint64_t kernel_mode; /* 0: user; else: guest kernel                */
	uint64_t user_runs; /* how often user code was returned to          */
	uint64_t kernel_sp; /* HYPERVISOR_stack_switch                      */
	uint64_t syscall_rip; /* callback SYSCALL; 0: take the slow path    */
	uint64_t syscall_mask; /* 1: events are masked on entry             */
	uint64_t pf_rip; /* trap 14; 0: take the slow path                  */
	uint64_t pf_mask;
	uint64_t config_address; /* what it last wrote to port 0xcf8        */
	/*
	 * Bytes of the guest that the trampoline copied on this entry, and
	 * whence; 0: none.  True until the way out.
	 */
	uint64_t prefetch_at;
	uint64_t prefetched[3];
};

#define CONFIG_NONE    0 /* the kernel may not do I/O                      */
#define CONFIG_ADDRESS 1 /* writes of the address                         */
#define CONFIG_READ    2 /* reads of data too: no other CPU can interfere  */
#define CONFIG_ONES    3 /* both, of a bus that is not there               */

/*
 * A root that the trampoline switches to by itself: what the guest calls its
 * two tables (0 in kernel: none is offered here), and what CR3 becomes.
 */
struct tramp_root {
	uint64_t kernel, user; /* frame numbers; no user root: 0            */
	uint64_t cr3;
};
#define TRAMP_ROOTS 4

/* WIN_CONST: read-only in the guest view; what the trampoline trusts. */
struct tramp_const {
	uint64_t hv_cr3; /* this CPU's hypervisor root, as CR3 takes it     */
	uint64_t enter_cr3; /* what an entry loads; 0: nothing, as the guest's
			       root is shared (mm/root.c)                */
	uint64_t vinfo; /* address of the running vcpu's vcpu_info in the
			    window, WIN_VINFO + offset                       */
	uint64_t version; /* what xen_version(0) answers                    */
	uint64_t lent_table; /* machine address of the page table that the
				running vcpu may write; 0: none          */
	uint64_t lent_address; /* where it sees that table                  */
	uint64_t config_ports; /* CONFIG_*: what the trampoline serves of
				  the ports 0xcf8 and 0xcfc              */
	struct tramp_root roots[TRAMP_ROOTS]; /* mm/root.c              */
};

/* WIN_DOMAIN: the running domain's page, read-only in the guest view. */
struct tramp_domain {
	uint64_t vcpus; /* bit n: vcpu n exists                           */
	uint64_t vcpus_up; /* bit n: it has been brought up                 */
};

/* One processor.  this_cpu is the CPU's own, at WIN_CPU. */
struct cpu {
	unsigned int id;
	uint32_t apic_id;
	bool online;
	struct vcpu *curr; /* whose registers are on the ring-0 stack     */
	struct vcpu *loaded; /* whose other state is still in the processor,
				 if the CPU went idle after it              */
	struct vcpu *idle;
	/* TLB: see cpu/tlb.h. */
	uint32_t in_guest; /* 1 from exit to entry                        */
	uint32_t flush_wanted; /* bumped by others; ORDER: cpu/tlb.c      */
	uint32_t flush_done;
	uint32_t flush_time; /* the flush clock when it last left           */
	/* The copy of the running guest's top-level table. */
	spinlock_t root_lock;
	uint64_t *root_copy; /* the copy, through the direct map          */
	uint64_t guest_cr3; /* the copy's address as CR3 takes it         */
	uint64_t hv_cr3;
	uint64_t exit_cr3; /* what the way out loads; 0: nothing          */
	uint64_t guest_slots[RESERVED_SLOTS]; /* the guest view's          */
	bool root_shared; /* guest_cr3 has the hypervisor in it            */
	bool tlb_clean; /* no guest's translation since the last entry    */
	/* Direct-map aliases of window pages, writable for us. */
	struct tramp_const *tconst;
	uint64_t *gdt_tail; /* our part of the GDT            */
	uint64_t *window_pt; /* page table that maps the window, guest view */
	uint64_t *hv_window_pt; /* the same, hypervisor view              */
	struct cpu *self; /* direct-map address of this struct            */
	/* Higher rooms' own per-CPU state. */
	void *sched;
	void *timers;
	bool need_resched;
	struct vcpu *lend_to; /* if still current on the way out: table_lend */
	bool lent; /* the running vcpu has a page table on loan: paging/lend.c */
	uint32_t rungs; /* HV_DEBUG: locks held, two bits a rung          */
	uint64_t lapic_khz; /* LAPIC timer ticks per ms at divide 1       */
	uint64_t entries; /* entries into the hypervisor, for statistics  */
};

extern struct cpu this_cpu_window; /* link.ld puts it at WIN_CPU */
#define this_cpu (&this_cpu_window)
extern bool lock_ladder_on;

extern struct cpu *cpus[MAX_CPUS]; /* NULL: no such CPU */
extern unsigned int nr_cpus;

#define for_each_cpu(c)                                                        \
	for (unsigned int c##_i = 0; c##_i < nr_cpus; c##_i++)                 \
		if (!((c) = cpus[c##_i]))                                      \
			continue;                                              \
		else

/* The entering guest's registers, on this CPU's ring-0 stack. */
#define guest_regs() ((struct cpu_regs *)(WIN_STACK_TOP - CPU_REGS_SIZE))
#ifdef HV_HOST
extern struct tramp_data host_tramp_data;
#define tramp_data() (&host_tramp_data)
#else
#define tramp_data() ((struct tramp_data *)WIN_DATA)
#endif

/* Page-table entry bits. */
#define PTE_P       0x001ull
#define PTE_RW      0x002ull
#define PTE_US      0x004ull
#define PTE_PWT     0x008ull
#define PTE_PCD     0x010ull
#define PTE_A       0x020ull
#define PTE_D       0x040ull
#define PTE_PS      0x080ull
#define PTE_G       0x100ull
#define PTE_NX      (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

/*
 * Put a page at @va of this CPU's window, in both views.  The guest's view is
 * stale until the guest's root is loaded, which the way out does.
 */
void window_set(uint64_t va, uint64_t pte);

#endif /* HV_CPU_CPU_H */
