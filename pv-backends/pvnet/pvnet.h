/* SPDX-License-Identifier: MIT */
/*
 * Serving an interface through the own network ring (ABI.md 19) instead of the
 * stock ones: what net/main.c asks for.  Functions that return int return 0,
 * or -1 after xb_error().
 */
#ifndef PV_BACKENDS_PVNET_PVNET_H
#define PV_BACKENDS_PVNET_PVNET_H

#include <stdbool.h>

struct net;
struct pvnet;

/* store_put() that it is spoken here. */
void pvnet_publish(struct net *n);
/* HOSTILE: does the frontend ask for it?  -1: what it asks for is nonsense. */
int pvnet_wanted(struct net *n, bool *wanted);
/* Serve the queues that the frontend has; n->pv is set from here to
 * pvnet_detach(). */
int pvnet_attach(struct net *n);
void pvnet_detach(struct net *n);

#endif
