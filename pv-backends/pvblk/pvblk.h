/* SPDX-License-Identifier: MIT */
/*
 * Serving a disk through the own block ring (ABI.md 18) instead of the stock
 * one: what blk/main.c asks for.  Functions that return int return 0, or -1
 * after xb_error().
 */
#ifndef PV_BACKENDS_PVBLK_PVBLK_H
#define PV_BACKENDS_PVBLK_PVBLK_H

#include <stdbool.h>

struct blk;
struct pvblk;

/* store_put() that it is spoken here. */
void pvblk_publish(struct blk *b);
/* HOSTILE: does the frontend ask for it?  -1: what it asks for is nonsense. */
int pvblk_wanted(struct blk *b, bool *wanted);
/* Serve b->nr_queues queues; b->pv is set from here to pvblk_detach(). */
int pvblk_attach(struct blk *b);
void pvblk_detach(struct blk *b);
/* The disk has another size. */
void pvblk_resized(struct blk *b);

#endif
