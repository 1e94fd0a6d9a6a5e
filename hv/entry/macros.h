/* SPDX-License-Identifier: MIT */
/* What the trampoline's parts share, for assembly. */
#ifndef HV_ENTRY_MACROS_H
#define HV_ENTRY_MACROS_H

/* clang-format off */

#include <pv/arch-x86.h>
#include <pv/errno.h>
#include <pv/hypercalls.h>
#include <pv/mmu.h>

#include "hv/entry/entry.h"
#include "hv/lib/layout.h"
#include "asm-offsets.h"

#define DATA(field)  (win_data + TD_##field)(%rip)
#define CONST(field) (win_const + TC_##field)(%rip)
#define DOMAIN(field) (win_domain + TC_##field)(%rip)
#define EXIT_CR3 (this_cpu_window + CPU_EXIT_CR3)(%rip)
#define TR_BYTES (TC_ROOT_1 - TC_ROOTS)

/* Flags that a guest may set; IF is always on outside ring 0. */
#define FLAGS_GUEST 0x250dd5	/* ID AC RF OF DF TF SF ZF AF PF CF */
#define FLAGS_STEP  0x10100	/* RF TF: SYSRET is not like IRETQ then */
#define FLAGS_ON    0x202	/* IF and the bit that is always 1 */
#define SHOWN_CS    (FLAT_KERNEL_CS & ~3) /* ring-1 code as frames show it */

/* The instruction at \label may fault for the reason \kind. */
.macro TRAMP_FAULT label, kind
	.pushsection .fixup_table, "a"
	.quad	\label, \kind
	.popsection
.endm

.macro PUSH_GPRS
	.irp	reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, \
		r12, r13, r14, r15
	pushq	%\reg
	.endr
.endm

.macro POP_GPRS
	.irp	reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, \
		rdx, rsi, rdi
	popq	%\reg
	.endr
.endm

/* CR3 := \from, unless that is 0.  rax is lost. */
.macro LOAD_ROOT from
	movq	\from, %rax
	testq	%rax, %rax
	jz	.Lloaded\@
	movq	%rax, %cr3
.Lloaded\@:
.endm

/* Jump to \bad if \reg is in the reserved range.  \tmp is lost. */
.macro CHECK_ADDRESS reg, tmp, bad
	movq	\reg, \tmp
	shrq	$43, \tmp
	cmpq	$(RESERVED_START >> 43), \tmp
	je	\bad
.endm

/* What the processor would push for an exception, after SYSCALL. */
.macro PUSH_FRAME ss, cs, entry
	pushq	\ss
	pushq	DATA(GUEST_RSP)
	pushq	%r11
	pushq	\cs
	pushq	%rcx
	pushq	$0
	pushq	\entry
.endm

/*
 * One stub per vector: leaves "entry, error" below the hardware's frame.
 */
.macro STUB vec
	.balign 16
vec_\vec:
	.if !(\vec == 8 || (\vec >= 10 && \vec <= 14) || \vec == 17 || \
	      \vec == 21 || \vec == 29 || \vec == 30)
	pushq	$0
	.endif
	pushq	$\vec
	.if \vec == 1 || \vec == 2 || \vec == 8 || \vec == 18
	jmp	enter_ist
	.else
	jmp	enter_vector
	.endif
.endm

.macro STUB_ADDRESS vec
	.quad	vec_\vec
.endm

/* Indirect branches of C go through these; speculation stops in the loop. */
.macro THUNK reg
	.globl	__x86_indirect_thunk_\reg
	.hidden	__x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	movq	%\reg, (%rsp)
	ret
.endm

#endif /* HV_ENTRY_MACROS_H */
