/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: lending frames to another domain.
 */
#ifndef PV_GRANT_TABLE_H
#define PV_GRANT_TABLE_H

#include <pv/abi.h>

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* Entries with a fixed use. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* Entry flags: the type, */
#define GTF_invalid         0
#define GTF_permit_access   1
#define GTF_accept_transfer 2
#define GTF_transitive      3
#define GTF_type_mask       3
/* of permit_access and transitive, */
#define GTF_readonly 0x004
#define GTF_reading  0x008 /* by the hypervisor: mapped or being read */
#define GTF_writing  0x010 /* by the hypervisor: mapped writable      */
#define GTF_PWT      0x020
#define GTF_PCD      0x040
#define GTF_PAT      0x080
#define GTF_sub_page 0x100
/* of accept_transfer. */
#define GTF_transfer_committed 0x004
#define GTF_transfer_completed 0x008

/* struct pv_gnttab_map_grant_ref.flags */
#define GNTMAP_device_map       0x01
#define GNTMAP_host_map         0x02
#define GNTMAP_readonly         0x04
#define GNTMAP_application_map  0x08
#define GNTMAP_contains_pte     0x10
#define GNTMAP_guest_avail0     16 /* shift of the bits that go to the PTE */
#define GNTMAP_guest_avail_mask 0xffff0000

/* struct pv_gnttab_copy.flags */
#define GNTCOPY_source_gref 1
#define GNTCOPY_dest_gref   2

/* struct pv_gnttab_cache_flush.op */
#define GNTTAB_CACHE_CLEAN       0x00000001
#define GNTTAB_CACHE_INVAL       0x00000002
#define GNTTAB_CACHE_SOURCE_GREF 0x80000000

/* The status field of each operation. */
#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

#ifndef __ASSEMBLER__

typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t;
typedef uint16_t grant_status_t;

/* A table entry; flags are written last and cleared by compare-exchange. */
struct pv_grant_entry_v1 {
	uint16_t flags; /* GTF_* */
	domid_t domid; /* who may use it */
	uint32_t frame; /* machine frame of the granting domain */
};
PV_ABI_SIZE(struct pv_grant_entry_v1, 8);
PV_ABI_FIELD(struct pv_grant_entry_v1, domid, 2);
PV_ABI_FIELD(struct pv_grant_entry_v1, frame, 4);

struct pv_grant_entry_header {
	uint16_t flags;
	domid_t domid;
};
PV_ABI_SIZE(struct pv_grant_entry_header, 4);

union pv_grant_entry_v2 {
	struct pv_grant_entry_header hdr;
	struct {
		struct pv_grant_entry_header hdr;
		uint32_t pad0;
		uint64_t frame;
	} full_page;
	struct {
		struct pv_grant_entry_header hdr;
		uint16_t page_off; /* bytes */
		uint16_t length; /* bytes */
		uint64_t frame;
	} sub_page;
	struct {
		struct pv_grant_entry_header hdr;
		domid_t trans_domid;
		uint16_t pad0;
		grant_ref_t gref;
	} transitive;
	uint32_t spacer[4];
};
PV_ABI_SIZE(union pv_grant_entry_v2, 16);
PV_ABI_FIELD(union pv_grant_entry_v2, full_page.frame, 8);
PV_ABI_FIELD(union pv_grant_entry_v2, sub_page.length, 6);
PV_ABI_FIELD(union pv_grant_entry_v2, transitive.gref, 8);

struct pv_gnttab_map_grant_ref {
	uint64_t host_addr; /* IN  linear, or machine address of a PTE     */
	uint32_t flags; /* IN  GNTMAP_*                                */
	grant_ref_t ref; /* IN                                          */
	domid_t dom; /* IN  who granted it                          */
	int16_t status; /* OUT GNTST_*                                 */
	grant_handle_t handle; /* OUT for the unmap                        */
	uint64_t dev_bus_addr; /* OUT machine address of the frame         */
};
PV_ABI_SIZE(struct pv_gnttab_map_grant_ref, 32);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, flags, 8);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, ref, 12);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, dom, 16);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, status, 18);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, handle, 20);
PV_ABI_FIELD(struct pv_gnttab_map_grant_ref, dev_bus_addr, 24);

struct pv_gnttab_unmap_grant_ref {
	uint64_t host_addr; /* IN  as given to the map; 0: none         */
	uint64_t dev_bus_addr; /* IN  as the map returned it; 0: none      */
	grant_handle_t handle; /* IN                                       */
	int16_t status; /* OUT GNTST_*                              */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_gnttab_unmap_grant_ref, 24);
PV_ABI_FIELD(struct pv_gnttab_unmap_grant_ref, dev_bus_addr, 8);
PV_ABI_FIELD(struct pv_gnttab_unmap_grant_ref, handle, 16);
PV_ABI_FIELD(struct pv_gnttab_unmap_grant_ref, status, 20);

struct pv_gnttab_setup_table {
	domid_t dom; /* IN                                              */
	uint16_t pad0;
	uint32_t nr_frames; /* IN  frames that the table needs at least */
	int16_t status; /* OUT GNTST_*                              */
	uint16_t pad1[3];
	pv_gva_t frame_list; /* uint64_t[nr_frames]                     */
};
PV_ABI_SIZE(struct pv_gnttab_setup_table, 24);
PV_ABI_FIELD(struct pv_gnttab_setup_table, nr_frames, 4);
PV_ABI_FIELD(struct pv_gnttab_setup_table, status, 8);
PV_ABI_FIELD(struct pv_gnttab_setup_table, frame_list, 16);

