/* SPDX-License-Identifier: MIT */
/*
 * xen_version: what the caller runs on; and the CPUID leaves that say so.
 */
#ifndef PV_VERSION_H
#define PV_VERSION_H

#include <pv/abi.h>
#include <pv/features.h>

#define XENVER_version             0
#define XENVER_extraversion        1
#define XENVER_compile_info        2
#define XENVER_capabilities        3
#define XENVER_changeset           4
#define XENVER_platform_parameters 5
#define XENVER_get_features        6
#define XENVER_pagesize            7
#define XENVER_guest_handle        8
#define XENVER_commandline         9
#define XENVER_build_id            10

/* The interface version that is answered: major << 16 | minor. */
#define PV_VERSION_MAJOR 4
#define PV_VERSION_MINOR 17

/* CPUID, from this leaf on: "XenVMMXenVMM" in EBX, ECX, EDX. */
#define XEN_CPUID_FIRST_LEAF     0x40000000
#define XEN_CPUID_SIGNATURE_EBX  0x566e6558
#define XEN_CPUID_SIGNATURE_ECX  0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX  0x4d4d566e
#define XEN_CPUID_MAX_NUM_LEAVES 5

#ifndef __ASSEMBLER__

struct pv_extraversion {
	char extraversion[16];
};
PV_ABI_SIZE(struct pv_extraversion, 16);

struct pv_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
};
PV_ABI_SIZE(struct pv_compile_info, 144);
PV_ABI_FIELD(struct pv_compile_info, compile_by, 64);
PV_ABI_FIELD(struct pv_compile_info, compile_domain, 80);
PV_ABI_FIELD(struct pv_compile_info, compile_date, 112);

struct pv_capabilities_info {
	char info[1024];
};
PV_ABI_SIZE(struct pv_capabilities_info, 1024);

struct pv_changeset_info {
	char info[64];
};
PV_ABI_SIZE(struct pv_changeset_info, 64);

struct pv_platform_parameters {
	uint64_t virt_start; /* of the reserved hole */
};
PV_ABI_SIZE(struct pv_platform_parameters, 8);

struct pv_feature_info {
	uint32_t submap_idx; /* IN  which 32 features */
	uint32_t submap; /* OUT one bit for each  */
};
PV_ABI_SIZE(struct pv_feature_info, 8);
PV_ABI_FIELD(struct pv_feature_info, submap, 4);

struct pv_domain_handle {
	uint8_t uuid[16];
};
PV_ABI_SIZE(struct pv_domain_handle, 16);

struct pv_commandline {
	char buf[1024];
};
PV_ABI_SIZE(struct pv_commandline, 1024);

/* The bytes of the build id follow. */
struct pv_build_id {
	uint32_t len; /* IN room after this field */
};
PV_ABI_SIZE(struct pv_build_id, 4);

#endif /* __ASSEMBLER__ */
#endif /* PV_VERSION_H */
