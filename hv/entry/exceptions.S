/* SPDX-License-Identifier: MIT */
/*
 * The trampoline's exceptions: a stub for each vector, and the two that are
 * often the guest's own business, served on its page tables.
 */
#include "hv/entry/macros.h"

	.section .tramp.text, "ax"

	.altmacro
	.set	n, 0
	.rept	256
	.if n != 13 && n != 14
	STUB	%n
	.endif
	.set	n, n + 1
	.endr
	.noaltmacro

/*
 * General protection.  Kernels start with thousands of CLIs that they replace
 * only later.  They read PCI configuration by tens of thousands of port
 * accesses: OUT of the address to 0xcf8 is kept here, IN from 0xcfc made here
 * for the control domain where no other CPU could come between, and answered by
 * ones for a guest, which has no such bus.
 *
 * on entry   rsp: 0 error 8 rip 16 cs 24 rflags 32 rsp 40 ss
 */
	.balign 64
vec_13:
	cmpq	$0, (%rsp)
	jne	gp_slow
	cmpl	$SEL_RING1_CS, 16(%rsp)
	jne	gp_slow
	pushq	%rcx
	movq	16(%rsp), %rcx
o1:	movzwl	(%rcx), %ecx		/* ecx = the instruction   */
	cmpb	$0xfa, %cl		/* CLI                     */
	jne	1f
	movq	CONST(VINFO), %rcx
	movb	$1, VI_MASK(%rcx)
	jmp	gp_next
1:	cmpq	$CONFIG_NONE, CONST(CONFIG_PORTS)
	je	gp_slow_pop
	cmpb	$0xef, %cl		/* OUT eax                 */
	jne	1f
	cmpw	$0xcf8, %dx
	jne	gp_slow_pop
	movl	%eax, %ecx
	movq	%rcx, DATA(CONFIG_ADDRESS)
	jmp	gp_next
1:	cmpq	$CONFIG_ADDRESS, CONST(CONFIG_PORTS)
	je	gp_slow_pop
	cmpq	$CONFIG_ONES, CONST(CONFIG_PORTS)
	je	4f
	pushq	%rdx
	andl	$0xfffc, %edx
	cmpl	$0xcfc, %edx
	jne	2f
	pushq	%rax
	movl	DATA(CONFIG_ADDRESS), %eax
	movl	$0xcf8, %edx
	outl	%eax, %dx
	popq	%rax
	popq	%rdx
	cmpb	$0xed, %cl		/* IN eax                  */
	je	3f
	cmpb	$0xec, %cl		/* IN al                   */
	je	5f
	cmpw	$0xed66, %cx		/* IN ax                   */
	jne	gp_slow_pop
	inw	%dx, %ax
	incq	16(%rsp)
	jmp	gp_next
2:	popq	%rdx
	jmp	gp_slow_pop
3:	inl	%dx, %eax
	jmp	gp_next
4:	cmpb	$0xed, %cl
	jne	gp_slow_pop
	cmpw	$0xcfc, %dx
	jne	gp_slow_pop
	movl	$-1, %eax
	jmp	gp_next
5:	inb	%dx, %al
gp_next:
	incq	16(%rsp)
	popq	%rcx
	addq	$8, %rsp
o2:	iretq
gp_slow_pop:
	popq	%rcx
gp_slow:
	pushq	$13
	jmp	enter_vector
	TRAMP_FAULT o1, gp_slow_pop
	TRAMP_FAULT o2, TRAMP_FAULT_IRETQ

/*
 * Page fault.  The guest's own are bounced at once: those of its user
 * programs, not-present ones of its kernel, and writes of its kernel to
 * read-only memory of its users.  Such writes elsewhere may be page-table
 * writes, which the hypervisor emulates; a kernel that handles its faults
 * in the upper half has no tables in the lower one.
 *
 * on entry   rsp: 0 error 8 rip 16 cs 24 rflags 32 rsp 40 ss
 */
	.balign 64
vec_14:
	testb	$2, 16(%rsp)
	jz	pf_not_user
	cmpq	$0, DATA(KERNEL_MODE)
	jne	pf_slow
	movq	%rax, DATA(SCRATCH)
	pushq	%rcx
	movq	DATA(KERNEL_SP), %rax	/* HOSTILE: the only read  */
	andq	$-16, %rax
	CHECK_ADDRESS %rax, %rcx, pf_slow_pop
	cmpq	$0, DATA(PF_RIP)
	je	pf_slow_pop
	movq	24(%rsp), %rcx
