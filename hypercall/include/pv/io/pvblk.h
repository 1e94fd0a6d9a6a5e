/* SPDX-License-Identifier: MIT */
/*
 * The block ring of Parapet's own frontends: memory that is granted once, no
 * grant in any request.  ABI.md 18 gives the meaning.
 */
#ifndef PV_IO_PVBLK_H
#define PV_IO_PVBLK_H

#include <pv/abi.h>

#define PV_BLK_VERSION    1
#define PV_BLK_MAGIC      0x31626b70 /* "pkb1" */
#define PV_BLK_TAGS       128
#define PV_BLK_RING_PAGES 2
#define PV_BLK_DIR_REFS   1008
#define PV_BLK_DATA_PAGES 1006
#define PV_BLK_SECTOR     512
#define PV_BLK_NO_LAP     0xff

/* op */
#define PV_BLK_READ         0
#define PV_BLK_WRITE        1
#define PV_BLK_FLUSH        2
#define PV_BLK_DISCARD      3
#define PV_BLK_WRITE_ZEROES 4

/* struct pv_blk_request.flags */
#define PV_BLK_FUA 0x1

/* status */
#define PV_BLK_OK          0
#define PV_BLK_IO_ERROR    1
#define PV_BLK_UNSUPPORTED 2
#define PV_BLK_REFUSED     3

/* struct pv_blk_config.flags */
#define PV_BLK_F_READONLY     0x1
#define PV_BLK_F_CDROM        0x2
#define PV_BLK_F_FLUSH        0x4
#define PV_BLK_F_DISCARD      0x8
#define PV_BLK_F_WRITE_ZEROES 0x10

#ifndef __ASSEMBLER__

/* One page: where the others of a queue are. */
struct pv_blk_dir {
	uint32_t magic; /* PV_BLK_MAGIC                               */
	uint16_t version; /* PV_BLK_VERSION                             */
	uint16_t nr_data; /* pages of data, up to PV_BLK_DATA_PAGES     */
	uint8_t reserved[56]; /* zero                               */
	uint32_t ref[PV_BLK_DIR_REFS]; /* ring pages, then data     */
};
PV_ABI_SIZE(struct pv_blk_dir, 4096);
PV_ABI_FIELD(struct pv_blk_dir, version, 4);
PV_ABI_FIELD(struct pv_blk_dir, nr_data, 6);
PV_ABI_FIELD(struct pv_blk_dir, ref, 64);

/* What the disk is: the backend's, consistent while generation is even and
 * stays what it was. */
struct pv_blk_config {
	uint32_t generation;
	uint32_t flags; /* PV_BLK_F_*                                   */
	uint64_t sectors; /* of 512 bytes                               */
	uint32_t logical; /* bytes: smallest part, 512 to 4096          */
	uint32_t physical; /* bytes: best part                          */
	uint32_t discard; /* bytes: granularity of discards             */
	uint32_t max_sectors; /* of one read or write                   */
	uint8_t pad[32];
};
PV_ABI_SIZE(struct pv_blk_config, 64);
PV_ABI_FIELD(struct pv_blk_config, flags, 4);
PV_ABI_FIELD(struct pv_blk_config, sectors, 8);
PV_ABI_FIELD(struct pv_blk_config, logical, 16);
PV_ABI_FIELD(struct pv_blk_config, physical, 20);
PV_ABI_FIELD(struct pv_blk_config, discard, 24);
PV_ABI_FIELD(struct pv_blk_config, max_sectors, 28);

/* One for each tag; the frontend's while the tag is not under way. */
struct pv_blk_request {
	uint32_t seq; /* index in sq under which it was submitted       */
	uint8_t busy; /* from before it is submitted until answered     */
	uint8_t op; /* PV_BLK_READ ...                                 */
	uint8_t flags; /* PV_BLK_FUA                                    */
	uint8_t reserved; /* zero                                       */
	uint64_t sector;
	uint32_t nr_sectors;
	uint32_t data; /* bytes from the first data page, a multiple of 512 */
	uint8_t pad[8];
};
PV_ABI_SIZE(struct pv_blk_request, 32);
PV_ABI_FIELD(struct pv_blk_request, busy, 4);
PV_ABI_FIELD(struct pv_blk_request, op, 5);
PV_ABI_FIELD(struct pv_blk_request, flags, 6);
PV_ABI_FIELD(struct pv_blk_request, sector, 8);
PV_ABI_FIELD(struct pv_blk_request, nr_sectors, 16);
PV_ABI_FIELD(struct pv_blk_request, data, 20);

struct pv_blk_answer {
	uint32_t seq; /* the request's                                  */
	uint8_t tag;
	uint8_t lap; /* index of this answer / PV_BLK_TAGS, modulo 256  */
	uint16_t status; /* PV_BLK_OK ...                               */
};
PV_ABI_SIZE(struct pv_blk_answer, 8);
PV_ABI_FIELD(struct pv_blk_answer, tag, 4);
PV_ABI_FIELD(struct pv_blk_answer, lap, 5);
PV_ABI_FIELD(struct pv_blk_answer, status, 6);

/* Written and read whole. */
union pv_blk_done {
	struct pv_blk_answer answer;
	uint64_t all;
};
PV_ABI_SIZE(union pv_blk_done, 8);

/* The first two pages of a queue. */
struct pv_blk_ring {
	/* The frontend's line. */
	uint32_t sq_prod; /* requests submitted                         */
	uint32_t cq_event; /* tell me when cq_prod passes this          */
	uint8_t pad0[56];
	/* The backend's. */
	uint32_t cq_prod; /* requests answered                          */
	uint32_t sq_event; /* tell me when sq_prod passes this          */
	uint8_t pad1[56];
	struct pv_blk_config config;
	uint8_t pad2[64];
	uint16_t sq[PV_BLK_TAGS]; /* tags: the frontend's               */
	union pv_blk_done cq[PV_BLK_TAGS]; /* the backend's            */
	uint8_t pad3[2560];
	struct pv_blk_request rq[PV_BLK_TAGS];
};
PV_ABI_SIZE(struct pv_blk_ring, 8192);
PV_ABI_FIELD(struct pv_blk_ring, cq_event, 4);
PV_ABI_FIELD(struct pv_blk_ring, cq_prod, 64);
PV_ABI_FIELD(struct pv_blk_ring, sq_event, 68);
PV_ABI_FIELD(struct pv_blk_ring, config, 128);
PV_ABI_FIELD(struct pv_blk_ring, sq, 256);
PV_ABI_FIELD(struct pv_blk_ring, cq, 512);
PV_ABI_FIELD(struct pv_blk_ring, rq, 4096);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_PVBLK_H */
