/* SPDX-License-Identifier: MIT */
/*
 * What every header of the contract needs: exact-width types, the layout
 * assertions, domain identifiers, the size of a page.
 *
 * The headers here depend on nothing but the compiler.  They are C11 and
 * C++11; a header, or the part of it outside "#ifndef __ASSEMBLER__", that
 * holds only numbers may be included from assembly.  ABI.md gives the meaning
 * of what they name.
 */
#ifndef PV_ABI_H
#define PV_ABI_H

#ifndef __ASSEMBLER__
#ifdef __KERNEL__
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif
#endif

/* A 64-bit constant; the assembler knows no suffixes. */
#ifdef __ASSEMBLER__
#define PV_U64(x) x
#else
#define PV_U64(x) x##ULL
#endif

/* Layouts and numbers never change: each is asserted where it is declared. */
#ifndef __ASSEMBLER__
#ifdef __cplusplus
#define PV_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define PV_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif
#define PV_ABI_SIZE(type, size)                                                \
	PV_ABI_ASSERT(sizeof(type) == (size), "size of " #type)
#define PV_ABI_FIELD(type, field, offset)                                      \
	PV_ABI_ASSERT(offsetof(type, field) == (offset),                       \
		      "offset of " #field " in " #type)
#endif

#define PV_PAGE_SHIFT 12
#define PV_PAGE_SIZE  4096

#ifndef __KERNEL__ /* Linux has these in <xen/interface/xen.h> */
/* Domain identifiers that name no ordinary domain. */
#define DOMID_FIRST_RESERVED 0x7ff0 /* ordinary domains are below          */
#define DOMID_SELF           0x7ff0 /* the caller                          */
#define DOMID_IO             0x7ff1 /* owner of memory-mapped I/O frames   */
#define DOMID_XEN            0x7ff2 /* owner of the hypervisor's frames    */
#define DOMID_COW            0x7ff3 /* owner of shared frames: not used    */
#define DOMID_INVALID        0x7ff4 /* no domain                           */
#define DOMID_IDLE           0x7fff /* physical CPUs that have nothing to do */

#ifndef __ASSEMBLER__
typedef uint16_t domid_t;
#endif
#endif /* __KERNEL__ */

#ifndef __ASSEMBLER__
/* A linear address in the caller's address space; never a host pointer. */
typedef uint64_t pv_gva_t;
#endif

#endif /* PV_ABI_H */
