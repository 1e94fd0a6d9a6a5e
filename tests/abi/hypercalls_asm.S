/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the hypercalls as the assembler sees them, for
 * hypercalls_test.c to compare with what the compiler sees.
 */
#include <pv/hypercalls.h>

	.section .rodata
	.globl	asm_numbers
	.balign	4
asm_numbers:
#define PV_HYPERCALL(number, name, nargs)  .long HC_##name;
#define PV_HYPERCALL_REFUSED(number, name) .long HC_##name;
#include <pv/hypercalls.def>
	.globl	asm_numbers_end
asm_numbers_end:

	.section .note.GNU-stack, "", @progbits
