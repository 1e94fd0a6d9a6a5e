/* SPDX-License-Identifier: MIT */
/*
 * The smallest guest: it waits for nothing, for ever; or powers off at once if
 * its command line begins with 'o'.
 *
 * on entry   rsi = start_info, event delivery masked
 */
#include <pv/elfnote.h>
#include <pv/hypercalls.h>
#include <pv/sched.h>

#define VIRT_BASE 0xffffffff80000000
#define CMD_LINE  128 /* in start_info */

	.macro NOTE type, value:vararg
	.pushsection .note.Xen, "a", @note
	.balign	4
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\value
2:	.balign	4
	.popsection
	.endm

	NOTE XEN_ELFNOTE_GUEST_OS, .asciz "null"
	NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
	NOTE XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
	NOTE XEN_ELFNOTE_ENTRY, .quad _start

	.text
	.globl	_start
_start:
	cmpb	$'o', CMD_LINE(%rsi)
	je	2f
1:	movl	$HC_sched_op, %eax
	movl	$SCHEDOP_poll, %edi
	leaq	no_ports(%rip), %rsi
	syscall
	jmp	1b
2:	movl	$HC_sched_op, %eax
	movl	$SCHEDOP_shutdown, %edi
	leaq	poweroff(%rip), %rsi
	syscall
	jmp	2b

	.section .rodata
	.balign	8
no_ports:	/* a list, its length, no limit of time */
	.quad	0, 0, 0
poweroff:
	.long	SHUTDOWN_poweroff
	.section .note.GNU-stack, "", @progbits
