/* SPDX-License-Identifier: MIT */
/*
 * The shape that all request-response rings have in common.
 *
 * One page, or 2^n pages: this header, then a power of two of slots that hold
 * a request or its response.  Indices run freely and wrap at 2^32; a slot is
 * index modulo the number of slots.  ABI.md gives the order of the accesses.
 */
#ifndef PV_IO_RING_H
#define PV_IO_RING_H

#include <pv/abi.h>

#define PV_RING_HEADER_SIZE 64

#ifndef __ASSEMBLER__

struct pv_ring_header {
	uint32_t req_prod; /* frontend: requests it has written            */
	uint32_t req_event; /* backend: tell me when req_prod reaches this  */
	uint32_t rsp_prod; /* backend: responses it has written            */
	uint32_t rsp_event; /* frontend: tell me when rsp_prod reaches this */
	uint8_t pad[48];
};
PV_ABI_SIZE(struct pv_ring_header, PV_RING_HEADER_SIZE);
PV_ABI_FIELD(struct pv_ring_header, req_event, 4);
PV_ABI_FIELD(struct pv_ring_header, rsp_prod, 8);
PV_ABI_FIELD(struct pv_ring_header, rsp_event, 12);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_RING_H */
