/* SPDX-License-Identifier: MIT */
/* Names that trampoline.S and entry.c share. */
#ifndef HV_ENTRY_ENTRY_H
#define HV_ENTRY_ENTRY_H

#define CPU_REGS_BYTES 176

/* Entry numbers beyond the vectors. */
#define ENTRY_SYSCALL      0x100 /* SYSCALL in kernel mode: a hypercall   */
#define ENTRY_SYSCALL_USER 0x101 /* SYSCALL in user mode, slow path       */
#define ENTRY_SYSCALL32    0x102 /* SYSCALL from 32-bit user code         */
#define ENTRY_SYSENTER     0x103

/* Why an instruction of the trampoline may fault (.fixup_table). */
#define TRAMP_FAULT_FRAME 1 /* a frame on the guest's stack               */
#define TRAMP_FAULT_IRETQ 2 /* the return to a guest: bad rip or selectors */

#ifndef __ASSEMBLER__
#include "hv/cpu/cpu.h"

void exit_to_guest(void) NORETURN;
/* The first way out of a CPU whose current vcpu is its idle one. */
void entry_begin(void);
void hv_restart_stack(void (*fn)(void)) NORETURN;
#endif

#endif /* HV_ENTRY_ENTRY_H */
