/* SPDX-License-Identifier: MIT */
/* A guest's general registers, as every entry saves them. */
#ifndef HV_LIB_REGS_H
#define HV_LIB_REGS_H

#include "hv/lib/types.h"

/*
 * What every entry leaves at the top of the ring-0 stack (WIN_STACK_TOP), and
 * what every exit takes from there.  entry is a vector or an ENTRY_* number
 * (entry/entry.h).
 */
struct cpu_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t entry, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
#define CPU_REGS_SIZE 176
_Static_assert(sizeof(struct cpu_regs) == CPU_REGS_SIZE, "entry.S builds it");

#endif /* HV_LIB_REGS_H */
