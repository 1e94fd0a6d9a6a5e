/* SPDX-License-Identifier: MIT */
/*
 * Ticket spin locks.
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
	RUNG_DOMAIN_LIST = 1, /* the list of domains                          */
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
	uint16_t next; /* the ticket that the next comer takes */
	uint16_t owner; /* the ticket that holds the lock       */
	uint16_t rung;
} spinlock_t;

#define SPINLOCK_INIT(r)                                                       \
	{                                                                      \
		0, 0, (r)                                                      \
	}

static inline void spin_lock_init(spinlock_t *l, enum lock_rung rung)
{
	l->next = l->owner = 0;
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
	uint16_t mine;

	lock_ladder_climb(l->rung);
	mine = atomic_fetch_add(&l->next, 1);
	while (load_acquire(&l->owner) != mine)
		cpu_relax();
}

/* For work that can wait: nobody ever queues behind it for long. */
static inline bool spin_trylock(spinlock_t *l) TRY_ACQUIRES(*l) NO_ANALYSIS
{
	uint16_t free = READ_ONCE(l->owner);

	if (!atomic_cmpxchg(&l->next, &free, (uint16_t)(free + 1)))
		return false;
	lock_ladder_climb(l->rung);
	return true;
}

static inline void spin_unlock(spinlock_t *l) RELEASES(*l) NO_ANALYSIS
{
	store_release(&l->owner, (uint16_t)(l->owner + 1));
	lock_ladder_descend(l->rung);
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->next) != READ_ONCE(l->owner);
}

#endif /* HV_LIB_SPINLOCK_H */
