/* SPDX-License-Identifier: MIT */
/* What the files of the control room share. */
#ifndef HV_CONTROL_INTERNAL_H
#define HV_CONTROL_INTERNAL_H

#include <pv/control.h>

#include "hv/control/control.h"

/* Each serves one command on the caller's copy of the request. */
int control_create(struct pv_control_op *op);
int control_destroy(struct domain *d);
int control_list(struct pv_control_op *op);
void control_describe(struct domain *d, struct pv_domain_info *info);
int control_vcpu(struct domain *d, struct pv_control_op *op);
int control_set_context(struct domain *d, const struct pv_control_context *c);
int control_get_context(struct domain *d, const struct pv_control_context *c);
int control_hypercall_page(struct domain *d, uint64_t mfn);
int control_memory_map(struct domain *d, const struct pv_control_memory_map *m);
int control_list_frames(struct domain *d, struct pv_control_frames *f);
int control_write_memory(struct domain *d, struct pv_control_write *w);
void control_machine(struct pv_machine_info *m);
int control_cpu(struct pv_cpu_status *s);

#endif /* HV_CONTROL_INTERNAL_H */
