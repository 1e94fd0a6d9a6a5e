/* SPDX-License-Identifier: MIT */
/*
 * XSAVE, or FXSAVE on a CPU without it.  All components that any guest may
 * enable are switched, whatever the guest's own XCR0 says, so that no
 * register carries one guest's data to another.
 */
#include "hv/cpu/fpu.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/safe.h"
#include "hv/lib/string.h"

#define FCW_RESET   0x037f
#define MXCSR_RESET 0x1f80
#define MXCSR_AT    24

size_t fpu_area_size(void)
{
	return features.xsave ? ROUND_UP(features.xsave_size, 64u) : 512;
}

void fpu_area_init(void *area)
{
	uint32_t mxcsr = MXCSR_RESET;
	uint16_t fcw = FCW_RESET;

	memset(area, 0, fpu_area_size());
	memcpy(area, &fcw, sizeof(fcw));
	memcpy((char *)area + MXCSR_AT, &mxcsr, sizeof(mxcsr));
}

void fpu_save(void *area)
{
	uint32_t lo = (uint32_t)features.xcr0;
	uint32_t hi = (uint32_t)(features.xcr0 >> 32);

	if (!features.xsave)
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	else if (features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)"
				 :
				 : "r"(area), "a"(lo), "d"(hi)
				 : "memory");
	else
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(lo), "d"(hi)
				 : "memory");
}

static bool load(const void *area)
{
	return features.xsave ? xrstor_safe(area, features.xcr0)
			      : fxrstor_safe(area);
}

bool fpu_load(void *area)
{
	if (load(area))
		return true;
	fpu_area_init(area);
	load(area);
	return false;
}
