/* SPDX-License-Identifier: MIT */
/*
 * What both ends of all own rings have in common: fields that the other end
 * writes or reads meanwhile, and the rule of events.
 */
#ifndef PV_FRONTENDS_CORE_SHARED_H
#define PV_FRONTENDS_CORE_SHARED_H

#include <pv/abi.h>

#ifndef __KERNEL__
#include <stdbool.h>
#endif

#define PV_LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define PV_STORE(field, value)                                                 \
	__atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define PV_LOAD_FIRST(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define PV_STORE_LAST(field, value)                                            \
	__atomic_store_n(&(field), (value), __ATOMIC_RELEASE)
#define PV_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The rule of ABI.md 15.1: was `event` passed on the way from old to new? */
static inline bool pv_passed(uint32_t old, uint32_t new, uint32_t event)
{
	return new - event < new - old;
}

/* Show the other end an index of ours, and so what it covers; true: the other
 * end wants an event. */
static inline bool pv_show(uint32_t *place, uint32_t index, uint32_t *shown,
			   const uint32_t *event)
{
	uint32_t old = *shown;

	if (old == index)
		return false;
	*shown = index;
	/* ORDER: what it covers before the index. */
	PV_STORE_LAST(*place, index);
	/* ORDER: index before event, pairs with pv_ask(). */
	PV_FENCE();
	return pv_passed(old, index, PV_LOAD(*event));
}

/* Ask for an event when the other end's index, which was `seen`, passes that;
 * true: it has moved already, so do not wait for one. */
static inline bool pv_ask(uint32_t *event, uint32_t passes,
			  const uint32_t *place, uint32_t seen)
{
	PV_STORE(*event, passes);
	/* ORDER: event before index, pairs with pv_show(). */
	PV_FENCE();
	return PV_LOAD_FIRST(*place) != seen;
}

#endif
