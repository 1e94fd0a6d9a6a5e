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
#include "hv/cpu/asm.h"
#include "hv/emul/msr.h"

static const struct {
	uint32_t msr;
	enum msr_verdict verdict;
	uint64_t value;
} table[] = {
	{0x10, MSR_HOST, 0}, /* TSC */
	{0x17, MSR_VALUE, 0}, /* platform id */
	{MSR_APIC_BASE, MSR_VALUE, 0xfee00800},
	{0x3a, MSR_VALUE, 1}, /* feature control: locked, nothing on */
	{0x8b, MSR_HOST, 0}, /* microcode revision */
	{0xce, MSR_VALUE, 0}, /* platform information */
	{0xfe, MSR_VALUE, 0}, /* MTRR capabilities: none */
	{0x140, MSR_VALUE, 0}, /* miscellaneous features: none on */
	{MSR_SYSENTER_CS, MSR_VALUE, 0},
	{MSR_SYSENTER_ESP, MSR_VALUE, 0},
	{MSR_SYSENTER_EIP, MSR_VALUE, 0},
	{0x179, MSR_VALUE, 0}, /* machine checks: no banks */
	{0x17a, MSR_VALUE, 0},
	/* fast strings; no branch trace, no event-based sampling */
	{0x1a0, MSR_VALUE, 1 << 0 | 1 << 11 | 1 << 12},
	{0x1d9, MSR_VALUE, 0}, /* debug control */
	{MSR_PAT, MSR_VALUE, MSR_PAT_VALUE},
	{0x2ff, MSR_VALUE, 0}, /* MTRR default type: off */
	{MSR_EFER, MSR_VALUE, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE},
	{MSR_STAR, MSR_VALUE, 0},
	{MSR_LSTAR, MSR_VALUE, 0},
	{MSR_CSTAR, MSR_VALUE, 0},
	{MSR_SFMASK, MSR_VALUE, 0},
	{MSR_FS_BASE, MSR_FS, 0},
	{MSR_GS_BASE, MSR_GS, 0},
	{MSR_KERNEL_GS_BASE, MSR_KERNEL_GS, 0},
	{MSR_TSC_AUX, MSR_VALUE, 0},
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
			return i;
	return -1;
}

enum msr_verdict msr_read_policy(uint32_t msr, unsigned int vcpu,
				 uint64_t *value)
{
	int i = find(msr);

	if (i < 0)
		return MSR_GP;
	*value = table[i].value;
	if (msr == MSR_APIC_BASE && vcpu == 0)
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
