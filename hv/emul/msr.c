/* SPDX-License-Identifier: MIT */
/*
 * The MSR policy: a table of what a stock kernel touches.
 *
 * Everything else is #GP, which PV kernels expect and survive.  A listed
 * register that is not a base reads as a constant and ignores writes: the
 * entry points of system calls and the page attributes are set by hypercalls
 * or by the hypervisor.
 *
 * PURE
 */
#include "hv/emul/msr.h"

#define APIC_BASE 0x1b

static const struct {
	uint32_t msr;
	enum msr_verdict verdict;
	uint64_t value;
} table[] = {
	{0x10, MSR_HOST, 0}, /* TSC */
	{0x17, MSR_VALUE, 0}, /* platform id */
	{APIC_BASE, MSR_VALUE, 0xfee00800}, /* enabled */
	{0x3a, MSR_VALUE, 1}, /* feature control: locked, nothing on */
	{0x8b, MSR_HOST, 0}, /* microcode revision */
	{0xce, MSR_VALUE, 0}, /* platform information */
	{0xfe, MSR_VALUE, 0}, /* MTRR capabilities: none */
	{0x140, MSR_VALUE, 0}, /* miscellaneous features: none on */
	{0x174, MSR_VALUE, 0}, /* SYSENTER_CS, _ESP, _EIP */
	{0x175, MSR_VALUE, 0},
	{0x176, MSR_VALUE, 0},
	{0x179, MSR_VALUE, 0}, /* machine checks: no banks */
	{0x17a, MSR_VALUE, 0},
	/* fast strings; no branch trace, no event-based sampling */
	{0x1a0, MSR_VALUE, 1 << 0 | 1 << 11 | 1 << 12},
	{0x1d9, MSR_VALUE, 0}, /* debug control */
	{0x277, MSR_VALUE, MSR_PAT_VALUE},
	{0x2ff, MSR_VALUE, 0}, /* MTRR default type: off */
	{0xc0000080, MSR_VALUE, 0xd01}, /* EFER: SCE, LME, LMA, NXE */
	{0xc0000081, MSR_VALUE, 0}, /* STAR, LSTAR, CSTAR, SFMASK */
	{0xc0000082, MSR_VALUE, 0},
	{0xc0000083, MSR_VALUE, 0},
	{0xc0000084, MSR_VALUE, 0},
	{0xc0000100, MSR_FS, 0},
	{0xc0000101, MSR_GS, 0},
	{0xc0000102, MSR_KERNEL_GS, 0},
	{0xc0000103, MSR_VALUE, 0}, /* TSC_AUX */
	/* AMD */
	{0xc0010010, MSR_VALUE, 0}, /* SYSCFG */
	{0xc0010015, MSR_VALUE, 1 << 24}, /* HWCR: TSC runs at P0 */
	{0xc001001f, MSR_VALUE, 0}, /* NB_CFG */
	{0xc0010055, MSR_VALUE, 0}, /* interrupt pending: no C1E */
	{0xc0010058, MSR_VALUE, 0}, /* MMIO configuration base */
	{0xc0011029, MSR_VALUE, 1 << 1}, /* DE_CFG: LFENCE serialises */
};

static int find(uint32_t msr)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].msr == msr)
			return (int)i;
	return -1;
}

enum msr_verdict msr_read_policy(uint32_t msr, unsigned int vcpu,
				 uint64_t *value)
{
	int i = find(msr);

	if (i < 0)
		return MSR_GP;
	*value = table[i].value;
	if (msr == APIC_BASE && vcpu == 0)
		*value |= 1 << 8; /* the boot processor */
	return table[i].verdict;
}

enum msr_verdict msr_write_policy(uint32_t msr, uint64_t value)
{
	bool canonical = (uint64_t)((int64_t)(value << 16) >> 16) == value;
	int i = find(msr);

	if (i < 0)
		return MSR_GP;
	switch (table[i].verdict) {
	case MSR_FS:
	case MSR_GS:
	case MSR_KERNEL_GS:
		return canonical ? table[i].verdict : MSR_GP;
	default:
		return MSR_VALUE;
	}
}
