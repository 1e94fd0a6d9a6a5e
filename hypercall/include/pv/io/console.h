/* SPDX-License-Identifier: MIT */
/*
 * The console ring: two byte streams in one page.
 */
#ifndef PV_IO_CONSOLE_H
#define PV_IO_CONSOLE_H

#include <pv/abi.h>

#define XENCONS_IN_SIZE  1024
#define XENCONS_OUT_SIZE 2048

#ifndef __ASSEMBLER__

/* Indices run freely and wrap at 2^32. */
struct pv_xencons_interface {
	char in[XENCONS_IN_SIZE]; /* to the guest   */
	char out[XENCONS_OUT_SIZE]; /* from the guest */
	uint32_t in_cons;
	uint32_t in_prod;
	uint32_t out_cons;
	uint32_t out_prod;
};
PV_ABI_SIZE(struct pv_xencons_interface, 3088);
PV_ABI_FIELD(struct pv_xencons_interface, out, 1024);
PV_ABI_FIELD(struct pv_xencons_interface, in_cons, 3072);
PV_ABI_FIELD(struct pv_xencons_interface, in_prod, 3076);
PV_ABI_FIELD(struct pv_xencons_interface, out_cons, 3080);
PV_ABI_FIELD(struct pv_xencons_interface, out_prod, 3084);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_CONSOLE_H */
