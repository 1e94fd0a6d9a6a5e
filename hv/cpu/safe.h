/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the hypervisor that may fault on what a guest chose.  Each
 * returns false instead of faulting.
 */
#ifndef HV_CPU_SAFE_H
#define HV_CPU_SAFE_H

#include "hv/lib/types.h"

/* Continue at @target when the instruction at @label faults. */
#define FIXUP(label, target)                                                   \
	".pushsection .fixup_table, \"a\"\n\t"                                 \
	".quad " label ", " target "\n\t"                                      \
	".popsection\n\t"

static inline bool rdmsr_safe(uint32_t msr, uint64_t *v)
{
	uint32_t lo = 0, hi = 0, bad = 1;

	__asm__ volatile("1: rdmsr\n\t"
			 "xorl %2, %2\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "=a"(lo), "=d"(hi), "+r"(bad)
			 : "c"(msr));
	*v = bad ? 0 : lo | (uint64_t)hi << 32;
	return !bad;
}

static inline bool wrmsr_safe(uint32_t msr, uint64_t v)
{
	uint32_t bad = 1;

	__asm__ volatile("1: wrmsr\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "+r"(bad)
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
	return !bad;
}

#define DEFINE_LOAD_SEGMENT(seg)                                               \
	static inline bool load_##seg(uint16_t selector)                       \
	{                                                                      \
		uint32_t bad = 1;                                              \
		__asm__ volatile("1: movl %k1, %%" #seg "\n\t"                 \
				 "xorl %0, %0\n"                               \
				 "2:\n\t" FIXUP("1b", "2b")                    \
				 : "+r"(bad)                                   \
				 : "r"((uint32_t)selector));                   \
		return !bad;                                                   \
	}                                                                      \
	static inline uint16_t read_##seg(void)                                \
	{                                                                      \
		uint32_t v;                                                    \
		__asm__ volatile("movl %%" #seg ", %0" : "=r"(v));             \
		return (uint16_t)v;                                            \
	}
DEFINE_LOAD_SEGMENT(ds)
DEFINE_LOAD_SEGMENT(es)
DEFINE_LOAD_SEGMENT(fs)
DEFINE_LOAD_SEGMENT(gs)
#undef DEFINE_LOAD_SEGMENT

static inline void swapgs(void)
{
	__asm__ volatile("swapgs" : : : "memory");
}

/* XRSTOR or FXRSTOR of an area; false if the CPU refuses its contents. */
static inline bool xrstor_safe(const void *area, uint64_t mask)
{
	uint32_t bad = 1;

	__asm__ volatile("1: xrstor64 (%1)\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "+r"(bad)
			 : "r"(area), "a"((uint32_t)mask),
			   "d"((uint32_t)(mask >> 32))
			 : "memory");
	return !bad;
}

static inline bool fxrstor_safe(const void *area)
{
	uint32_t bad = 1;

	__asm__ volatile("1: fxrstor64 (%1)\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "+r"(bad)
			 : "r"(area)
			 : "memory");
	return !bad;
}

static inline bool xsetbv_safe(uint64_t v)
{
	uint32_t bad = 1;

	__asm__ volatile("1: xsetbv\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "+r"(bad)
			 : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
	return !bad;
}

#endif /* HV_CPU_SAFE_H */
