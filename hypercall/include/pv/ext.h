/* SPDX-License-Identifier: MIT */
/*
 * Parapet's extensions of the stock interface: how a guest finds them.
 *
 * A guest finds Parapet by CPUID (through PV_EMULATE_PREFIX, or unprefixed
 * where the CPU faults CPUID): it tries leaf base 0x40000000, 0x40000100, ...
 * 0x40010000 until EBX, ECX, EDX spell "ParapetPV" and three zero bytes.
 * ext_op gives the same words to a kernel that cannot execute CPUID yet.  A
 * clear bit means that the extension must not be used.
 */
#ifndef PV_EXT_H
#define PV_EXT_H

#include <pv/abi.h>

/* ext_op commands. */
#define PV_EXT_get_features 0

/* The version of this scheme. */
#define PV_EXT_VERSION 1

/* Feature words, of 32 bits each, that are defined. */
#define PV_EXT_NR_WORDS 1

/* CPUID. */
#define PV_EXT_CPUID_FIRST_LEAF    0x40000000
#define PV_EXT_CPUID_LEAF_STEP     0x100
#define PV_EXT_CPUID_LAST_BASE     0x40010000
#define PV_EXT_CPUID_SIGNATURE_EBX 0x61726150
#define PV_EXT_CPUID_SIGNATURE_ECX 0x50746570
#define PV_EXT_CPUID_SIGNATURE_EDX 0x00000056
#define PV_EXT_CPUID_NR_LEAVES     2 /* after the base: version, features */

#ifndef __ASSEMBLER__

struct pv_ext_features {
	uint32_t word; /* IN  which word; at or beyond the last: 0 bits */
	uint32_t bits; /* OUT its feature bits                          */
	uint32_t version; /* OUT PV_EXT_VERSION                        */
	uint32_t nr_words; /* OUT PV_EXT_NR_WORDS                       */
};
PV_ABI_SIZE(struct pv_ext_features, 16);
PV_ABI_FIELD(struct pv_ext_features, bits, 4);
PV_ABI_FIELD(struct pv_ext_features, version, 8);
PV_ABI_FIELD(struct pv_ext_features, nr_words, 12);

#endif /* __ASSEMBLER__ */
#endif /* PV_EXT_H */
