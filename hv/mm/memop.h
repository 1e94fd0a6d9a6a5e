/* SPDX-License-Identifier: MIT */
/* memory_op, for the room's own files. */
#ifndef HV_MM_MEMOP_H
#define HV_MM_MEMOP_H

#include "hv/mm/guest.h"

int memop_domain(domid_t id, struct domain **d);
long memop_exchange(uint64_t arg);

#endif /* HV_MM_MEMOP_H */
