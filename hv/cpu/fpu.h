/* SPDX-License-Identifier: MIT */
/* A vcpu's x87, vector and extended state. */
#ifndef HV_CPU_FPU_H
#define HV_CPU_FPU_H

#include "hv/lib/types.h"

/* Bytes of an area; areas are 64-byte aligned. */
size_t fpu_area_size(void);
/* The state after reset, as Linux expects it at start-of-day. */
void fpu_area_init(void *area);
void fpu_save(void *area);
/* False: the contents were refused; the state after reset is loaded. */
bool fpu_load(void *area);

#endif /* HV_CPU_FPU_H */