struct pv_gnttab_dump_table {
	domid_t dom; /* IN  */
	int16_t status; /* OUT */
};
PV_ABI_SIZE(struct pv_gnttab_dump_table, 4);
PV_ABI_FIELD(struct pv_gnttab_dump_table, status, 2);

struct pv_gnttab_transfer {
	uint64_t mfn; /* IN  */
	domid_t domid; /* IN  */
	uint16_t pad0;
	grant_ref_t ref; /* IN  */
	int16_t status; /* OUT */
	uint16_t pad1[3];
};
PV_ABI_SIZE(struct pv_gnttab_transfer, 24);
PV_ABI_FIELD(struct pv_gnttab_transfer, domid, 8);
PV_ABI_FIELD(struct pv_gnttab_transfer, ref, 12);
PV_ABI_FIELD(struct pv_gnttab_transfer, status, 16);

struct pv_gnttab_copy_ptr {
	union {
		grant_ref_t ref; /* if GNTCOPY_*_gref            */
		uint64_t gmfn; /* machine frame of the domain  */
	} u;
	domid_t domid;
	uint16_t offset; /* bytes into the frame */
	uint32_t pad0;
};
PV_ABI_SIZE(struct pv_gnttab_copy_ptr, 16);
PV_ABI_FIELD(struct pv_gnttab_copy_ptr, domid, 8);
PV_ABI_FIELD(struct pv_gnttab_copy_ptr, offset, 10);

struct pv_gnttab_copy {
	struct pv_gnttab_copy_ptr source; /* IN  */
	struct pv_gnttab_copy_ptr dest; /* IN  */
	uint16_t len; /* IN  bytes     */
	uint16_t flags; /* IN  GNTCOPY_* */
	int16_t status; /* OUT GNTST_*   */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_gnttab_copy, 40);
PV_ABI_FIELD(struct pv_gnttab_copy, dest, 16);
PV_ABI_FIELD(struct pv_gnttab_copy, len, 32);
PV_ABI_FIELD(struct pv_gnttab_copy, flags, 34);
PV_ABI_FIELD(struct pv_gnttab_copy, status, 36);

struct pv_gnttab_query_size {
	domid_t dom; /* IN  */
	uint16_t pad0;
	uint32_t nr_frames; /* OUT */
	uint32_t max_nr_frames; /* OUT */
	int16_t status; /* OUT GNTST_* */
	uint16_t pad1;
};
PV_ABI_SIZE(struct pv_gnttab_query_size, 16);
PV_ABI_FIELD(struct pv_gnttab_query_size, nr_frames, 4);
PV_ABI_FIELD(struct pv_gnttab_query_size, max_nr_frames, 8);
PV_ABI_FIELD(struct pv_gnttab_query_size, status, 12);

struct pv_gnttab_unmap_and_replace {
	uint64_t host_addr; /* IN  linear */
	uint64_t new_addr; /* IN  linear: its PTE moves to host_addr */
	grant_handle_t handle; /* IN  */
	int16_t status; /* OUT GNTST_* */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_gnttab_unmap_and_replace, 24);
PV_ABI_FIELD(struct pv_gnttab_unmap_and_replace, new_addr, 8);
PV_ABI_FIELD(struct pv_gnttab_unmap_and_replace, handle, 16);
PV_ABI_FIELD(struct pv_gnttab_unmap_and_replace, status, 20);

struct pv_gnttab_set_version {
	uint32_t version; /* IN wanted; OUT in use */
};
PV_ABI_SIZE(struct pv_gnttab_set_version, 4);

struct pv_gnttab_get_status_frames {
	uint32_t nr_frames; /* IN                     */
	domid_t dom; /* IN                     */
	int16_t status; /* OUT GNTST_*            */
	pv_gva_t frame_list; /* uint64_t[nr_frames]    */
};
PV_ABI_SIZE(struct pv_gnttab_get_status_frames, 16);
PV_ABI_FIELD(struct pv_gnttab_get_status_frames, dom, 4);
PV_ABI_FIELD(struct pv_gnttab_get_status_frames, status, 6);
PV_ABI_FIELD(struct pv_gnttab_get_status_frames, frame_list, 8);

struct pv_gnttab_get_version {
	domid_t dom; /* IN  */
	uint16_t pad0;
	uint32_t version; /* OUT */
};
PV_ABI_SIZE(struct pv_gnttab_get_version, 8);
PV_ABI_FIELD(struct pv_gnttab_get_version, version, 4);

struct pv_gnttab_swap_grant_ref {
	grant_ref_t ref_a; /* IN  */
	grant_ref_t ref_b; /* IN  */
	int16_t status; /* OUT GNTST_* */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_gnttab_swap_grant_ref, 12);
PV_ABI_FIELD(struct pv_gnttab_swap_grant_ref, status, 8);

struct pv_gnttab_cache_flush {
	union {
		uint64_t dev_bus_addr;
		grant_ref_t ref;
	} a;
	uint16_t offset; /* bytes */
	uint16_t length; /* bytes */
	uint32_t op; /* GNTTAB_CACHE_* */
};
PV_ABI_SIZE(struct pv_gnttab_cache_flush, 16);
PV_ABI_FIELD(struct pv_gnttab_cache_flush, offset, 8);
PV_ABI_FIELD(struct pv_gnttab_cache_flush, op, 12);

#endif /* __ASSEMBLER__ */
#endif /* PV_GRANT_TABLE_H */
