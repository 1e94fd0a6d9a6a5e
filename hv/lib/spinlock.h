/* SPDX-License-Identifier: MIT */
/*
 * Spin locks: whoever comes first when a lock is free has it.
 *
 * They are not handed over in the order of arrival: where a machine of several
 * CPUs is emulated, or is a guest itself, the one whose turn it is may not be
 * running, and all would wait until it does.  Locks are held for microseconds,
 * and a CPU that has left one runs its guest before it comes back.
 *
 * The hypervisor runs with interrupts off from entry to exit, so a lock never
 * needs to save them.  Locks are taken in one order, the ladder of
 * hv/README.md: each lock carries its rung, a CPU may only climb.  Debug
 * builds (HV_DEBUG) keep the CPU's rungs and stop on a descent.
 */
#ifndef HV_LIB_SPINLOCK_H
#define HV_LIB_SPINLOCK_H

#include "hv/lib/atomic.h"

enum lock_rung {
	RUNG_CONTROL = 1, /* the toolstack's commands                      */
	RUNG_DOMAIN_LIST, /* the list of domains                          */
	RUNG_DOMAIN, /* one domain's life cycle                      */
	RUNG_GNTTAB, /* one grant table                              */
	RUNG_MM, /* one domain's page tables (the lower domid
				 first when two are needed)                   */
	RUNG_EVTCHN, /* one domain's ports (lower domid first)       */
	RUNG_IRQ, /* interrupt routing                            */
	RUNG_PORT, /* one port's binding, held while it is raised  */
	RUNG_QUEUE, /* one domain's FIFO event queues               */
	RUNG_ROOT, /* one CPU's copy of the top-level table        */
	RUNG_SCHED, /* one CPU's run queue                          */
	RUNG_TIMER, /* one CPU's timer heap                         */
	RUNG_SLAB, /* the small-object allocator                      */
	RUNG_HEAP, /* the frame allocator                          */
	RUNG_CONSOLE, /* the console ring and the UART                */
};

typedef struct CAPABILITY("mutex") spinlock {
	uint16_t held;
	uint16_t rung;
} spinlock_t;

#define SPINLOCK_INIT(r)                                                       \
	{                                                                      \
		0, (r)                                                         \
	}

static inline void spin_lock_init(spinlock_t *l, enum lock_rung rung)
{
	l->held = 0;
	l->rung = rung;
}

#ifdef HV_DEBUG
void lock_ladder_climb(unsigned int rung);
void lock_ladder_descend(unsigned int rung);
#else
static inline void lock_ladder_climb(unsigned int rung)
{
	(void)rung;
}
static inline void lock_ladder_descend(unsigned int rung)
{
	(void)rung;
}
#endif

static inline void spin_lock(spinlock_t *l) ACQUIRES(*l) NO_ANALYSIS
{
	lock_ladder_climb(l->rung);
	while (atomic_exchange(&l->held, 1))
		while (READ_ONCE(l->held))
			cpu_relax();
}

/* For work that can wait. */
static inline bool spin_trylock(spinlock_t *l) TRY_ACQUIRES(*l) NO_ANALYSIS
{
	if (READ_ONCE(l->held) || atomic_exchange(&l->held, 1))
		return false;
	lock_ladder_climb(l->rung);
	return true;
}

static inline void spin_unlock(spinlock_t *l) RELEASES(*l) NO_ANALYSIS
{
	store_release(&l->held, 0);
	lock_ladder_descend(l->rung);
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->held);
}

#endif /* HV_LIB_SPINLOCK_H */
