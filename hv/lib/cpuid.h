/* SPDX-License-Identifier: MIT */
/* What CPUID answers. */
#ifndef HV_LIB_CPUID_H
#define HV_LIB_CPUID_H

#include "hv/lib/types.h"

struct cpuid_regs {
	uint32_t a, b, c, d;
};

#endif /* HV_LIB_CPUID_H */
