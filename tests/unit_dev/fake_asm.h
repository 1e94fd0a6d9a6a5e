/* SPDX-License-Identifier: MIT */
/* Instructions of an imagined machine, in place of hv/cpu/asm.h. */
#ifndef TESTS_UNIT_DEV_FAKE_ASM_H
#define TESTS_UNIT_DEV_FAKE_ASM_H
#define HV_CPU_ASM_H

#include "hv/lib/types.h"

#define MSR_APIC_BASE 0x1b

uint8_t inb(uint16_t port);
uint16_t inw(uint16_t port);
uint32_t inl(uint16_t port);
void outb(uint16_t port, uint8_t v);
void outw(uint16_t port, uint16_t v);
void outl(uint16_t port, uint32_t v);
uint64_t rdmsr(uint32_t msr);

#endif /* TESTS_UNIT_DEV_FAKE_ASM_H */
