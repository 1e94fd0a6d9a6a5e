/* SPDX-License-Identifier: MIT */
/*
 * The contract, and one stub per hypercall: HYPERVISOR_<name>().
 *
 * Arguments are plain words, so that tests can pass anything; P() makes one
 * of a pointer.
 */
#ifndef GUEST_PV_H
#define GUEST_PV_H

#include <stdbool.h>

#include <pv/abi.h>
#include <pv/arch-x86.h>
#include <pv/callback.h>
#include <pv/console.h>
#include <pv/control.h>
#include <pv/elfnote.h>
#include <pv/errno.h>
#include <pv/event_channel.h>
#include <pv/ext.h>
#include <pv/features.h>
#include <pv/grant_table.h>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <pv/mmu.h>
#include <pv/nmi.h>
#include <pv/physdev.h>
#include <pv/platform.h>
#include <pv/sched.h>
#include <pv/start_info.h>
#include <pv/vcpu.h>
#include <pv/version.h>

#define P(pointer) ((uint64_t)(pointer))

static inline long hypercall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3,
			     uint64_t a4, uint64_t a5)
{
	register uint64_t r10 __asm__("r10") = a4;
	register uint64_t r8 __asm__("r8") = a5;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
			   "+r"(r8)
			 : "0"(nr)
			 : "rcx", "r11", "memory");
	return rc;
}

#define STUB_PARAMS_0 void
#define STUB_PARAMS_1 uint64_t a
#define STUB_PARAMS_2 STUB_PARAMS_1, uint64_t b
#define STUB_PARAMS_3 STUB_PARAMS_2, uint64_t c
#define STUB_PARAMS_4 STUB_PARAMS_3, uint64_t d
#define STUB_ARGS_0   0, 0, 0, 0, 0
#define STUB_ARGS_1   a, 0, 0, 0, 0
#define STUB_ARGS_2   a, b, 0, 0, 0
#define STUB_ARGS_3   a, b, c, 0, 0
#define STUB_ARGS_4   a, b, c, d, 0

#define PV_HYPERCALL(number, name, nargs)                                      \
	static inline long HYPERVISOR_##name(STUB_PARAMS_##nargs)              \
	{                                                                      \
		return hypercall(number, STUB_ARGS_##nargs);                   \
	}
#define PV_HYPERCALL_REFUSED(number, name)
#include <pv/hypercalls.def>

#endif /* GUEST_PV_H */
