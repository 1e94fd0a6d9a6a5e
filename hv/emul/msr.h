/* SPDX-License-Identifier: MIT */
/* What RDMSR and WRMSR of a guest kernel do. */
#ifndef HV_EMUL_MSR_H
#define HV_EMUL_MSR_H

#include "hv/lib/types.h"

/*
 * The page attributes that every CPU is to have, and that guests are told:
 * WB, WT, UC-, UC, WC, WP, UC, UC, as the PV ABI fixes them.
 */
#define MSR_PAT_VALUE 0x0000050100070406ull

enum msr_verdict {
	MSR_GP, /* #GP(0): not there                                 */
	MSR_VALUE, /* read: the value given; write: ignored          */
	MSR_HOST, /* read: the processor's                            */
	MSR_FS, /* the vcpu's FS base                                  */
	MSR_GS, /* its active GS base                                  */
	MSR_KERNEL_GS, /* its inactive GS base                         */
};

enum msr_verdict msr_read_policy(uint32_t msr, unsigned int vcpu,
				 uint64_t *value);
/* Bases must be canonical: MSR_GP if @value is not. */
enum msr_verdict msr_write_policy(uint32_t msr, uint64_t value);

#endif /* HV_EMUL_MSR_H */
