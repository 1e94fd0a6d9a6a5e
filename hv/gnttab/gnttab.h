/* SPDX-License-Identifier: MIT */
/* Grant tables: what one domain lets another map or copy. */
#ifndef HV_GNTTAB_GNTTAB_H
#define HV_GNTTAB_GNTTAB_H

#include "hv/domain/domain.h"

int gnttab_domain_init(struct domain *d, unsigned int max_frames) MUST_CHECK;
void gnttab_domain_destroy(struct domain *d);
long hc_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count);

#endif /* HV_GNTTAB_GNTTAB_H */
