/* SPDX-License-Identifier: MIT */
/* A heap of timers, the earliest first.  See heap.c. */
#ifndef HV_TIME_HEAP_H
#define HV_TIME_HEAP_H

#include "hv/time/time.h"

/* The heap is a pointer to its earliest timer, NULL when empty. */
void heap_insert(struct timer **heap, struct timer *t);
void heap_remove(struct timer **heap, struct timer *t);

#endif /* HV_TIME_HEAP_H */
