/* SPDX-License-Identifier: MIT */
/* From 32-bit code towards long mode, for assembly alone: the boot CPU's way
 * and the others'. */
#ifndef HV_LIB_LONGMODE_H
#define HV_LIB_LONGMODE_H

/* clang-format off */

/*
 * on entry   protected mode without paging; root = the page table's address
 * leaves by  falling through, in compatibility mode
 * clobbers   eax ecx edx
 */
.macro ENTER_LONG_MODE root:vararg
	movl	$\root, %eax
	movl	%eax, %cr3
	movl	$0x20, %eax		/* PAE                     */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER                    */
	rdmsr
	orl	$0x900, %eax		/* LME, NXE                */
	wrmsr
	movl	$0x80010031, %eax	/* PG WP NE ET PE          */
	movl	%eax, %cr0
.endm

#endif
