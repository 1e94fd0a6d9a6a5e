/* SPDX-License-Identifier: MIT */
/*
 * The network rings that stock frontends speak: transmit, receive, control.
 */
#ifndef PV_IO_NETIF_H
#define PV_IO_NETIF_H

#include <pv/io/ring.h>
#include <pv/grant_table.h>

/* Slots of one packet that every backend must take. */
#define XEN_NETIF_NR_SLOTS_MIN     18
#define XEN_NETIF_MAX_TX_SIZE      0xffff
#define XEN_NETIF_MAX_XDP_HEADROOM 0x7fff

/* struct pv_netif_tx_request.flags */
#define XEN_NETTXF_csum_blank     0x1
#define XEN_NETTXF_data_validated 0x2
#define XEN_NETTXF_more_data      0x4
#define XEN_NETTXF_extra_info     0x8

/* struct pv_netif_rx_response.flags */
#define XEN_NETRXF_data_validated 0x01
#define XEN_NETRXF_csum_blank     0x02
#define XEN_NETRXF_more_data      0x04
#define XEN_NETRXF_extra_info     0x08
#define XEN_NETRXF_gso_prefix     0x10

/* struct pv_netif_extra_info.type and .flags */
#define XEN_NETIF_EXTRA_TYPE_NONE      0
#define XEN_NETIF_EXTRA_TYPE_GSO       1
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD 2
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL 3
#define XEN_NETIF_EXTRA_TYPE_HASH      4
#define XEN_NETIF_EXTRA_TYPE_XDP       5
#define XEN_NETIF_EXTRA_TYPE_MAX       6
#define XEN_NETIF_EXTRA_FLAG_MORE      1

/* struct pv_netif_extra_info.u.gso.type */
#define XEN_NETIF_GSO_TYPE_NONE  0
#define XEN_NETIF_GSO_TYPE_TCPV4 1
#define XEN_NETIF_GSO_TYPE_TCPV6 2

/* status of a response; of a receive it is the length if positive */
#define XEN_NETIF_RSP_DROPPED (-2)
#define XEN_NETIF_RSP_ERROR   (-1)
#define XEN_NETIF_RSP_OKAY    0
#define XEN_NETIF_RSP_NULL    1

/* Slots of a one-page ring. */
#define XEN_NETIF_TX_SLOTS   256
#define XEN_NETIF_RX_SLOTS   256
#define XEN_NETIF_CTRL_SLOTS 128

/* The control ring. */
#define XEN_NETIF_CTRL_TYPE_INVALID               0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS        1
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS        2
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY          3
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE 4
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE 5
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING      6
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM    7
#define XEN_NETIF_CTRL_STATUS_SUCCESS             0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED       1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER   2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW     3

#ifndef __ASSEMBLER__

struct pv_netif_tx_request {
	grant_ref_t gref;
	uint16_t offset; /* bytes into the frame */
	uint16_t flags; /* XEN_NETTXF_*         */
	uint16_t id; /* echoed               */
	uint16_t size; /* of the packet in the first slot, else of the slot */
};
PV_ABI_SIZE(struct pv_netif_tx_request, 12);
PV_ABI_FIELD(struct pv_netif_tx_request, offset, 4);
PV_ABI_FIELD(struct pv_netif_tx_request, flags, 6);
PV_ABI_FIELD(struct pv_netif_tx_request, id, 8);
PV_ABI_FIELD(struct pv_netif_tx_request, size, 10);

struct pv_netif_tx_response {
	uint16_t id;
	int16_t status; /* XEN_NETIF_RSP_* */
};
PV_ABI_SIZE(struct pv_netif_tx_response, 4);
PV_ABI_FIELD(struct pv_netif_tx_response, status, 2);

struct pv_netif_rx_request {
	uint16_t id; /* echoed */
	uint16_t pad0;
	grant_ref_t gref;
};
PV_ABI_SIZE(struct pv_netif_rx_request, 8);
PV_ABI_FIELD(struct pv_netif_rx_request, gref, 4);

struct pv_netif_rx_response {
	uint16_t id;
	uint16_t offset; /* bytes into the frame     */
	uint16_t flags; /* XEN_NETRXF_*             */
	int16_t status; /* bytes, or XEN_NETIF_RSP_* */
};
PV_ABI_SIZE(struct pv_netif_rx_response, 8);
PV_ABI_FIELD(struct pv_netif_rx_response, offset, 2);
PV_ABI_FIELD(struct pv_netif_rx_response, flags, 4);
PV_ABI_FIELD(struct pv_netif_rx_response, status, 6);

/* Lies in a transmit request's or a receive response's slot. */
struct pv_netif_extra_info {
	uint8_t type; /* XEN_NETIF_EXTRA_TYPE_* */
	uint8_t flags; /* XEN_NETIF_EXTRA_FLAG_* */
	union {
		struct {
			uint16_t size; /* of a segment's payload   */
			uint8_t type; /* XEN_NETIF_GSO_TYPE_*     */
			uint8_t pad;
			uint16_t features;
		} gso;
		struct {
			uint8_t addr[6];
		} mcast;
		struct {
			uint8_t type;
			uint8_t algorithm;
			uint8_t value[4];
		} hash;
		struct {
			uint16_t headroom;
			uint16_t pad[2];
		} xdp;
		uint16_t pad[3];
	} u;
};
PV_ABI_SIZE(struct pv_netif_extra_info, 8);
PV_ABI_FIELD(struct pv_netif_extra_info, u, 2);
PV_ABI_FIELD(struct pv_netif_extra_info, u.gso.type, 4);
PV_ABI_FIELD(struct pv_netif_extra_info, u.gso.features, 6);

struct pv_netif_ctrl_request {
	uint16_t id;
	uint16_t type; /* XEN_NETIF_CTRL_TYPE_* */
	uint32_t data[3];
};
PV_ABI_SIZE(struct pv_netif_ctrl_request, 16);
PV_ABI_FIELD(struct pv_netif_ctrl_request, data, 4);

struct pv_netif_ctrl_response {
	uint16_t id;
	uint16_t type;
	uint32_t status; /* XEN_NETIF_CTRL_STATUS_* */
	uint32_t data;
};
PV_ABI_SIZE(struct pv_netif_ctrl_response, 12);
PV_ABI_FIELD(struct pv_netif_ctrl_response, status, 4);
PV_ABI_FIELD(struct pv_netif_ctrl_response, data, 8);

union pv_netif_tx_slot {
	struct pv_netif_tx_request req;
	struct pv_netif_tx_response rsp;
	struct pv_netif_extra_info extra;
};
PV_ABI_SIZE(union pv_netif_tx_slot, 12);

union pv_netif_rx_slot {
	struct pv_netif_rx_request req;
	struct pv_netif_rx_response rsp;
	struct pv_netif_extra_info extra;
};
PV_ABI_SIZE(union pv_netif_rx_slot, 8);

union pv_netif_ctrl_slot {
	struct pv_netif_ctrl_request req;
	struct pv_netif_ctrl_response rsp;
};
PV_ABI_SIZE(union pv_netif_ctrl_slot, 16);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_NETIF_H */
