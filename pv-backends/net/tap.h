/* SPDX-License-Identifier: MIT */
/*
 * The TAP of an interface: an end in the control domain, on a bridge.
 *
 * It stays when this process ends, so that a successor finds it on its bridge;
 * tap_remove() takes it away.  Once it is open nothing needs rights.
 *
 * Functions return 0, or -1 with a line in why[].
 */
#ifndef PV_BACKENDS_NET_TAP_H
#define PV_BACKENDS_NET_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pv-backends/net/link.h"
#include "pv-backends/net/packet.h"

enum {
	TAP_MAX_QUEUES = 4,
	TAP_WHY = 256,
};

struct tap_options {
	const char *name; /* of the interface to make                    */
	const char *alias; /* and another one, that tells whose it is     */
	const char *bridge;
	bool openvswitch; /* the bridge is one of Open vSwitch            */
	unsigned char mac[6]; /* the guest's                              */
	uint32_t mtu; /* 0: the bridge's                                  */
	unsigned int queues; /* the most that will be used                */
};

struct ovs;

struct tap {
	char name[LINK_NAME];
	int fd[TAP_MAX_QUEUES]; /* -1: not open */
	unsigned int queues; /* that are open */
	unsigned int used; /* queues that take packets */
	struct ovs *ovs;
};

int tap_open(struct tap *t, const struct tap_options *opt, char why[TAP_WHY]);
/* Let go of it; remove: it disappears, and its port of the bridge too. */
void tap_close(struct tap *t, bool remove);

/* The guest is there: that many queues get packets, which it takes so. */
int tap_start(struct tap *t, unsigned int queues,
	      const struct net_offers *offers, char why[TAP_WHY]);
/* It is not: nothing is sent to it. */
void tap_stop(struct tap *t);

/* Remove the interface of that alias, if there is one. */
void tap_sweep(const char *alias);

#endif
