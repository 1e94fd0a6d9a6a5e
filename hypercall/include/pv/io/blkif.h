/* SPDX-License-Identifier: MIT */
/*
 * The block ring that stock frontends speak.
 */
#ifndef PV_IO_BLKIF_H
#define PV_IO_BLKIF_H

#include <pv/io/ring.h>
#include <pv/grant_table.h>

/* operation */
#define BLKIF_OP_READ            0
#define BLKIF_OP_WRITE           1
#define BLKIF_OP_WRITE_BARRIER   2
#define BLKIF_OP_FLUSH_DISKCACHE 3
#define BLKIF_OP_DISCARD         5
#define BLKIF_OP_INDIRECT        6

/* status */
#define BLKIF_RSP_OKAY                       0
#define BLKIF_RSP_ERROR                      (-1)
#define BLKIF_RSP_EOPNOTSUPP                 (-2)

#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8
#define BLKIF_SECTOR_SIZE                    512
#define BLKIF_SLOTS_PER_PAGE                 32

/* struct pv_blkif_discard.flag */
#define BLKIF_DISCARD_SECURE 1

/* The "info" key of the backend. */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

#ifndef __ASSEMBLER__

struct pv_blkif_segment {
	grant_ref_t gref;
	uint8_t first_sect; /* 512-byte sectors of the frame, inclusive */
	uint8_t last_sect;
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_blkif_segment, 8);
PV_ABI_FIELD(struct pv_blkif_segment, first_sect, 4);
PV_ABI_FIELD(struct pv_blkif_segment, last_sect, 5);

/* BLKIF_OP_READ, _WRITE, _WRITE_BARRIER, _FLUSH_DISKCACHE */
struct pv_blkif_request {
	uint8_t operation;
	uint8_t nr_segments;
	uint16_t handle;
	uint32_t pad0;
	uint64_t id; /* the frontend's own; echoed */
	uint64_t sector_number;
	struct pv_blkif_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
PV_ABI_SIZE(struct pv_blkif_request, 112);
PV_ABI_FIELD(struct pv_blkif_request, nr_segments, 1);
PV_ABI_FIELD(struct pv_blkif_request, handle, 2);
PV_ABI_FIELD(struct pv_blkif_request, id, 8);
PV_ABI_FIELD(struct pv_blkif_request, sector_number, 16);
PV_ABI_FIELD(struct pv_blkif_request, seg, 24);

struct pv_blkif_discard {
	uint8_t operation;
	uint8_t flag; /* BLKIF_DISCARD_* */
	uint16_t pad0;
	uint32_t pad1;
	uint64_t id;
	uint64_t sector_number;
	uint64_t nr_sectors;
};
PV_ABI_SIZE(struct pv_blkif_discard, 32);
PV_ABI_FIELD(struct pv_blkif_discard, flag, 1);
PV_ABI_FIELD(struct pv_blkif_discard, id, 8);
PV_ABI_FIELD(struct pv_blkif_discard, sector_number, 16);
PV_ABI_FIELD(struct pv_blkif_discard, nr_sectors, 24);

struct pv_blkif_indirect {
	uint8_t operation; /* BLKIF_OP_INDIRECT               */
	uint8_t indirect_op; /* BLKIF_OP_READ or BLKIF_OP_WRITE */
	uint16_t nr_segments;
	uint32_t pad0;
	uint64_t id;
	uint64_t sector_number;
	uint16_t handle;
	uint16_t pad1;
	grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
	uint32_t pad2;
};
PV_ABI_SIZE(struct pv_blkif_indirect, 64);
PV_ABI_FIELD(struct pv_blkif_indirect, indirect_op, 1);
PV_ABI_FIELD(struct pv_blkif_indirect, nr_segments, 2);
PV_ABI_FIELD(struct pv_blkif_indirect, id, 8);
PV_ABI_FIELD(struct pv_blkif_indirect, sector_number, 16);
PV_ABI_FIELD(struct pv_blkif_indirect, handle, 24);
PV_ABI_FIELD(struct pv_blkif_indirect, indirect_grefs, 28);

struct pv_blkif_response {
	uint64_t id;
	uint8_t operation;
	uint8_t pad0;
	int16_t status; /* BLKIF_RSP_* */
	uint32_t pad1;
};
PV_ABI_SIZE(struct pv_blkif_response, 16);
PV_ABI_FIELD(struct pv_blkif_response, operation, 8);
PV_ABI_FIELD(struct pv_blkif_response, status, 10);

union pv_blkif_slot {
	struct pv_blkif_request req;
	struct pv_blkif_discard discard;
	struct pv_blkif_indirect indirect;
	struct pv_blkif_response rsp;
};
PV_ABI_SIZE(union pv_blkif_slot, 112);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_BLKIF_H */
