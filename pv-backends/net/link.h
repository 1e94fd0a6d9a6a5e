/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces, through rtnetlink.
 *
 * Functions return 0 or a negative errno.
 */
#ifndef PV_BACKENDS_NET_LINK_H
#define PV_BACKENDS_NET_LINK_H

#include <stdint.h>

enum {
	LINK_NAME = 16, /* IFNAMSIZ */
	LINK_ALIAS = 64, /* longest alternative name that is used here */
};

struct link_info {
	int index;
	uint32_t mtu;
	int master; /* index of the bridge it belongs to; 0: none */
	char kind[16]; /* "bridge", "tun", ... or "" */
};

/* A descriptor for the calls below. */
int link_open(void);

/* By name, or by alternative name; -ENODEV. */
int link_find(int fd, const char *name, struct link_info *info);

struct link_change {
	const unsigned char *mac; /* NULL: as it is */
	uint32_t mtu; /* 0: as it is */
	int master; /* 0: as it is */
};

/* Set it up, with those changes. */
int link_set_up(int fd, int index, const struct link_change *change);
/* The control domain has no address of its own on it. */
int link_no_addresses(int fd, int index);
int link_add_alias(int fd, int index, const char *alias);
int link_delete(int fd, int index);

#endif
