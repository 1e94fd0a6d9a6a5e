/* SPDX-License-Identifier: MIT */
/*
 * callback_op: where the hypervisor enters a guest kernel.
 */
#ifndef PV_CALLBACK_H
#define PV_CALLBACK_H

#include <pv/abi.h>

#define CALLBACKOP_register              0
#define CALLBACKOP_unregister            1

#define CALLBACKTYPE_event               0
#define CALLBACKTYPE_failsafe            1
#define CALLBACKTYPE_syscall             2
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5
#define CALLBACKTYPE_syscall32           7

/* struct pv_callback_register.flags */
#define CALLBACKF_mask_events 1

#ifndef __ASSEMBLER__

struct pv_callback_register {
	uint16_t type; /* CALLBACKTYPE_* */
	uint16_t flags; /* CALLBACKF_*    */
	uint32_t pad0;
	uint64_t address; /* linear */
};
PV_ABI_SIZE(struct pv_callback_register, 16);
PV_ABI_FIELD(struct pv_callback_register, flags, 2);
PV_ABI_FIELD(struct pv_callback_register, address, 8);

struct pv_callback_unregister {
	uint16_t type; /* CALLBACKTYPE_* */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_callback_unregister, 4);

#endif /* __ASSEMBLER__ */
#endif /* PV_CALLBACK_H */
