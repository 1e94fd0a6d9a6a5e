/* SPDX-License-Identifier: MIT */
/*
 * Instructions of an imagined machine, in place of hv/cpu/asm.h: include this
 * first, then the source under test.
 */
#ifndef TESTS_FAKE_ASM_H
#define TESTS_FAKE_ASM_H
#define HV_CPU_ASM_H

#include "hv/lib/types.h"

#define MSR_TSC_DEADLINE 0x6e0

/* Who is this_cpu? */
struct cpu;
struct cpu *test_cpu_get(void);

struct cpuid_regs {
	uint32_t a, b, c, d;
};

uint64_t rdtsc(void);
struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub);
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t v);
uint8_t inb(uint16_t port);
void outb(uint16_t port, uint8_t v);
uint32_t inl(uint16_t port);

#endif /* TESTS_FAKE_ASM_H */
