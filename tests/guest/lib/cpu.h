/* SPDX-License-Identifier: MIT */
/* Instructions that C cannot say, as a guest kernel may issue them. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include <stdint.h>

#define RFLAGS_TF   0x000100ul
#define RFLAGS_IF   0x000200ul
#define RFLAGS_DF   0x000400ul
#define RFLAGS_IOPL 0x003000ul
#define RFLAGS_NT   0x004000ul
#define RFLAGS_RF   0x010000ul
#define RFLAGS_AC   0x040000ul
#define RFLAGS_ID   0x200000ul

enum {
	VEC_DE,
	VEC_DB,
	VEC_NMI,
	VEC_BP,
	VEC_OF,
	VEC_BR,
	VEC_UD,
	VEC_NM,
	VEC_DF,
	VEC_TS = 10,
	VEC_NP,
	VEC_SS,
	VEC_GP,
	VEC_PF,
	VEC_MF = 16,
	VEC_AC,
	VEC_MC,
	VEC_XM,
};

/* Bits of a page fault's error code. */
#define PF_PRESENT 1
#define PF_WRITE   2
#define PF_USER    4
#define PF_FETCH   16

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline uint16_t read_cs(void)
{
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	return cs;
}

static inline uint16_t read_ss(void)
{
	uint16_t ss;

	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	return ss;
}

static inline uint64_t read_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags;
}

/* A store that the compiler neither drops nor splits. */
static inline void store64(uint64_t va, uint64_t value)
{
	__asm__ volatile("movq %1, (%0)" : : "r"(va), "r"(value) : "memory");
}

static inline uint64_t load64(uint64_t va)
{
	uint64_t value;

	__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(va) : "memory");
	return value;
}

#endif /* GUEST_CPU_H */
