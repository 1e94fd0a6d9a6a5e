/* SPDX-License-Identifier: MIT */
/*
 * Every interleaving of a few threads, of the code as it is.
 *
 * This header takes the place of hv/lib/atomic.h and hv/lib/spinlock.h: each
 * access to a shared word is a step, before which another thread may run.
 * explore() runs a scenario again and again, once for every order of steps
 * (with a bound on forced switches), each time from the start.  Threads are
 * coroutines, so a run is deterministic and a failure names its order.
 *
 * Memory is sequentially consistent here: what a store buffer could do on top
 * is kept away by full barriers where ORDER says so.
 */
#ifndef TESTS_UNIT_EVTCHN_STEPS_H
#define TESTS_UNIT_EVTCHN_STEPS_H

/* Instead of the headers of these names. */
#define HV_LIB_ATOMIC_H
#define HV_LIB_SPINLOCK_H

#include "hv/lib/types.h"

/* Another thread may run before the access that follows. */
void step(void);
/* The same, and this one does not go on before *busy is 0. */
void step_until_clear(const uint16_t *busy);

#define READ_ONCE(x)                                                           \
	({                                                                     \
		step();                                                        \
		*(const volatile __typeof__(x) *)&(x);                         \
	})
#define WRITE_ONCE(x, v)                                                       \
	do {                                                                   \
		step();                                                        \
		*(volatile __typeof__(x) *)&(x) = (v);                         \
	} while (0)
#define barrier()           __asm__ volatile("" ::: "memory")
#define smp_mb()            barrier()
#define smp_rmb()           barrier()
#define smp_wmb()           barrier()
#define cpu_relax()         step()
#define load_acquire(p)     READ_ONCE(*(p))
#define store_release(p, v) WRITE_ONCE(*(p), v)

#define STEP_OP(op, p, n)                                                      \
	({                                                                     \
		step();                                                        \
		__atomic_##op((p), (n), __ATOMIC_SEQ_CST);                     \
	})
#define atomic_fetch_add(p, n) STEP_OP(fetch_add, p, n)
#define atomic_fetch_sub(p, n) STEP_OP(fetch_sub, p, n)
#define atomic_fetch_or(p, n)  STEP_OP(fetch_or, p, n)
#define atomic_fetch_and(p, n) STEP_OP(fetch_and, p, n)
#define atomic_exchange(p, n)  STEP_OP(exchange_n, p, n)
#define atomic_cmpxchg(p, old, new)                                            \
	({                                                                     \
		step();                                                        \
		__atomic_compare_exchange_n((p), (old), (new), false,          \
					    __ATOMIC_SEQ_CST,                  \
					    __ATOMIC_SEQ_CST);                 \
	})

static inline bool atomic_test_and_set_bit(unsigned int nr, uint64_t *map)
{
	uint64_t bit = 1ull << (nr & 63);

	return atomic_fetch_or(&map[nr >> 6], bit) & bit;
}

static inline bool atomic_test_and_clear_bit(unsigned int nr, uint64_t *map)
{
	uint64_t bit = 1ull << (nr & 63);

	return atomic_fetch_and(&map[nr >> 6], ~bit) & bit;
}

static inline bool test_bit(unsigned int nr, const uint64_t *map)
{
	return READ_ONCE(map[nr >> 6]) >> (nr & 63) & 1;
}

enum lock_rung {
	RUNG_DOMAIN_LIST = 1,
	RUNG_DOMAIN,
	RUNG_GNTTAB,
	RUNG_MM,
	RUNG_EVTCHN,
	RUNG_IRQ,
	RUNG_PORT,
	RUNG_QUEUE,
	RUNG_SCHED,
};

typedef struct spinlock {
	uint16_t held;
	uint16_t pad;
	uint16_t rung;
} spinlock_t;
#define SPINLOCK_INIT(r)                                                       \
	{                                                                      \
		0, 0, (r)                                                      \
	}

static inline void spin_lock_init(spinlock_t *l, enum lock_rung rung)
{
	*l = (spinlock_t)SPINLOCK_INIT(rung);
}

static inline void spin_lock(spinlock_t *l)
{
	step_until_clear(&l->held);
	l->held = 1;
}

static inline void spin_unlock(spinlock_t *l)
{
	step();
	l->held = 0;
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return l->held;
}

/* In a thread or after it: print the order of steps and end the test. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond))                                                   \
			steps_fail(#cond, __func__);                           \
	} while (0)
void steps_fail(const char *what, const char *where) NORETURN;

struct scenario {
	const char *name;
	void (*begin)(void);
	void (*thread[4])(void); /* up to NULL */
	void (*end)(void); /* checks, after all threads are done */
	unsigned int switches; /* at most so many forced ones */
};

/* Returns how many orders there were. */
unsigned long explore(const struct scenario *s);

#endif /* TESTS_UNIT_EVTCHN_STEPS_H */
