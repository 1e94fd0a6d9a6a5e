/* SPDX-License-Identifier: MIT */
/*
 * The store's wire format: message numbers, the header, the ring page.
 *
 * Every message in either direction is a struct xs_hdr followed by len bytes.
 * Over a socket the bytes are a plain stream; over a domain's ring page the
 * same stream goes through two 1 KiB circular buffers.  Fields are little
 * endian on the wire (the only byte order a 64-bit PV guest has).
 */
#ifndef TOOLS_XS_WIRE_H
#define TOOLS_XS_WIRE_H

#include <stdint.h>

enum xs_type {
	XS_CONTROL = 0,
	XS_DIRECTORY = 1,
	XS_READ = 2,
	XS_GET_PERMS = 3,
	XS_WATCH = 4,
	XS_UNWATCH = 5,
	XS_TRANSACTION_START = 6,
	XS_TRANSACTION_END = 7,
	XS_INTRODUCE = 8,
	XS_RELEASE = 9,
	XS_GET_DOMAIN_PATH = 10,
	XS_WRITE = 11,
	XS_MKDIR = 12,
	XS_RM = 13,
	XS_SET_PERMS = 14,
	XS_WATCH_EVENT = 15, /* daemon to client only */
	XS_ERROR = 16, /* daemon to client only */
	XS_IS_DOMAIN_INTRODUCED = 17,
	XS_RESUME = 18,
	XS_SET_TARGET = 19,
	/* 20 was RESTRICT and is not valid any more */
	XS_RESET_WATCHES = 21,
	XS_DIRECTORY_PART = 22,
	XS_GET_FEATURE = 23,
	XS_SET_FEATURE = 24,
	XS_GET_QUOTA = 25,
	XS_SET_QUOTA = 26,
	XS_TYPE_COUNT = 27,
};

struct xs_hdr {
	uint32_t type;
	uint32_t req_id; /* echoed in the reply                     */
	uint32_t tx_id; /* 0: outside of any transaction           */
	uint32_t len; /* bytes that follow, at most XS_PAYLOAD_MAX */
};
_Static_assert(sizeof(struct xs_hdr) == 16, "wire header");

#define XS_PAYLOAD_MAX  4096
#define XS_ABS_PATH_MAX 3072 /* bytes, without the ending NUL */
#define XS_REL_PATH_MAX 2048

#define XS_RING_SIZE    1024
#define XS_RING_MASK(x) ((x) & (XS_RING_SIZE - 1))

/* The shared page of a domain.  Offsets run freely, modulo 2^32. */
struct xs_ring_page {
	uint8_t req[XS_RING_SIZE]; /* guest to daemon */
	uint8_t rsp[XS_RING_SIZE]; /* daemon to guest */
	uint32_t req_cons, req_prod;
	uint32_t rsp_cons, rsp_prod;
	uint32_t features; /* XS_FEATURE_*: what the daemon offers  */
	uint32_t connection; /* XS_RING_*: the guest may set RECONNECT */
	uint32_t error; /* XS_RING_ERR_*: why the daemon gave up  */
};
_Static_assert(__builtin_offsetof(struct xs_ring_page, req_cons) == 2048, "");
_Static_assert(__builtin_offsetof(struct xs_ring_page, error) == 2072, "");

#define XS_FEATURE_RECONNECTION 1u /* a guest may ask for a fresh ring   */
#define XS_FEATURE_ERROR        2u /* the error field is there           */
#define XS_FEATURE_WATCHDEPTH   4u /* WATCH takes a third field          */
#define XS_FEATURE_ALL          7u

#define XS_RING_CONNECTED       0
#define XS_RING_RECONNECT       1

#define XS_RING_ERR_NONE        0
#define XS_RING_ERR_COMM        1 /* the event channel does not work    */
#define XS_RING_ERR_RINGIDX     2 /* producer and consumer disagree     */
#define XS_RING_ERR_PROTO       3 /* a message that is too long         */

/* Domain ids: real ones are below DOMID_FIRST_RESERVED. */
#define XS_DOMID_FIRST_RESERVED 0x7ff0u
#define XS_DOMID_SELF           0x7ff0u

/*
 * Errors travel by name.  X(name) for each name that a client may meet; the
 * first one stands in for an error number that has no name here.
 */
#define XS_ERRORS(X)                                                           \
	X(EINVAL)                                                              \
	X(EACCES)                                                              \
	X(EEXIST)                                                              \
	X(EISDIR)                                                              \
	X(ENOENT)                                                              \
	X(ENOMEM)                                                              \
	X(ENOSPC)                                                              \
	X(EIO)                                                                 \
	X(ENOTEMPTY)                                                           \
	X(ENOSYS)                                                              \
	X(EROFS)                                                               \
	X(EBUSY)                                                               \
	X(EAGAIN)                                                              \
	X(EISCONN)                                                             \
	X(E2BIG)                                                               \
	X(EPERM)

#endif
