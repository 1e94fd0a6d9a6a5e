/* SPDX-License-Identifier: MIT */
/*
 * Words that every file may use: fixed-width integers, boxed frame numbers,
 * page arithmetic.  Builds freestanding for the hypervisor and hosted for the
 * tests of the PURE files.
 */
#ifndef HV_LIB_TYPES_H
#define HV_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/lib/layout.h"

#define TYPE_SAFE(base, name)                                                  \
	typedef struct {                                                       \
		base raw;                                                      \
	} name##_t;                                                            \
	static inline name##_t name##_of(base n)                               \
	{                                                                      \
		return (name##_t){n};                                          \
	}                                                                      \
	static inline base name##_raw(name##_t x)                              \
	{                                                                      \
		return x.raw;                                                  \
	}

TYPE_SAFE(uint64_t, mfn) /* machine frame: what the page tables hold */
TYPE_SAFE(uint64_t, gfn) /* guest's own numbering, never trusted     */

#define MFN_INVALID mfn_of(~0ull)

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
	return a.raw == b.raw;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))
#define ROUND_UP(x, to)   (((x) + (to)-1) & ~((__typeof__(x))(to)-1))
#define ROUND_DOWN(x, to) ((x) & ~((__typeof__(x))(to)-1))

#define min(a, b)                                                              \
	({                                                                     \
		__typeof__(a) min_a_ = (a);                                    \
		__typeof__(b) min_b_ = (b);                                    \
		min_a_ < min_b_ ? min_a_ : min_b_;                             \
	})
#define max(a, b)                                                              \
	({                                                                     \
		__typeof__(a) max_a_ = (a);                                    \
		__typeof__(b) max_b_ = (b);                                    \
		max_a_ > max_b_ ? max_a_ : max_b_;                             \
	})

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define PURE_FN     __attribute__((const))
#define NORETURN    __attribute__((noreturn))
#define PRINTF(f)   __attribute__((format(printf, f, (f) + 1)))
#define PACKED      __attribute__((packed))
#define ALIGNED(n)  __attribute__((aligned(n)))
#define SECTION(s)  __attribute__((section(s)))
/* Not part of the way that most entries go: kept out of it. */
#define COLD       __attribute__((cold, noinline))
#define MUST_CHECK __attribute__((warn_unused_result))
#define INIT_DATA

#ifdef __clang__
#define CAPABILITY(x)   __attribute__((capability(x)))
#define MUST_HOLD(x)    __attribute__((requires_capability(x)))
#define ACQUIRES(x)     __attribute__((acquire_capability(x)))
#define TRY_ACQUIRES(x) __attribute__((try_acquire_capability(true, x)))
#define RELEASES(x)     __attribute__((release_capability(x)))
#define NO_ANALYSIS     __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define MUST_HOLD(x)
#define ACQUIRES(x)
#define TRY_ACQUIRES(x)
#define RELEASES(x)
#define NO_ANALYSIS
#endif

typedef uint16_t domid_t;

#endif /* HV_LIB_TYPES_H */
