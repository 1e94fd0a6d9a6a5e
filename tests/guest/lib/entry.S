/* SPDX-License-Identifier: MIT */
/*
 * Entries into a test kernel, and its ways out.
 *
 * The hypervisor pushes rcx and r11 below the frame that an IRETQ would take.
 * Every entry turns that into a struct frame and calls trap_entry(); what is
 * in the frame afterwards is where the kernel goes, by the iret hypercall.
 */
#include <pv/arch-x86.h>
#include <pv/hypercalls.h>

#include "tests/guest/lib/offsets.h"

	.text

	.macro PUSH_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

	.macro POP_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	.endm

/*
 * One stub per vector, 16 bytes apart.  The vectors that bring an error code
 * have it between r11 and the frame.
 */
	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vec, 0
	.rept	256
	.balign	16
	popq	%rcx
	popq	%r11
	.if !(vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21)
	pushq	$0
	.endif
	pushq	$vec
	jmp	trap_common
	.set	vec, vec + 1
	.endr

	.macro CALLBACK name, entry
	.balign	16
	.globl	\name
\name:
	popq	%rcx
	popq	%r11
	pushq	$0
	pushq	$\entry
	jmp	trap_common
	.endm

	CALLBACK syscall_callback, ENTRY_SYSCALL
	CALLBACK syscall32_callback, ENTRY_SYSCALL32
	CALLBACK sysenter_callback, ENTRY_SYSENTER
	CALLBACK event_callback, ENTRY_EVENT
	CALLBACK nmi_callback, ENTRY_NMI

/* Failsafe: ds es fs gs lie between r11 and the frame; gs is passed on. */
	.balign	16
	.globl	failsafe_callback
failsafe_callback:
	popq	%rcx
	popq	%r11
	addq	$24, %rsp
	pushq	$ENTRY_FAILSAFE
	jmp	trap_common

trap_common:
	PUSH_REGS
	cld
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	andq	$-16, %rsp
	call	trap_entry
	movq	%rbx, %rsp
	POP_REGS
	addq	$16, %rsp			/* vector, error code      */

/* The frame is on the stack, all registers are as they shall be. */
iret_frame:
	pushq	%gs:PERCPU_IRET_FLAGS		/* struct pv_iret_context  */
	pushq	%rcx
	pushq	%r11
	pushq	%rax
	movl	$HC_iret, %eax
	syscall
	ud2

/*
 * void resume(struct frame *): go where the frame says; does not return.
 */
	.globl	resume
resume:
	movq	%rdi, %rsp
	POP_REGS
	addq	$16, %rsp
	jmp	iret_frame

	.macro PUSH_CALLEE
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

	.macro POP_CALLEE
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	.endm

/*
 * void user_enter(struct frame *): run user code as the frame says, until
 * trap_entry() calls user_leave().  The frame is copied below our own stack
 * pointer, which is kept for the way back.
 */
	.globl	user_enter
user_enter:
	PUSH_CALLEE
	movq	%rsp, %gs:PERCPU_USER_SP
	subq	$FRAME_SIZE, %rsp
	movq	%rdi, %rsi
	movq	%rsp, %rdi
	movl	$FRAME_SIZE / 8, %ecx
	rep movsq
	movq	%rsp, %rdi
	jmp	resume

	.globl	user_leave
user_leave:
	movq	%gs:PERCPU_USER_SP, %rsp
	POP_CALLEE
	ret

/*
 * int probe_call(void (*fn)(void *), void *arg): 0 if fn returns, 1 if it
 * faults; then trap_entry() resumes at probe_fault with the stack of here.
 */
	.globl	probe_call, probe_fault
probe_call:
	PUSH_CALLEE
	movq	%rsp, %gs:PERCPU_PROBE_SP
	movq	%rdi, %rax
	movq	%rsi, %rdi
	subq	$8, %rsp			/* calls want 16 n         */
	call	*%rax
	addq	$8, %rsp
	xorl	%eax, %eax
	POP_CALLEE
	ret
probe_fault:
	movl	$1, %eax
	cld
	POP_CALLEE
	ret

/* Where a further vcpu starts: rdi = its struct percpu, on its own stack. */
	.globl	vcpu_start
vcpu_start:
	cld
	xorl	%ebp, %ebp
	call	vcpu_start_c
	ud2
	.section .note.GNU-stack, "", @progbits
