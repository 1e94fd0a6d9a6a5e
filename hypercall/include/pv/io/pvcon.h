/* SPDX-License-Identifier: MIT */
/*
 * The console ring of Parapet's own frontends: two pipes of bytes in memory
 * that is granted once.  ABI.md 20 gives the meaning.
 */
#ifndef PV_IO_PVCON_H
#define PV_IO_PVCON_H

#include <pv/abi.h>

#define PV_CON_VERSION    1
#define PV_CON_MAGIC      0x31636b70 /* "pkc1" */
#define PV_CON_RING_PAGES 1
#define PV_CON_DIR_REFS   1008
#define PV_CON_AREA_MAX   64

/* struct pv_con_ring.front_state */
#define PV_CON_OPEN 0x1

#ifndef __ASSEMBLER__

/* One page: where the others are. */
struct pv_con_dir {
	uint32_t magic; /* PV_CON_MAGIC                               */
	uint16_t version; /* PV_CON_VERSION                             */
	uint16_t nr_out; /* pages of text from the guest               */
	uint16_t nr_in; /* pages of text to it                        */
	uint8_t reserved[54]; /* zero                                 */
	uint32_t ref[PV_CON_DIR_REFS]; /* ring, out, in               */
};
PV_ABI_SIZE(struct pv_con_dir, 4096);
PV_ABI_FIELD(struct pv_con_dir, version, 4);
PV_ABI_FIELD(struct pv_con_dir, nr_out, 6);
PV_ABI_FIELD(struct pv_con_dir, nr_in, 8);
PV_ABI_FIELD(struct pv_con_dir, ref, 64);

/* What one end says about the pipe that it fills and the one that it drains. */
struct pv_con_end {
	uint32_t prod; /* bytes put in                                */
	uint32_t cons; /* bytes taken out                             */
	uint32_t prod_event; /* tell me when the other's prod passes this */
	uint32_t cons_event; /* tell me when the other's cons passes this */
};
PV_ABI_SIZE(struct pv_con_end, 16);
PV_ABI_FIELD(struct pv_con_end, cons, 4);
PV_ABI_FIELD(struct pv_con_end, prod_event, 8);
PV_ABI_FIELD(struct pv_con_end, cons_event, 12);

struct pv_con_ring {
	struct pv_con_end front;
	uint32_t front_state; /* PV_CON_OPEN: a program uses it       */
	uint8_t pad0[44];
	struct pv_con_end back;
	uint32_t window; /* rows in bits 31-16, columns in 15-0; 0: unknown */
	uint8_t pad1[4012];
};
PV_ABI_SIZE(struct pv_con_ring, 4096);
PV_ABI_FIELD(struct pv_con_ring, front_state, 16);
PV_ABI_FIELD(struct pv_con_ring, back, 64);
PV_ABI_FIELD(struct pv_con_ring, window, 80);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_PVCON_H */
