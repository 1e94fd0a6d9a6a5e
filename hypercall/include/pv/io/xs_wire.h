/* SPDX-License-Identifier: MIT */
/*
 * The store's messages and its ring.
 */
#ifndef PV_IO_XS_WIRE_H
#define PV_IO_XS_WIRE_H

#include <pv/abi.h>

/* struct pv_xsd_sockmsg.type */
#define XS_CONTROL              0
#define XS_DIRECTORY            1
#define XS_READ                 2
#define XS_GET_PERMS            3
#define XS_WATCH                4
#define XS_UNWATCH              5
#define XS_TRANSACTION_START    6
#define XS_TRANSACTION_END      7
#define XS_INTRODUCE            8
#define XS_RELEASE              9
#define XS_GET_DOMAIN_PATH      10
#define XS_WRITE                11
#define XS_MKDIR                12
#define XS_RM                   13
#define XS_SET_PERMS            14
#define XS_WATCH_EVENT          15
#define XS_ERROR                16
#define XS_IS_DOMAIN_INTRODUCED 17
#define XS_RESUME               18
#define XS_SET_TARGET           19
#define XS_RESET_WATCHES        21
#define XS_DIRECTORY_PART       22
#define XS_TYPE_COUNT           23
#define XS_INVALID              0xffff

/* Limits, in bytes. */
#define XENSTORE_RING_SIZE    1024
#define XENSTORE_PAYLOAD_MAX  4096
#define XENSTORE_ABS_PATH_MAX 3072
#define XENSTORE_REL_PATH_MAX 2048

/* struct pv_xenstore_domain_interface.server_features */
#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR        2

/* .connection */
#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1

/* .error */
#define XENSTORE_ERROR_NONE    0
#define XENSTORE_ERROR_COMM    1
#define XENSTORE_ERROR_RINGIDX 2
#define XENSTORE_ERROR_PROTO   3

#ifndef __ASSEMBLER__

struct pv_xsd_sockmsg {
	uint32_t type; /* XS_*                              */
	uint32_t req_id; /* echoed                            */
	uint32_t tx_id; /* transaction; 0: none              */
	uint32_t len; /* bytes that follow                 */
};
PV_ABI_SIZE(struct pv_xsd_sockmsg, 16);
PV_ABI_FIELD(struct pv_xsd_sockmsg, req_id, 4);
PV_ABI_FIELD(struct pv_xsd_sockmsg, tx_id, 8);
PV_ABI_FIELD(struct pv_xsd_sockmsg, len, 12);

struct pv_xenstore_domain_interface {
	char req[XENSTORE_RING_SIZE]; /* to the store   */
	char rsp[XENSTORE_RING_SIZE]; /* from the store */
	uint32_t req_cons;
	uint32_t req_prod;
	uint32_t rsp_cons;
	uint32_t rsp_prod;
	uint32_t server_features;
	uint32_t connection;
	uint32_t error;
};
PV_ABI_SIZE(struct pv_xenstore_domain_interface, 2076);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, rsp, 1024);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, req_cons, 2048);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, req_prod, 2052);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, rsp_cons, 2056);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, rsp_prod, 2060);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, server_features, 2064);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, connection, 2068);
PV_ABI_FIELD(struct pv_xenstore_domain_interface, error, 2072);

#endif /* __ASSEMBLER__ */
#endif /* PV_IO_XS_WIRE_H */
