/* SPDX-License-Identifier: MIT */
/*
 * memory_op: how many frames a domain has, and which.
 */
#ifndef PV_MEMORY_H
#define PV_MEMORY_H

#include <pv/abi.h>

#define XENMEM_increase_reservation 0
#define XENMEM_decrease_reservation 1
#define XENMEM_maximum_ram_page     2
#define XENMEM_current_reservation  3
#define XENMEM_maximum_reservation  4
#define XENMEM_machphys_mfn_list    5
#define XENMEM_populate_physmap     6
#define XENMEM_add_to_physmap       7
#define XENMEM_memory_map           9
#define XENMEM_machine_memory_map   10
#define XENMEM_exchange             11
#define XENMEM_machphys_mapping     12
#define XENMEM_remove_from_physmap  15
#define XENMEM_add_to_physmap_range 23
#define XENMEM_acquire_resource     28

/* struct pv_mem_acquire_resource.type and .id */
#define XENMEM_resource_ioreq_server          0
#define XENMEM_resource_grant_table           1
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1

/* struct pv_e820_entry.type */
#define PV_E820_RAM      1
#define PV_E820_RESERVED 2
#define PV_E820_ACPI     3
#define PV_E820_NVS      4
#define PV_E820_UNUSABLE 5

/* Entries that a memory map holds at most. */
#define PV_E820_MAX 128

#ifndef __ASSEMBLER__

/* increase_reservation, decrease_reservation, populate_physmap */
struct pv_memory_reservation {
	pv_gva_t extent_start; /* uint64_t[nr_extents]: frame numbers     */
	uint64_t nr_extents;
	uint32_t extent_order; /* an extent is 2^order frames             */
	uint32_t address_bits; /* highest address allowed; 0: any         */
	domid_t domid;
	uint16_t pad0[3];
};
PV_ABI_SIZE(struct pv_memory_reservation, 32);
PV_ABI_FIELD(struct pv_memory_reservation, nr_extents, 8);
PV_ABI_FIELD(struct pv_memory_reservation, extent_order, 16);
PV_ABI_FIELD(struct pv_memory_reservation, address_bits, 20);
PV_ABI_FIELD(struct pv_memory_reservation, domid, 24);

/* exchange */
struct pv_memory_exchange {
	struct pv_memory_reservation in;
	struct pv_memory_reservation out;
	uint64_t nr_exchanged; /* IN 0; OUT extents of "in" that are done */
};
PV_ABI_SIZE(struct pv_memory_exchange, 72);
PV_ABI_FIELD(struct pv_memory_exchange, out, 32);
PV_ABI_FIELD(struct pv_memory_exchange, nr_exchanged, 64);

/* machphys_mfn_list */
struct pv_machphys_mfn_list {
	uint32_t max_extents; /* IN  */
	uint32_t pad0;
	pv_gva_t extent_start; /* uint64_t[max_extents]: first frames    */
	uint32_t nr_extents; /* OUT */
	uint32_t pad1;
};
PV_ABI_SIZE(struct pv_machphys_mfn_list, 24);
PV_ABI_FIELD(struct pv_machphys_mfn_list, extent_start, 8);
PV_ABI_FIELD(struct pv_machphys_mfn_list, nr_extents, 16);

/* machphys_mapping */
struct pv_machphys_mapping {
	uint64_t v_start; /* OUT linear addresses          */
	uint64_t v_end;
	uint64_t max_mfn; /* OUT highest frame with an entry */
};
PV_ABI_SIZE(struct pv_machphys_mapping, 24);
PV_ABI_FIELD(struct pv_machphys_mapping, v_end, 8);
PV_ABI_FIELD(struct pv_machphys_mapping, max_mfn, 16);

/* memory_map, machine_memory_map */
struct pv_memory_map {
	uint32_t nr_entries; /* IN room in the buffer; OUT entries written */
	uint32_t pad0;
	pv_gva_t buffer; /* struct pv_e820_entry[nr_entries]           */
};
PV_ABI_SIZE(struct pv_memory_map, 16);
PV_ABI_FIELD(struct pv_memory_map, buffer, 8);

/* 20 bytes: the firmware's format, so addresses are split for alignment. */
struct pv_e820_entry {
	uint32_t addr_low;
	uint32_t addr_high;
	uint32_t size_low;
	uint32_t size_high;
	uint32_t type; /* PV_E820_* */
};
PV_ABI_SIZE(struct pv_e820_entry, 20);
PV_ABI_FIELD(struct pv_e820_entry, size_low, 8);
PV_ABI_FIELD(struct pv_e820_entry, type, 16);

/* acquire_resource */
struct pv_mem_acquire_resource {
	domid_t domid;
	uint16_t type; /* XENMEM_resource_*                          */
	uint32_t id;
	uint32_t nr_frames; /* IN/OUT                                */
	uint32_t flags; /* must be 0                             */
	uint64_t frame; /* first frame of the resource           */
	pv_gva_t frame_list; /* uint64_t[nr_frames]                  */
};
PV_ABI_SIZE(struct pv_mem_acquire_resource, 32);
PV_ABI_FIELD(struct pv_mem_acquire_resource, id, 4);
PV_ABI_FIELD(struct pv_mem_acquire_resource, nr_frames, 8);
PV_ABI_FIELD(struct pv_mem_acquire_resource, frame, 16);
PV_ABI_FIELD(struct pv_mem_acquire_resource, frame_list, 24);

#endif /* __ASSEMBLER__ */
#endif /* PV_MEMORY_H */
