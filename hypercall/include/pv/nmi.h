/* SPDX-License-Identifier: MIT */
/*
 * Non-maskable interrupts.  The callback is registered by callback_op;
 * nmi_op is refused.
 */
#ifndef PV_NMI_H
#define PV_NMI_H

#include <pv/abi.h>

/* struct pv_arch_shared_info.nmi_reason */
#define XEN_NMIREASON_io_error     1
#define XEN_NMIREASON_pci_serr     2
#define XEN_NMIREASON_unknown      4

#define XENNMI_register_callback   0
#define XENNMI_unregister_callback 1

#ifndef __ASSEMBLER__
struct pv_nmi_callback {
	uint64_t handler_address;
	uint64_t pad;
};
PV_ABI_SIZE(struct pv_nmi_callback, 16);
#endif

#endif /* PV_NMI_H */
