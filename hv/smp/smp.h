/* SPDX-License-Identifier: MIT */
/* Processors: their windows and tables, and starting the others. */
#ifndef HV_SMP_SMP_H
#define HV_SMP_SMP_H

#include "hv/cpu/cpu.h"

/*
 * Everything one processor needs: its struct cpu, window, root and root copy.
 * Registers it in cpus[].  NULL: out of memory.
 */
struct cpu *cpu_create(uint32_t apic_id);
/* Load the CPU's own root, tables and control registers; this_cpu is valid
 * from here on. */
void cpu_enter(struct cpu *c);
/* Start all processors of the ACPI tables but this one. */
void smp_boot(void);

/* ---- address space of the hypervisor (smp/paging.c) ------------------------- */
/* Final rights for the image, the direct map up to @end; @page gives a zeroed
 * table page below 4 GiB while there is no allocator. */
void paging_boot(uint64_t end, void *(*page)(void));

/* L2 tables of the image: ours, and the trampoline's for guest views. */
extern uint64_t image_l2[512], tramp_l2[512];

#endif /* HV_SMP_SMP_H */
