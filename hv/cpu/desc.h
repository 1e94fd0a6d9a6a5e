/* SPDX-License-Identifier: MIT */
/* Descriptor tables: the IDT all CPUs share, each CPU's GDT tail and TSS. */
#ifndef HV_CPU_DESC_H
#define HV_CPU_DESC_H

#include "hv/cpu/cpu.h"

/* What LTR and the IST need; the processor reads it, never writes. */
struct PACKED tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap;
};
_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7");

void idt_build(void);
/* Fill a CPU's tables through their writable aliases. */
void gdt_tail_build(uint64_t *tail);
void tss_build(struct tss *tss);
/* Load GDTR, IDTR, TR, segment registers and the SYSCALL MSRs of this CPU. */
void desc_load_cpu(struct cpu *c);
/* CR0 and CR4 as the hypervisor runs with. */
void control_registers_load(void);
/* The system descriptor of @limit + 1 bytes at @base (type 2: LDT, 9: TSS). */
void system_descriptor(uint64_t *slot, uint64_t base, uint32_t limit,
		       unsigned int type);

#endif /* HV_CPU_DESC_H */
