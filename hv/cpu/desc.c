/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables.
 *
 * Guests see them read-only at fixed addresses, so nothing may make the
 * processor write to them: Accessed bits are preset, and LTR (which sets Busy)
 * runs on the writable alias of the GDT before GDTR points at the window.
 */
#include "hv/cpu/desc.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"

#define GATE_PRESENT   (1ull << 47)
#define GATE_INTERRUPT (0xeull << 40)
#define GATE_DPL(n)    ((uint64_t)(n) << 45)

/* WB WT UC- UC WC WP UC UC, as the PV ABI fixes them. */
#define PAT_VALUE 0x0000050100070406ull

enum {
	IST_DB = 1,
	IST_NMI,
	IST_DF,
	IST_MC
};

struct gate {
	uint64_t low, high;
};

static struct gate idt[256] SECTION(".tramp.idt") ALIGNED(4096) = {{1, 0}};

extern const uint64_t vector_stubs[256];
extern char tramp_syscall[], tramp_syscall32[], tramp_sysenter[];

static void gate_set(unsigned int vector, unsigned int dpl, unsigned int ist)
{
	uint64_t to = vector_stubs[vector];

	idt[vector].low = (to & 0xffff) | (uint64_t)SEL_HV_CS << 16 |
			  (uint64_t)ist << 32 | GATE_INTERRUPT | GATE_DPL(dpl) |
			  GATE_PRESENT | (to >> 16 & 0xffff) << 48;
	idt[vector].high = to >> 32;
}

void idt_build(void)
{
	for (unsigned int v = 0; v < 256; v++)
		gate_set(v, v == 3 || v == 4 || v == 0x80 ? 3 : 0, 0);
	gate_set(1, 0, IST_DB);
	gate_set(2, 0, IST_NMI);
	gate_set(8, 0, IST_DF);
	gate_set(18, 0, IST_MC);
}

void system_descriptor(uint64_t *slot, uint64_t base, uint32_t limit,
		       unsigned int type)
{
	slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 |
		  (uint64_t)(0x80 | type) << 40 |
		  (uint64_t)(limit >> 16 & 0xf) << 48 |
		  (base >> 24 & 0xff) << 56;
	slot[1] = base >> 32;
}

static uint64_t *gdt_slot(uint64_t *tail, unsigned int selector)
{
	return &tail[(selector - FIRST_TAIL_SELECTOR) >> 3];
}

void gdt_tail_build(uint64_t *tail)
{
	*gdt_slot(tail, SEL_HV_CS) = 0x00af9b000000ffff;
	*gdt_slot(tail, SEL_HV_SS) = 0x00cf93000000ffff;
	*gdt_slot(tail, SEL_COMPAT_CS) = 0x00cffb000000ffff;
	*gdt_slot(tail, SEL_USER_SS) = 0x00cff3000000ffff;
	*gdt_slot(tail, SEL_USER_CS) = 0x00affb000000ffff;
	*gdt_slot(tail, SEL_RING1_CS) = 0x00afbb000000ffff;
	*gdt_slot(tail, SEL_RING1_SS) = 0x00cfb3000000ffff;
	system_descriptor(gdt_slot(tail, SEL_TSS), WIN_TSS,
			  sizeof(struct tss) - 1, 9);
}

void tss_build(struct tss *tss)
{
	*tss = (struct tss){.iomap = sizeof(*tss)};
	tss->rsp[0] = WIN_STACK_TOP;
	/* No gate has DPL or target ring 1 or 2; a stack all the same. */
	tss->rsp[1] = tss->rsp[2] = WIN_STACK_TOP;
	for (unsigned int n = 1; n <= 4; n++)
		tss->ist[n - 1] = WIN_IST_TOP(n);
}

struct PACKED table_register {
	uint16_t limit;
	uint64_t base;
};

static void load_gdtr(uint64_t base, uint16_t limit)
{
	struct table_register r = {limit, base};

	__asm__ volatile("lgdt %0" : : "m"(r));
}

static void load_segments(void)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %1, %%ss\n\t"
			 "movl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "movl %2, %%fs\n\t"
			 "movl %2, %%gs"
			 :
			 : "i"(SEL_HV_CS), "r"(SEL_HV_SS), "r"(0)
			 : "rax", "memory");
}

static void load_syscall_msrs(void)
{
	/* SYSRET: CS = base + 16, SS = base + 8.  SYSCALL: SS = CS + 8. */
	wrmsr(MSR_STAR,
	      (uint64_t)(SEL_SYSRET_CS - 16) << 48 | (uint64_t)SEL_HV_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)tramp_syscall);
	wrmsr(MSR_CSTAR, (uint64_t)tramp_syscall32);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT |
				  RFLAGS_AC | RFLAGS_IOPL | RFLAGS_RF);
	if (features.intel && features.sysenter) {
		wrmsr(MSR_SYSENTER_CS, SEL_HV_CS);
		wrmsr(MSR_SYSENTER_ESP, WIN_STACK_TOP);
		wrmsr(MSR_SYSENTER_EIP, (uint64_t)tramp_sysenter);
	}
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

void desc_load_cpu(struct cpu *c)
{
	struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};

	/* The alias holds the tail only: selectors as if at its own start. */
	load_gdtr((uint64_t)c->gdt_tail, GDT_LIMIT - FIRST_TAIL_SELECTOR);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS - FIRST_TAIL_SELECTOR));
	load_gdtr(WIN_GDT, GDT_LIMIT);
	/* After reset LDTR has a base and a limit: descriptors at address 0. */
	__asm__ volatile("lldt %w0" : : "r"(0));
	load_segments();
	__asm__ volatile("lidt %0" : : "m"(idtr));
	load_syscall_msrs();
}

void control_registers_load(void)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE;

	if (features.smep)
		cr4 |= CR4_SMEP;
	if (features.xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	wrmsr(MSR_PAT, PAT_VALUE);
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	if (features.xsave)
		__asm__ volatile("xsetbv"
				 :
				 : "c"(0), "a"((uint32_t)features.xcr0),
				   "d"((uint32_t)(features.xcr0 >> 32)));
}
