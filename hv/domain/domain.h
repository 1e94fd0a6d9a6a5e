/* SPDX-License-Identifier: MIT */
/*
 * The domain room's door: domains, their virtual CPUs, and who holds them.
 *
 * A domain lives while references do: its existence is one, every frame it
 * owns and every foreign map is another.  Higher rooms hang their state on
 * the opaque pointers.
 */
#ifndef HV_DOMAIN_DOMAIN_H
#define HV_DOMAIN_DOMAIN_H

#include <pv/arch-x86.h>
#include <pv/start_info.h>

#include "hv/cpu/cpu.h"
#include "hv/lib/list.h"
#include "hv/mm/mm.h"

#define MAX_VCPUS 32

struct evtchn_domain; /* evtchn */
struct gnttab; /* gnttab */
struct sched_vcpu; /* sched  */
struct vcpu_timers; /* sched  */

struct callback {
	uint64_t rip; /* 0: not registered                                */
	bool mask_events;
};

enum vcpu_state_bit {
	VCPU_DOWN = 1 << 0, /* not brought up, or taken down (VCPUOP_down)  */
	VCPU_BLOCKED = 1 << 1, /* waits for an event                        */
	VCPU_POLLING = 1 << 2, /* waits in SCHEDOP_poll                     */
	VCPU_CLAIMED = 1 << 3, /* another sets it up (vcpu_op.c)            */
};

/* A page table that the vcpu may write for a while; paging/lend.c. */
struct loan {
	uint64_t *copy; /* what it writes; NULL: never lent                  */
	uint64_t mfn; /* the table                                         */
	uint64_t *pte; /* the entry by which the guest sees it              */
	uint64_t pte_value; /* what that holds otherwise                    */
	uint64_t base; /* guest address of pseudo-physical address 0        */
	bool base_known;
	uint64_t last_mfn; /* the last single change ...                    */
	unsigned int last_slot, run; /* ... and how many were in a row,    */
	uint64_t user_runs; /* without user code in between                 */
	bool opened; /* the first of them is like that of a file's pages   */
	bool early; /* lent after it alone                                  */
	uint8_t trust; /* how well that did                                 */
};

struct vcpu {
	struct domain *domain;
	unsigned int id;
	bool initialised; /* VCPUOP_initialise has been done               */

	/* Registers while it does not run; see domain/context.c. */
	struct cpu_regs regs;
	struct tramp_data tramp; /* WIN_DATA while it does not run          */
	uint64_t fs_base, gs_base, gs_base_inactive; /* hardware's bases    */
	uint16_t ds, es, fs, gs;
	uint64_t guest_cr0_ts; /* CR0.TS as the guest wants it              */
	uint64_t guest_cr4;
	uint64_t xcr0;
	uint64_t debugreg[8];
	void *fpu; /* XSAVE area, 64-byte aligned                           */
	unsigned int loaded_on; /* the CPU whose loaded it may be           */

	/* Guest tables. */
	mfn_t kernel_root; /* MMUEXT_NEW_BASEPTR                           */
	mfn_t user_root; /* MMUEXT_NEW_USER_BASEPTR, or MFN_INVALID         */
	mfn_t held_root[2]; /* uses as L4: of these two, or (paging/roots.c)
			       of what they were                            */
	uint64_t pinned_root, pinned_at; /* the L4 pinned last, and which of
					    the CPU's entries that was      */
	mfn_t gdt_frames[14]; /* typed descriptor pages, referenced         */
	unsigned int gdt_entries;
	uint64_t ldt_base; /* guest virtual address                         */
	unsigned int ldt_entries;
	mfn_t *ldt_frames; /* mm: its typed descriptor pages, or NULL       */
	struct pv_trap_info traps[256]; /* vector field unused              */
	struct callback event, failsafe, syscall, syscall32, sysenter, nmi;
	unsigned int iopl; /* shadowed: real IOPL is 0                      */

	struct loan loan;

	/* Shared with the guest. */
	struct pv_vcpu_info *info; /* direct-map address, never NULL        */
	mfn_t info_mfn; /* frame registered by register_vcpu_info           */
	bool info_moved; /* info is not in shared_info any more             */
	uint64_t runstate_gva, time_gva; /* 0: not registered               */
	uint64_t runstate_area, time_area; /* the same, resolved per room   */

