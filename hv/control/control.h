/* SPDX-License-Identifier: MIT */
/* Making, ending and describing domains; the toolstack's calls. */
#ifndef HV_CONTROL_CONTROL_H
#define HV_CONTROL_CONTROL_H

#include "hv/domain/domain.h"

struct domain_plan {
	domid_t id;
	bool privileged;
	unsigned int max_vcpus;
	uint64_t max_frames;
	unsigned int grant_frames; /* 0: the default */
};

/* A domain with all rooms' state and its vcpus, down; NULL: out of memory,
 * or the id is taken.  Found by domain_get when this returns. */
struct domain *domain_construct(const struct domain_plan *plan);

/* Fill a guest's hypercall page (ABI.md, "Hypercall page"). */
void hypercall_page_fill(uint8_t *page);

long hc_control_op(uint64_t arg);

#endif /* HV_CONTROL_CONTROL_H */
