/* SPDX-License-Identifier: MIT */
/*
 * The first instructions: multiboot headers, 32-bit entry, long mode.
 */
#include "hv/lib/layout.h"
#include "hv/lib/longmode.h"

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003	/* align modules, memory map, addresses below */
#define MB2_MAGIC 0xe85250d6
#define PHYS(sym) ((sym) - IMAGE_BASE)

	.section .boot, "ax"
	.globl boot_entry
	.code32

	.balign 8
multiboot1:
	.long	MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long	PHYS(multiboot1), PHYS(image_start)
	.long	PHYS(data_file_end), PHYS(image_end), PHYS(boot_entry)

	.balign 8
multiboot2:
	.long	MB2_MAGIC, 0, multiboot2_end - multiboot2
	.long	-(MB2_MAGIC + (multiboot2_end - multiboot2))
	/* Where to load (GRUB cannot place ELF64 at high addresses). */
	.balign 8
	.word	2, 0
	.long	24, PHYS(multiboot2), PHYS(image_start)
	.long	PHYS(data_file_end), PHYS(image_end)
	.balign 8
	.word	3, 0
	.long	12, PHYS(boot_entry)
	.balign 8		/* modules on page boundaries */
	.word	6, 0
	.long	8
	.balign 8
	.word	0, 0
	.long	8
multiboot2_end:

/*
 * From the loader.
 *
 * on entry   eax = the loader's magic, ebx = its information (physical);
 *            protected mode, paging off, flat segments, no stack
 * leaves by  jump to boot_main(magic, info) in the high image
 */
boot_entry:
	cli
	cld
	movl	$PHYS(boot_stack_top), %esp
	movl	%eax, %ebp		/* ebp = magic             */
	movl	%ebx, PHYS(boot_info_pa) /* cpuid clobbers ebx     */
	/* 1. A CPU that has long mode and NX, or a clear word. */
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	testl	$(1 << 29), %edx
	jz	no_long_mode
	testl	$(1 << 20), %edx
	jz	no_nx
	jmp	2f
no_long_mode:
	movl	$PHYS(msg_no_long_mode), %esi
	jmp	refuse
no_nx:
	movl	$PHYS(msg_no_nx), %esi
refuse:	/* esi = what to say: on COM1 and the debug console */
	lodsb
	testb	%al, %al
	jz	1f
	movw	$0x3f8, %dx
	outb	%al, %dx
	outb	%al, $0xe9
	jmp	refuse
1:	hlt
	jmp	1b
2:
	/* 2. Early tables: 4 GiB of 2 MiB pages at DIRECT_BASE, the first of
	 *    them at IMAGE_BASE and, for this code, at 0. */
	movl	$PHYS(boot_l2), %edi
	movl	$0x83, %eax
	xorl	%ecx, %ecx
3:	movl	%eax, (%edi,%ecx,8)
	movl	$0, 4(%edi,%ecx,8)
	addl	$0x200000, %eax
	incl	%ecx
	cmpl	$2048, %ecx
	jne	3b
	movl	$(PHYS(boot_l2) + 0x003), PHYS(boot_l3)
	movl	$(PHYS(boot_l2) + 0x003), PHYS(boot_l3) + 16
	movl	$(PHYS(boot_l2) + 0x1003), PHYS(boot_l3) + 24
	movl	$(PHYS(boot_l2) + 0x2003), PHYS(boot_l3) + 32
	movl	$(PHYS(boot_l2) + 0x3003), PHYS(boot_l3) + 40
	movl	$(PHYS(boot_l3) + 0x003), PHYS(hv_l4_template)
	movl	$(PHYS(boot_l3) + 0x003), PHYS(hv_l4_template) + 271 * 8

	/* 3. Long mode. */
	movl	PHYS(boot_info_pa), %esi
	ENTER_LONG_MODE PHYS(hv_l4_template)
	lgdt	PHYS(boot_gdtr)
	ljmp	$8, $PHYS(4f)
	.code64
4:	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$16, %eax
	movl	%eax, %ss
	movabsq	$boot_stack_top, %rsp
	movl	%ebp, %edi		/* magic                   */
	movl	%esi, %esi		/* information             */
	xorl	%ebp, %ebp
	movabsq	$boot_main, %rax
	jmp	*%rax

	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* ring 0 code, 64 bit     */
	.quad	0x00cf93000000ffff	/* ring 0 data             */
	.quad	0x00cf9b000000ffff	/* ring 0 code, 32 bit     */
boot_gdtr:
	.word	31
	.quad	PHYS(boot_gdt)
boot_info_pa:
	.long	0
msg_no_long_mode:
	.asciz	"parapet: boot: this CPU has no long mode (x86-64 needed)\r\n"
msg_no_nx:
	.asciz	"parapet: boot: this CPU has no NX (execute-disable needed)\r\n"

	.bss
	.balign 4096
	.globl hv_l4_template, boot_l3, boot_l2
hv_l4_template:
	.skip	4096
boot_l3:
	.skip	4096
boot_l2:
	.skip	4 * 4096
boot_stack:
	.skip	16384
	.globl boot_stack_top
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