	uint32_t state; /* VCPU_*: changed under the sched lock             */
	uint32_t pause_count;
	unsigned int cpu; /* which CPU it runs or waits on                  */
	bool torn_down; /* destroy has seen it                               */
	bool running; /* is some CPU's curr                                 */
	bool stale; /* flushes when it runs again: guest_flush              */
	bool nmi_pending;
	bool info_ready; /* a CPU's window may map info's page              */
	struct sched_vcpu *sched;
	struct vcpu_timers *timers;
	uint64_t poll_mask[4]; /* SCHEDOP_poll's ports are checked by evtchn  */
};

struct domain {
	domid_t id;
	bool privileged; /* the control domain                               */
	bool dying; /* destroy has begun                                     */
	bool shutting_down; /* somebody was first to say so                   */
	bool shut_down; /* it stopped: shutdown_code is why                   */
	unsigned int shutdown_code; /* SHUTDOWN_*                            */
	bool crashed;
	uint32_t refs;
	uint32_t pause_count;
	bool control_paused; /* the toolstack holds one of pause_count        */
	struct list all; /* in the domain list, by id                        */
	spinlock_t lock; /* RUNG_DOMAIN                                      */
	uint8_t uuid[16];

	struct mm_domain mm;
	unsigned int max_vcpus;
	struct tramp_domain *tramp; /* its page in every CPU's window      */
	struct vcpu *vcpu[MAX_VCPUS];

	struct pv_shared_info *shared_info; /* direct-map address            */
	mfn_t shared_info_mfn;
	uint32_t vm_assist; /* bits by VMASST_TYPE_*                         */
	bool smep_off; /* its kernel runs from user pages                    */

	struct evtchn_domain *evtchn;
	struct gnttab *gnttab;
	void *irqs; /* physical interrupts, dev room                         */
	uint64_t time_offset_ns; /* added to the host's wall clock           */
	unsigned int weight,
		cap; /* scheduler: relative share; percent, 0 = none */
};

#define for_each_vcpu(d, v)                                                    \
	for (unsigned int v##_i = 0; v##_i < (d)->max_vcpus; v##_i++)          \
		if (!((v) = (d)->vcpu[v##_i]))                                 \
			continue;                                              \
		else

#define current (this_cpu->curr)

/*
 * Find a domain by id; DOMID_SELF is the caller's.  The reference is put by
 * domain_put.  NULL if there is none or it is dying.
 */
struct domain *domain_get(domid_t id);
void domain_put(struct domain *d);
/* The same, whether dying or not: for the one that destroys it. */
struct domain *domain_get_dying(domid_t id);

/*
 * A guest broke a promise it cannot take back: log why, pause it, tell the
 * control domain.  Returns; the caller unwinds as for any error.
 */
void domain_crash(struct domain *d, const char *fmt, ...) PRINTF(2);

/* The guest asked (SCHEDOP_shutdown) or crashed: stop its vcpus, tell the
 * control domain by VIRQ_DOM_EXC.  The control domain's own shutdown powers
 * the machine off or reboots it. */
void domain_shutdown(struct domain *d, unsigned int code);

void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);

/* ---- construction (control and boot rooms) -------------------------------- */
/* A domain with its shared page and no vcpus, not yet found by domain_get. */
struct domain *domain_alloc(domid_t id, unsigned int max_vcpus);
/* Let domain_get find it; false if the id is taken. */
bool domain_publish(struct domain *d) MUST_CHECK;
void domain_unpublish(struct domain *d);
struct vcpu *vcpu_alloc(struct domain *d, unsigned int id);
void vcpu_free(struct vcpu *v);
/* The next domain after @id in order, with a reference; NULL at the end. */
struct domain *domain_next(int id);
extern struct domain *control_domain;
/* What domain_put calls when the last reference goes. */
extern void (*domain_free_hook)(struct domain *d);

/* ---- running (domain/context.c) -------------------------------------------- */
/* Save @prev's registers from this CPU, load @next's.  Either may be idle. */
void context_switch(struct vcpu *prev, struct vcpu *next);
/* Show @v's vcpu_info and domain page in this CPU's window. */
void context_map_info(struct vcpu *v);
/* Load CR0.TS, CR4, XCR0 and DR7 as the current guest wants them. */
void context_load_control(struct vcpu *v);

/* Derive what the trampoline may do by itself from @v's traps and callbacks. */
void context_refresh_trampoline(const struct vcpu *v, struct tramp_data *t);

static inline bool vcpu_is_idle(const struct vcpu *v)
{
	return !v->domain;
}

static inline bool guest_in_kernel(void)
{
	return tramp_data()->kernel_mode != 0;
}

#endif /* HV_DOMAIN_DOMAIN_H */
