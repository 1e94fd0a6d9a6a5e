/* SPDX-License-Identifier: MIT */
/*
 * Memory order and atomic words, on the compiler's builtins so that the PURE
 * files run under the host's sanitizers unchanged.
 */
#ifndef HV_LIB_ATOMIC_H
#define HV_LIB_ATOMIC_H

#include "hv/lib/types.h"

#define READ_ONCE(x)        (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)    (*(volatile __typeof__(x) *)&(x) = (v))

#define barrier()           __asm__ volatile("" ::: "memory")
#define smp_mb()            __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()           __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()           __atomic_thread_fence(__ATOMIC_RELEASE)

#define load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* All of these are full barriers, as a LOCK prefix is. */
#define atomic_fetch_add(p, n) __atomic_fetch_add((p), (n), __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, n) __atomic_fetch_sub((p), (n), __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, n)  __atomic_fetch_or((p), (n), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, n) __atomic_fetch_and((p), (n), __ATOMIC_SEQ_CST)
#define atomic_exchange(p, n)  __atomic_exchange_n((p), (n), __ATOMIC_SEQ_CST)

/* Store @new if *@p is *@old; else load *@old.  True if stored. */
#define atomic_cmpxchg(p, old, new)                                            \
	__atomic_compare_exchange_n((p), (old), (new), false,                  \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* Bits in arrays of 64-bit words that a guest or another CPU writes too. */
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

#endif /* HV_LIB_ATOMIC_H */
