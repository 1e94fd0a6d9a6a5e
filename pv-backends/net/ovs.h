/* SPDX-License-Identifier: MIT */
/*
 * A port of an Open vSwitch bridge, for as long as the device lives.
 *
 * The connection to its database is kept: once rights are dropped it could not
 * be made again.
 */
#ifndef PV_BACKENDS_NET_OVS_H
#define PV_BACKENDS_NET_OVS_H

#include <stdbool.h>
#include <stddef.h>

struct ovs;

/* Make the interface a port of the bridge, unless it is one; NULL: see why. */
struct ovs *ovs_attach(const char *bridge, const char *interface, char *why,
		       size_t len);
void ovs_close(struct ovs *o, bool remove);

#endif
