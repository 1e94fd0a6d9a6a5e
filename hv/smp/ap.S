/* SPDX-License-Identifier: MIT */
/*
 * Where a started processor begins: real mode at a page below 1 MiB (a copy of
 * ap_start16), then the image's own code as the boot CPU did it.
 */
#include "hv/lib/layout.h"
#include "hv/lib/longmode.h"

#define PHYS(sym) ((sym) - IMAGE_BASE)

	.section .boot, "ax"
	.code16
	.globl	ap_start16, ap_start16_end
ap_start16:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	ap_gdtr - ap_start16
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$0x18, $PHYS(ap_start32)
	.balign	8
ap_gdtr:
	.word	31
	.long	PHYS(boot_gdt)
ap_start16_end:

	.code32
ap_start32:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	ENTER_LONG_MODE PHYS(hv_l4_template)
	ljmp	$8, $PHYS(1f)
	.code64
1:	movabsq	$ap_start64, %rax
	jmp	*%rax

	.text
ap_start64:
	movq	ap_cr3(%rip), %rax
	movq	%rax, %cr3
	leaq	win_hvstack_top(%rip), %rsp
	xorl	%ebp, %ebp
	call	ap_main
	ud2
	.section .note.GNU-stack, "", @progbits
