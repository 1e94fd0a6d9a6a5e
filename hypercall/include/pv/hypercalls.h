/* SPDX-License-Identifier: MIT */
/*
 * Hypercall numbers, HC_<name>, from hypercalls.def; and the batch entry.
 *
 * In assembly each HC_<name> is an absolute symbol.
 */
#ifndef PV_HYPERCALLS_H
#define PV_HYPERCALLS_H

#include <pv/abi.h>

#define PV_NR_HYPERCALLS 64 /* every number at or above is -ENOSYS */

#ifdef __ASSEMBLER__
#define PV_HYPERCALL(number, name, nargs)  .set HC_##name, number;
#define PV_HYPERCALL_REFUSED(number, name) .set HC_##name, number;
#include <pv/hypercalls.def>
#else
enum pv_hypercall {
#define PV_HYPERCALL(number, name, nargs)  HC_##name = number,
#define PV_HYPERCALL_REFUSED(number, name) HC_##name = number,
#include <pv/hypercalls.def>
};

/* HC_multicall takes an array of these. */
struct pv_multicall_entry {
	uint64_t op; /* IN  hypercall number    */
	int64_t result; /* OUT what it returned    */
	uint64_t args[6]; /* IN  its arguments       */
};
PV_ABI_SIZE(struct pv_multicall_entry, 64);
PV_ABI_FIELD(struct pv_multicall_entry, result, 8);
PV_ABI_FIELD(struct pv_multicall_entry, args, 16);
#endif

#endif /* PV_HYPERCALLS_H */
