/* SPDX-License-Identifier: MIT */
/*
 * native_run(regs, code): load the registers of struct cpu_regs but for RSP,
 * jump to the code, which ends with a jump to native_back; save them again.
 *
 * on entry   rdi = regs, rsi = code
 */
	.text
	.globl	native_run, native_back
native_run:
	/* 1. What C wants back. */
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rdi, saved_regs(%rip)
	movq	%rsi, saved_code(%rip)
	/* 2. Flags first: nothing below changes them. */
	pushq	152(%rdi)
	popfq
	movq	0(%rdi), %r15
	movq	8(%rdi), %r14
	movq	16(%rdi), %r13
	movq	24(%rdi), %r12
	movq	32(%rdi), %rbp
	movq	40(%rdi), %rbx
	movq	48(%rdi), %r11
	movq	56(%rdi), %r10
	movq	64(%rdi), %r9
	movq	72(%rdi), %r8
	movq	80(%rdi), %rax
	movq	88(%rdi), %rcx
	movq	96(%rdi), %rdx
	movq	104(%rdi), %rsi
	movq	112(%rdi), %rdi
	jmp	*saved_code(%rip)

native_back:
	/* 3. A register to work with, flags while they are whole. */
	movq	%rdi, saved_rdi(%rip)
	movq	saved_regs(%rip), %rdi
	pushfq
	popq	152(%rdi)
	movq	%r15, 0(%rdi)
	movq	%r14, 8(%rdi)
	movq	%r13, 16(%rdi)
	movq	%r12, 24(%rdi)
	movq	%rbp, 32(%rdi)
	movq	%rbx, 40(%rdi)
	movq	%r11, 48(%rdi)
	movq	%r10, 56(%rdi)
	movq	%r9, 64(%rdi)
	movq	%r8, 72(%rdi)
	movq	%rax, 80(%rdi)
	movq	%rcx, 88(%rdi)
	movq	%rdx, 96(%rdi)
	movq	%rsi, 104(%rdi)
	movq	saved_rdi(%rip), %rax
	movq	%rax, 112(%rdi)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.bss
	.balign	8
saved_regs:	.skip	8
saved_code:	.skip	8
saved_rdi:	.skip	8
	.section .note.GNU-stack, "", @progbits
