/* SPDX-License-Identifier: MIT */
/*
 * From the trampoline into the hypervisor's own root and back.
 */
#include "hv/entry/macros.h"

	.section .tramp.text, "ax"
	.globl	enter_ist, enter_vector, enter_hypervisor, enter_saved, prefetch
	.globl	enter_from_ring0
/*
 * NMI, #MC, #DF, #DB arrive on stacks of their own, at any instruction.
 * From a guest they move to the ring-0 stack and go the common way.  From
 * ring 0: #DB is ours to forget (a guest's breakpoint on its own stack, TF
 * over SYSENTER); the others go to C on a stack of their own, with CR3 kept.
 */
enter_ist:
	testb	$3, REGS_CS - REGS_ENTRY(%rsp)
	jz	1f
	pushq	%rax
	.set	o, 0
	.rept	7
	movq	8 + o(%rsp), %rax
	movq	%rax, (win_stack_top - 56 + o)(%rip)
	.set	o, o + 8
	.endr
	popq	%rax
	leaq	(win_stack_top - 56)(%rip), %rsp
	jmp	enter_hypervisor
1:	cmpq	$1, (%rsp)
	jne	2f
	addq	$16, %rsp
	andl	$~0x100, 16(%rsp)	/* TF                      */
	iretq
2:	cld
	PUSH_GPRS
	movq	%cr3, %rbx
	movq	CONST(HV_CR3), %rax
	movq	%rax, %cr3
	movq	%rsp, %rdi
	movq	%rsp, %rbp
	leaq	win_nmistack_top(%rip), %rsp
	call	hv_ist_in_ring0
	movq	%rbp, %rsp
	movq	%rbx, %cr3
	POP_GPRS
	addq	$16, %rsp
	iretq

/*
 * Any other vector.
 *
 * on entry   rsp: 0 entry 8 error 16 rip 24 cs 32 rflags 40 rsp 48 ss
 */
enter_vector:
	testb	$3, REGS_CS - REGS_ENTRY(%rsp)
	jz	enter_from_ring0

/* From a guest: registers to the top of the ring-0 stack, then our root. */
enter_hypervisor:
	cld
	PUSH_GPRS
enter_saved:
	movq	$0, DATA(PREFETCH_AT)
enter_root:
	movq	%cr3, %rsi
	LOAD_ROOT CONST(ENTER_CR3)
	leaq	win_hvstack_top(%rip), %rsp
	jmp	hv_enter

/*
 * Read what the hypervisor will want of the guest while the guest's own
 * translations are at hand: the 24 bytes at rdi, if they lie in one page.
 * Copied here once; copy_from_guest finds them.  A fault only means no copy.
 */
prefetch:
	CHECK_ADDRESS %rdi, %rax, enter_saved
	movl	%edi, %eax
	andl	$0xfff, %eax
	cmpl	$(PAGE_SIZE - 24), %eax
	ja	enter_saved
q1:	movq	(%rdi), %rax
q2:	movq	8(%rdi), %rcx
q3:	movq	16(%rdi), %rdx
	movq	%rax, (win_data + TD_PREFETCHED)(%rip)
	movq	%rcx, (win_data + TD_PREFETCHED + 8)(%rip)
	movq	%rdx, (win_data + TD_PREFETCHED + 16)(%rip)
	movq	%rdi, DATA(PREFETCH_AT)
	jmp	enter_root
	TRAMP_FAULT q1, enter_saved
	TRAMP_FAULT q2, enter_saved
	TRAMP_FAULT q3, enter_saved

/*
 * From ring 0: a fault of the trampoline itself on the guest's root, a fixed-up
 * fault in the hypervisor, or an interrupt of its idle loop.  The code tells
 * which: the root may be the same.
 */
enter_from_ring0:
	cld
	PUSH_GPRS
	movq	%cr3, %rsi
	movq	%rsp, %rdi
	leaq	tramp_text_start(%rip), %rax
	cmpq	%rax, REGS_RIP(%rsp)
	jb	2f
	leaq	tramp_text_end(%rip), %rax
	cmpq	%rax, REGS_RIP(%rsp)
	jb	1f
2:	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	hv_in_ring0
	movq	%rbp, %rsp
	POP_GPRS
	addq	$16, %rsp
	iretq
1:	LOAD_ROOT CONST(ENTER_CR3)
	leaq	win_hvstack_top(%rip), %rsp
	jmp	hv_tramp_fault

/* To a guest, by the registers at the top of the ring-0 stack. */
	.balign 16
	/* To the trampoline itself, by the registers at rdi. */
tramp_resume:
	movq	%rdi, %rsp
	LOAD_ROOT EXIT_CR3
	POP_GPRS
	addq	$16, %rsp
	iretq

	.globl	tramp_exit
tramp_exit:
	leaq	(win_stack_top - CPU_REGS_BYTES)(%rip), %rsp
	LOAD_ROOT EXIT_CR3
	POP_GPRS
	addq	$16, %rsp
x1:	iretq
	TRAMP_FAULT x1, TRAMP_FAULT_IRETQ

/* ------------------------------------------------------- the hypervisor side */
	.section .text.hot, "ax"
	.balign 64
hv_enter:			/* rsi = the guest's CR3           */
	leaq	(win_stack_top - CPU_REGS_BYTES)(%rip), %rdi
	xorl	%ebp, %ebp
	call	hv_entry
	.globl	exit_to_guest
exit_to_guest:
	jmp	tramp_exit

hv_tramp_fault:			/* rdi = the fault's registers, rsi: CR3 */
	movq	$0, DATA(PREFETCH_AT)
	xorl	%ebp, %ebp
	movq	%rdi, %rbx
	call	tramp_fault
	testb	%al, %al
	jz	exit_to_guest
	movq	%rbx, %rdi
	jmp	tramp_resume

/* Drop the C stack and run fn (rdi) on an empty one; never returns. */
	.globl	hv_restart_stack
hv_restart_stack:
	leaq	win_hvstack_top(%rip), %rsp
	xorl	%ebp, %ebp
	movq	%rdi, %rax
	call	__x86_indirect_thunk_rax
	jmp	exit_to_guest

/* Indirect branches of C go through these; speculation stops in the loop. */
	.irp	reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, \
		r13, r14, r15
	THUNK	\reg
	.endr

	.section .note.GNU-stack, "", @progbits
