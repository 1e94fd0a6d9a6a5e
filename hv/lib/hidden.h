/* SPDX-License-Identifier: MIT */
/*
 * Included first in every file of the hypervisor (hv.mk): what is declared is
 * in this image, so its address needs no detour through a table.
 */
#ifndef HV_LIB_HIDDEN_H
#define HV_LIB_HIDDEN_H

#pragma GCC visibility push(hidden)

#endif /* HV_LIB_HIDDEN_H */
