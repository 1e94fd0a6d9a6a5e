/* SPDX-License-Identifier: MIT */
/*
 * Entries of a page table, looked at a group at a time: most are empty, and
 * what is done for each entry of each table of each process adds up.
 *
 * Plain reads, which the compiler may fold into one instruction each: what they
 * say is a hint, or the caller's lock keeps the entries as they are.
 */
#ifndef HV_MM_GROUP_H
#define HV_MM_GROUP_H

#include "hv/mm/frame.h"

#define GROUP (PT_ENTRIES < 16 ? PT_ENTRIES : 16)

/* Are all the entries of the group 0? */
static inline __attribute__((always_inline)) bool group_empty(
	const uint64_t *pt)
{
	uint64_t any = 0;

#pragma GCC unroll 16
	for (unsigned int i = 0; i < GROUP; i++)
		any |= pt[i];
	return !any;
}

/* Do two groups differ? */
static inline __attribute__((always_inline)) bool group_differs(
	const uint64_t *a, const uint64_t *b)
{
	uint64_t any = 0;

#pragma GCC unroll 16
	for (unsigned int i = 0; i < GROUP; i++)
		any |= a[i] ^ b[i];
	return any;
}

#endif /* HV_MM_GROUP_H */
