/* SPDX-License-Identifier: MIT */
/* What CPUID tells a guest. */
#ifndef HV_EMUL_CPUID_H
#define HV_EMUL_CPUID_H

#include "hv/lib/cpuid.h"

/* What the answers depend on besides the processor. */
struct cpuid_facts {
	unsigned int vcpu; /* also the APIC id that it sees             */
	uint64_t xcr0; /* state components that we switch; 0: no XSAVE  */
	bool slow_bytes; /* REP MOVSB and STOSB are not the best way    */
	bool tsc_stable;
	uint32_t tsc_khz, tsc_mul; /* as in the PV clock                */
	int8_t tsc_shift;
	uint32_t features; /* of our extensions, word 0                 */
};

/* State components that guests may have: x87, SSE, AVX, AVX-512. */
#define CPUID_XCR0_MAX 0xe7

/* The processor's own answer; under the guest's XCR0, for leaf 0xd. */
typedef struct cpuid_regs (*cpuid_fn)(uint32_t leaf, uint32_t sub);

struct cpuid_regs cpuid_policy(cpuid_fn host, const struct cpuid_facts *f,
			       uint32_t leaf, uint32_t sub);

#endif /* HV_EMUL_CPUID_H */
