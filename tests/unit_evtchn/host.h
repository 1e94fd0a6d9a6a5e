/* SPDX-License-Identifier: MIT */
/*
 * A pretended machine for the tests of the event-channel and grant rooms: the
 * floors below them, as small as the rooms can bear.
 *
 * Guest addresses are host pointers; those below a page fault.  Guest frames
 * are pages of one array; each knows its owner and its counts.
 */
#ifndef TESTS_UNIT_EVTCHN_HOST_H
#define TESTS_UNIT_EVTCHN_HOST_H

#include "hv/domain/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define HOST_FRAMES 64

struct host_frame {
	struct domain *owner;
	int refs; /* besides the owner's own */
	int writable;
	bool table; /* in use as a page table */
};

extern struct host_frame host_frames[HOST_FRAMES];
extern unsigned int host_wakes[8][4]; /* by domain and vcpu: wakes and kicks */
/* heap_alloc fails when it has counted down to 0; negative: never. */
extern int host_heap_countdown;
extern long host_heap_pages; /* pages that are allocated */
/* Copies from, or to, a range that holds this address fail. */
extern uint64_t host_bad_read, host_bad_write;

void host_begin(void);
/* All domains are gone, nothing leaked. */
void host_end(void);
/* Without the rooms' state; frames [8 * id, 8 * id + 8) are its own. */
struct domain *host_domain(domid_t id, unsigned int vcpus, bool privileged);
void host_domain_free(struct domain *d);
void host_run(struct domain *d, unsigned int vcpu);
static inline uint64_t gva(const void *p)
{
	return (uint64_t)p;
}

/* xorshift; the seed is printed by whoever fails. */
uint32_t host_random(uint64_t *state, uint32_t below);

/* True if @call panics. */
#define PANICS(call)                                                           \
	({                                                                     \
		volatile bool panics_ = true;                                  \
		host_expect_panic = true;                                      \
		if (!setjmp(host_panic)) {                                     \
			call;                                                  \
			panics_ = false;                                       \
		}                                                              \
		host_expect_panic = false;                                     \
		panics_;                                                       \
	})
extern bool host_expect_panic;
extern jmp_buf host_panic;

#endif /* TESTS_UNIT_EVTCHN_HOST_H */
