/* SPDX-License-Identifier: MIT */
/* One C name for each instruction that C cannot say. */
#ifndef HV_CPU_ASM_H
#define HV_CPU_ASM_H

#include "hv/lib/cpuid.h"
#include "hv/lib/types.h"

#define MSR_APIC_BASE      0x1b
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_PAT            0x277
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE           0x001
#define EFER_LME           0x100
#define EFER_LMA           0x400
#define EFER_NXE           0x800

#define CR0_PE             0x00000001
#define CR0_MP             0x00000002
#define CR0_EM             0x00000004
#define CR0_TS             0x00000008
#define CR0_ET             0x00000010
#define CR0_NE             0x00000020
#define CR0_WP             0x00010000
#define CR0_AM             0x00040000
#define CR0_PG             0x80000000

#define CR4_VME            0x000001
#define CR4_PVI            0x000002
#define CR4_TSD            0x000004
#define CR4_DE             0x000008
#define CR4_PSE            0x000010
#define CR4_PAE            0x000020
#define CR4_MCE            0x000040
#define CR4_PGE            0x000080
#define CR4_PCE            0x000100
#define CR4_OSFXSR         0x000200
#define CR4_OSXMMEXCPT     0x000400
#define CR4_UMIP           0x000800
#define CR4_FSGSBASE       0x010000
#define CR4_PCIDE          0x020000
#define CR4_OSXSAVE        0x040000
#define CR4_SMEP           0x100000
#define CR4_SMAP           0x200000

#define RFLAGS_CF          0x000001
#define RFLAGS_FIX         0x000002
#define RFLAGS_TF          0x000100
#define RFLAGS_IF          0x000200
#define RFLAGS_DF          0x000400
#define RFLAGS_IOPL        0x003000
#define RFLAGS_NT          0x004000
#define RFLAGS_RF          0x010000
#define RFLAGS_VM          0x020000
#define RFLAGS_AC          0x040000
#define RFLAGS_VIF         0x080000
#define RFLAGS_VIP         0x100000
#define RFLAGS_ID          0x200000

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0,%1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0,%1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0,%1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1,%0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

#define DEFINE_CR(n)                                                           \
	static inline uint64_t read_cr##n(void)                                \
	{                                                                      \
		uint64_t v;                                                    \
		__asm__ volatile("mov %%cr" #n ",%0" : "=r"(v));               \
		return v;                                                      \
	}                                                                      \
	static inline void write_cr##n(uint64_t v)                             \
	{                                                                      \
		__asm__ volatile("mov %0,%%cr" #n : : "r"(v) : "memory");      \
	}
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
DEFINE_CR(8)
#undef DEFINE_CR

static inline void invlpg(const void *va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void wbinvd(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Sleep until an interrupt; it is taken before this returns. */
static inline void sleep_until_interrupt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Take what interrupts there are. */
static inline void interrupts_take(void)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

#endif /* HV_CPU_ASM_H */