p1:	movq	%rcx, -32(%rax)		/* cs                      */
	movq	32(%rsp), %rcx
p2:	movq	%rcx, -24(%rax)		/* rflags                  */
	popq	%rcx
pf_common:	/* rax = frame's end; cs and rflags are in it; rcx as it was */
p3:	movq	%rcx, -64(%rax)
p4:	movq	%r11, -56(%rax)
	popq	%rcx
p5:	movq	%rcx, -48(%rax)		/* error code              */
	movq	(%rsp), %rcx
p6:	movq	%rcx, -40(%rax)		/* rip                     */
	movq	24(%rsp), %rcx
p7:	movq	%rcx, -16(%rax)		/* rsp                     */
	movq	32(%rsp), %rcx
p8:	movq	%rcx, -8(%rax)		/* ss                      */
	subq	$64, %rax
	movq	%rax, 24(%rsp)
	movq	$SEL_RING1_SS, 32(%rsp)
	movq	$FLAGS_ON, 16(%rsp)
	movq	$SEL_RING1_CS, 8(%rsp)
	movq	DATA(PF_RIP), %rcx
	movq	%rcx, (%rsp)
	movq	CONST(VINFO), %rax
	movq	%cr2, %rcx
	movq	%rcx, VI_CR2(%rax)
	cmpq	$0, DATA(PF_MASK)
	je	1f
	movb	$1, VI_MASK(%rax)
1:	movq	DATA(SCRATCH), %rax
	cmpq	$0, DATA(KERNEL_MODE)
	jne	p9
	movq	$1, DATA(KERNEL_MODE)
	swapgs
p9:	iretq
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8
	TRAMP_FAULT p\n, TRAMP_FAULT_FRAME
	.endr
	TRAMP_FAULT p9, TRAMP_FAULT_IRETQ

pf_slow_pop:
	popq	%rcx
	movq	DATA(SCRATCH), %rax
pf_slow:
	pushq	$14
	testb	$2, REGS_CS - REGS_ENTRY(%rsp)
	jnz	enter_hypervisor	/* ring 3            */
	testb	$1, REGS_CS - REGS_ENTRY(%rsp)
	jz	enter_from_ring0
	/* Ring 1, maybe at a page-table write: its instruction is wanted. */
	cld
	PUSH_GPRS
	movq	REGS_RIP(%rsp), %rdi
	jmp	prefetch

pf_not_user:
	testb	$1, 16(%rsp)		/* ring 0 or ring 1?       */
	jz	pf_slow
	testb	$1, (%rsp)		/* present?                */
	jz	1f
	cmpq	$3, (%rsp)		/* not just a write        */
	jne	pf_slow
	pushq	%rax
	movq	%cr2, %rax
	notq	%rax
	andq	DATA(PF_RIP), %rax
	popq	%rax
	jns	pf_slow
1:	cmpq	$0, CONST(LENT_TABLE)	/* maybe only not yet so   */
	jne	pf_slow
	cmpq	$0, DATA(KERNEL_MODE)
	je	pf_slow
	movq	%rax, DATA(SCRATCH)
	pushq	%rcx
	movq	40(%rsp), %rax		/* its own stack           */
	andq	$-16, %rax
	CHECK_ADDRESS %rax, %rcx, pf_slow_pop
	cmpq	$0, DATA(PF_RIP)
	je	pf_slow_pop
	/* cs shows RPL 0 and the event mask; rflags.IF is its inverse. */
	movq	CONST(VINFO), %rcx
	movzbl	VI_MASK(%rcx), %ecx
	andl	$1, %ecx
	xorl	$1, %ecx
	shll	$9, %ecx
	btrl	$9, 32(%rsp)
	orl	%ecx, 32(%rsp)
	shlq	$23, %rcx
	btcq	$32, %rcx
	orq	$SHOWN_CS, %rcx
p10:	movq	%rcx, -32(%rax)
	movq	32(%rsp), %rcx
p11:	movq	%rcx, -24(%rax)
	popq	%rcx
	jmp	pf_common
	TRAMP_FAULT p10, TRAMP_FAULT_FRAME
	TRAMP_FAULT p11, TRAMP_FAULT_FRAME

	.section .rodata
	.balign 8
	.globl	vector_stubs
vector_stubs:
	.altmacro
	.set	n, 0
	.rept	256
	STUB_ADDRESS %n
	.set	n, n + 1
	.endr
	.noaltmacro

	.section .note.GNU-stack, "", @progbits
