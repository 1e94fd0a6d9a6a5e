/* SPDX-License-Identifier: MIT */
/* What this machine's processors can do, found once at boot. */
#ifndef HV_CPU_FEATURES_H
#define HV_CPU_FEATURES_H

#include "hv/lib/types.h"

struct cpu_features {
	char vendor[13];
	bool intel, amd;
	bool smep, pge, pcid, fsgsbase, umip, pages_1g, xsave, xsaveopt;
	bool sysenter, meltdown; /* meltdown: the CPU does not say it is safe */
	bool emulated; /* it says that it is QEMU's code generator           */
	bool slow_bytes; /* REP MOVSB is slow, whatever the CPU says        */
	uint64_t xcr0; /* state components that guests may enable            */
	uint32_t xsave_size; /* bytes of an area with all of them            */
	unsigned int physical_bits;
};
extern struct cpu_features features;

void features_boot(void);

#endif /* HV_CPU_FEATURES_H */
