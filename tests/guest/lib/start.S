/* SPDX-License-Identifier: MIT */
/*
 * Where a test kernel begins: its Xen notes and its first stack.
 *
 * A test adds notes of its own by ELFNOTE() in C; see guest.h.
 */
#include <pv/elfnote.h>
#include <pv/hypercalls.h>

#include "tests/guest/lib/offsets.h"

	.macro NOTE type, value:vararg
	.pushsection .note.Xen, "a", @note
	.balign	4
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\value
2:	.balign	4
	.popsection
	.endm

	NOTE XEN_ELFNOTE_GUEST_OS, .asciz "parapet-test"
	NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
	NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
	NOTE XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
	NOTE XEN_ELFNOTE_ENTRY, .quad _start
	NOTE XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	NOTE XEN_ELFNOTE_L1_MFN_VALID, .quad 1, 1

/*
 * on entry   rsi = start_info, rsp = the builder's stack, rflags IF clear
 * leaves by  start_c(start_info, initial rsp); never returns
 */
	.text
	.globl	_start
_start:
	cld
	movq	%rsi, %rdi
	movq	%rsp, %rsi
	leaq	boot_stack + STACK_SIZE(%rip), %rsp
	xorl	%ebp, %ebp
	call	start_c
	ud2

	.bss
	.balign	4096
boot_stack:
	.skip	STACK_SIZE
	.section .note.GNU-stack, "", @progbits
