/* SPDX-License-Identifier: MIT */
/*
 * The trampoline: the only hypervisor code that is mapped while a guest runs.
 *
 * It runs in ring 0 on the guest's page tables, interrupts off.  Paging cannot
 * tell ring 1 from ring 0, so whatever is writable here is the guest's too:
 * win_data and the stacks are garbage on entry, win_const and the tables are
 * read-only.  No RET and no indirect branch.
 *
 * Instructions that touch guest memory, and those that leave for a guest, may
 * fault; TRAMP_FAULT lists them and entry.c decides (tramp_fault).
 */
#include <pv/arch-x86.h>
#include <pv/errno.h>
#include <pv/hypercalls.h>
#include <pv/mmu.h>

#include "hv/entry/entry.h"
#include "hv/lib/layout.h"
#include "asm-offsets.h"

#define DATA(field)  (win_data + TD_##field)(%rip)
#define CONST(field) (win_const + TC_##field)(%rip)
#define DOMAIN(field) (win_domain + TC_##field)(%rip)

/* Flags that a guest may set; IF is always on outside ring 0. */
#define CONFIG_NONE 0
#define CONFIG_READ 2

#define FLAGS_GUEST 0x240dd5	/* ID AC OF DF TF SF ZF AF PF CF */
#define FLAGS_ON    0x202	/* IF and the bit that is always 1 */
#define SHOWN_CS    (FLAT_KERNEL_CS & ~3) /* ring-1 code as frames show it */

/* The instruction at \label may fault for the reason \kind. */
.macro TRAMP_FAULT label, kind
	.pushsection .fixup_table, "a"
	.quad	\label, \kind
	.popsection
.endm

.macro PUSH_GPRS
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

.macro POP_GPRS
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

/* Jump to \bad if ring 0 must not write a frame below \reg.  \tmp is lost. */
.macro CHECK_STACK reg, tmp, bad
	movq	\reg, \tmp
	shrq	$43, \tmp
	cmpq	$(RESERVED_START >> 43), \tmp
	je	\bad
.endm

	.section .tramp.text, "ax"

/* ------------------------------------------------------------------ SYSCALL */
/*
 * SYSCALL: the one door from guest code into the trampoline.
 *
 * on entry   rax = number, rdi rsi rdx r10 r8 = arguments
 *            rcx = guest rip, r11 = guest rflags       (put there by SYSCALL)
 *            rsp = guest stack: HOSTILE, must not be touched
 * leaves by  IRETQ to ring 1 | SYSRET or IRETQ to ring 3 | the hypervisor
 * clobbers   rcx r11, as the ABI allows
 */
	.balign 64
	.globl	tramp_syscall
tramp_syscall:
	movq	%rsp, DATA(GUEST_RSP)
	leaq	win_stack_top(%rip), %rsp
	cmpq	$0, DATA(KERNEL_MODE)
	jne	hypercall

	/* A user program's system call: to the guest kernel at once. */
	movq	%rax, DATA(SCRATCH)
	movq	DATA(KERNEL_SP), %rax	/* HOSTILE: the only read  */
	andq	$-16, %rax		/* rax = its frame's end   */
	movq	%rcx, -56(%rsp)		/* rcx free; kept below us */
	CHECK_STACK %rax, %rcx, syscall_user_slow
	cmpq	$0, DATA(SYSCALL_RIP)
	je	syscall_user_slow
	movq	-56(%rsp), %rcx
f1:	movq	$SEL_USER_SS, -8(%rax)
f2:	movq	%r11, -24(%rax)
f3:	movq	$SEL_USER_CS, -32(%rax)
f4:	movq	%rcx, -40(%rax)
f5:	movq	%r11, -48(%rax)
f6:	movq	%rcx, -56(%rax)
	movq	DATA(GUEST_RSP), %rcx
f7:	movq	%rcx, -16(%rax)
	subq	$56, %rax
	pushq	$SEL_RING1_SS
	pushq	%rax
	pushq	$FLAGS_ON
	pushq	$SEL_RING1_CS
	pushq	DATA(SYSCALL_RIP)
	cmpq	$0, DATA(SYSCALL_MASK)
	je	1f
	movq	CONST(VINFO), %rcx
	movb	$1, VI_MASK(%rcx)
1:	movq	$1, DATA(KERNEL_MODE)
	movq	DATA(SCRATCH), %rax
	swapgs
f8:	iretq
	TRAMP_FAULT f1, TRAMP_FAULT_FRAME
	TRAMP_FAULT f2, TRAMP_FAULT_FRAME
	TRAMP_FAULT f3, TRAMP_FAULT_FRAME
	TRAMP_FAULT f4, TRAMP_FAULT_FRAME
	TRAMP_FAULT f5, TRAMP_FAULT_FRAME
	TRAMP_FAULT f6, TRAMP_FAULT_FRAME
	TRAMP_FAULT f7, TRAMP_FAULT_FRAME
	TRAMP_FAULT f8, TRAMP_FAULT_IRETQ

syscall_user_slow:
	movq	-56(%rsp), %rcx
	movq	DATA(SCRATCH), %rax
	pushq	$SEL_USER_SS
	pushq	DATA(GUEST_RSP)
	pushq	%r11
	pushq	$SEL_USER_CS
	pushq	%rcx
	pushq	$0
	pushq	$ENTRY_SYSCALL_USER
	jmp	enter_hypervisor

	/* The guest kernel's hypercall: answer the hot ones here. */
	.balign 16
hypercall:
	cmpl	$23, %eax
	je	hc_iret
	cmpl	$25, %eax
	je	hc_set_segment_base
	cmpl	$3, %eax
	je	hc_stack_switch
	cmpl	$17, %eax
	je	hc_xen_version
	cmpl	$HC_mmu_update, %eax
	je	hc_mmu_update
	cmpl	$HC_mmuext_op, %eax
	je	hc_mmuext_op
	cmpl	$24, %eax
	je	hc_vcpu_op
hypercall_slow:
	pushq	$SEL_RING1_SS
	pushq	DATA(GUEST_RSP)
	pushq	%r11
	pushq	$SEL_RING1_CS
	pushq	%rcx
	pushq	$0
	pushq	$ENTRY_SYSCALL
	cld
	PUSH_GPRS
	cmpl	$HC_mmu_update, %eax
	je	prefetch
	cmpl	$HC_mmuext_op, %eax
	je	prefetch
	jmp	enter_saved

/* Back to ring 1 after a hypercall served here; rax = result. */
hypercall_done:
	pushq	$SEL_RING1_SS
	pushq	DATA(GUEST_RSP)
	andl	$FLAGS_GUEST, %r11d
	orl	$FLAGS_ON, %r11d
	pushq	%r11
	pushq	$SEL_RING1_CS
	pushq	%rcx
g1:	iretq
	TRAMP_FAULT g1, TRAMP_FAULT_IRETQ

hc_stack_switch:			/* rdi = ss, rsi = sp      */
	movq	%rsi, DATA(KERNEL_SP)
	xorl	%eax, %eax
	jmp	hypercall_done

hc_xen_version:				/* rdi = 0: the version    */
	testq	%rdi, %rdi
	jnz	hypercall_slow
	movq	CONST(VINFO), %rax
	cmpb	$0, VI_PENDING(%rax)	/* also the event check    */
	jne	1f
	movq	CONST(VERSION), %rax
	jmp	hypercall_done
1:	movl	$17, %eax
	jmp	hypercall_slow

hc_vcpu_op:				/* rdi = 3: is_up, rsi = id */
	cmpq	$3, %rdi
	jne	hypercall_slow
	movq	$-ENOENT, %rax
	cmpq	$64, %rsi
	jae	hypercall_done
	btq	%rsi, DOMAIN(VCPUS)
	jnc	hypercall_done
	xorl	%eax, %eax
	btq	%rsi, DOMAIN(VCPUS_UP)
	adcl	$0, %eax
	jmp	hypercall_done

/*
 * One change of the page table that is on loan (paging/lend.c): a store to the
 * guest's copy, whose address the hypervisor has checked.
 * rdi = struct pv_mmu_update, rsi = 1, rdx = 0, r10 = DOMID_SELF.
 */
hc_mmu_update:
	cmpq	$0, CONST(LENT_TABLE)
	je	hypercall_slow
	cmpq	$1, %rsi
	jne	hypercall_slow
	testq	%rdx, %rdx
	jnz	hypercall_slow
	cmpw	$DOMID_SELF, %r10w
	jne	hypercall_slow
n1:	movq	(%rdi), %rax		/* rax = the entry's address */
	movq	%rax, %rdx
	andq	$-PAGE_SIZE, %rdx
	cmpq	CONST(LENT_TABLE), %rdx
	jne	mmu_update_unserved
	andl	$0xfff, %eax
	testb	$7, %al			/* a plain update          */
	jnz	mmu_update_unserved
	addq	CONST(LENT_ADDRESS), %rax
n2:	movq	8(%rdi), %rdx
n3:	movq	%rdx, (%rax)
	xorl	%edx, %edx
	xorl	%eax, %eax
	jmp	hypercall_done
mmu_update_unserved:
	xorl	%edx, %edx
	movl	$HC_mmu_update, %eax
	jmp	hypercall_slow
	TRAMP_FAULT n1, mmu_update_unserved
	TRAMP_FAULT n2, mmu_update_unserved
	TRAMP_FAULT n3, mmu_update_unserved

/*
 * One flush of this vcpu's own translations: ring 0 is all it takes.
 * rdi = struct pv_mmuext_op, rsi = 1, rdx = 0, r10 = DOMID_SELF; the command is
 * its first word, the address its second.
 */
hc_mmuext_op:
	cmpq	$0, CONST(LENT_TABLE)	/* a flush ends the loan   */
	jne	hypercall_slow
	cmpq	$1, %rsi
	jne	hypercall_slow
	testq	%rdx, %rdx
	jnz	hypercall_slow
	cmpw	$DOMID_SELF, %r10w
	jne	hypercall_slow
m1:	movl	(%rdi), %eax
	cmpl	$MMUEXT_INVLPG_LOCAL, %eax
	jne	1f
m2:	movq	8(%rdi), %rax
	invlpg	(%rax)
	xorl	%eax, %eax
	jmp	hypercall_done
1:	cmpl	$MMUEXT_TLB_FLUSH_LOCAL, %eax
	movl	$HC_mmuext_op, %eax
	jne	hypercall_slow
	movq	%cr3, %rax
	movq	%rax, %cr3
	xorl	%eax, %eax
	jmp	hypercall_done
mmuext_unread:
	movl	$HC_mmuext_op, %eax
	jmp	hypercall_slow
	TRAMP_FAULT m1, mmuext_unread
	TRAMP_FAULT m2, mmuext_unread

hc_set_segment_base:			/* rdi = which, rsi = base */
	movq	%rcx, DATA(SCRATCH)	/* rcx rdx free            */
	movq	%rdx, -8(%rsp)
	movq	%rsi, %rax
	shlq	$16, %rax
	sarq	$16, %rax
	cmpq	%rax, %rsi		/* canonical?              */
	jne	3f
	cmpq	$2, %rdi
	ja	4f
	movl	$0xc0000100, %ecx	/* FS_BASE                 */
	je	1f
	testq	%rdi, %rdi
	jz	2f
	incl	%ecx			/* user GS: KERNEL_GS_BASE, inactive now */
1:	incl	%ecx			/* kernel GS: GS_BASE, active now */
2:	movq	%rsi, %rdx
	movl	%esi, %eax
	shrq	$32, %rdx
	wrmsr
	movq	-8(%rsp), %rdx
	movq	DATA(SCRATCH), %rcx
	xorl	%eax, %eax
	jmp	hypercall_done
3:	movq	DATA(SCRATCH), %rcx
	movq	-8(%rsp), %rdx
	movl	$25, %eax
	jmp	hypercall_slow
	/* The user's GS selector; a null one cannot fault. */
4:	cmpq	$3, %rdi
	jne	3b
	testl	$0xfffc, %esi
	jnz	3b
	swapgs
	movl	%esi, %gs
	swapgs
	movq	DATA(SCRATCH), %rcx
	xorl	%eax, %eax
	jmp	hypercall_done

/*
 * iret: leave the guest kernel by the frame on its stack (pv_iret_context):
 *   0 rax  8 r11  16 rcx  24 flags  32 rip  40 cs  48 rflags  56 rsp  64 ss
 * Each word is read once.
 */
hc_iret:
	movq	DATA(GUEST_RSP), %rcx	/* rcx = frame: HOSTILE    */
i1:	movq	48(%rcx), %r11		/* r11 = rflags            */
	movq	CONST(VINFO), %rax
	/* ORDER: a sender of events interrupts this CPU after it set pending,
	 * so a pending seen late is taken right after IRETQ. */
	btl	$9, %r11d
	jnc	hc_iret_masked
	movb	$0, VI_MASK(%rax)
	cmpb	$0, VI_PENDING(%rax)
	jne	hc_iret_slow
1:	andl	$FLAGS_GUEST, %r11d
	orl	$FLAGS_ON, %r11d
i2:	movzwl	40(%rcx), %eax		/* rax = cs                */
	incl	%eax
	testb	$3, %al			/* RPL 3?                  */
	jnz	hc_iret_kernel
	decl	%eax
	cmpq	$0, CONST(LENT_TABLE)	/* user code ends the loan */
	jne	hc_iret_slow
i3:	pushq	64(%rcx)
i4:	pushq	56(%rcx)
	pushq	%r11
	pushq	%rax
i5:	pushq	32(%rcx)
i6:	testl	$VGCF_in_syscall, 24(%rcx)
	jz	2f
	/* SYSRET takes its selectors from STAR; only a user's rip and a 64-bit
	 * frame qualify. */
i7:	movq	0(%rcx), %rax
	movq	(%rsp), %rcx
	shrq	$47, %rcx
	jnz	hc_iret_slow_rax
	movq	$0, DATA(KERNEL_MODE)
	incq	DATA(USER_RUNS)
	popq	%rcx
	swapgs
	movq	16(%rsp), %rsp
	sysretq
2:
i8:	movq	8(%rcx), %r11
i9:	movq	0(%rcx), %rax
i10:	movq	16(%rcx), %rcx
	movq	$0, DATA(KERNEL_MODE)
	incq	DATA(USER_RUNS)
	swapgs
i11:	iretq

hc_iret_masked:
	movb	$1, VI_MASK(%rax)
	jmp	1b

hc_iret_kernel:
	pushq	$SEL_RING1_SS
i12:	pushq	56(%rcx)
	pushq	%r11
	pushq	$SEL_RING1_CS
i13:	pushq	32(%rcx)
i14:	movq	8(%rcx), %r11
i15:	movq	0(%rcx), %rax
i16:	movq	16(%rcx), %rcx
i17:	iretq

hc_iret_slow_rax:
	leaq	win_stack_top(%rip), %rsp
hc_iret_slow:				/* rcx, r11: not needed    */
	movl	$23, %eax
	xorl	%ecx, %ecx
	movl	$FLAGS_ON, %r11d
	jmp	hypercall_slow

	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16
	TRAMP_FAULT i\n, TRAMP_FAULT_FRAME
	.endr
	TRAMP_FAULT i11, TRAMP_FAULT_IRETQ
	TRAMP_FAULT i17, TRAMP_FAULT_IRETQ

/*
 * SYSCALL from 32-bit code (AMD).  As above; the C side bounces it.
 */
	.globl	tramp_syscall32
tramp_syscall32:
	movq	%rsp, DATA(GUEST_RSP)
	leaq	win_stack_top(%rip), %rsp
	pushq	$SEL_USER_SS
	pushq	DATA(GUEST_RSP)
	pushq	%r11
	pushq	$SEL_COMPAT_CS
	movl	%ecx, %ecx
	pushq	%rcx
	pushq	$0
	pushq	$ENTRY_SYSCALL32
	jmp	enter_hypervisor

/*
 * SYSENTER from 32-bit code (Intel).
 *
 * on entry   rsp = win_stack_top (from the MSR); IF clear; the other flags
 *            are the user's: NT would make IRETQ fault, TF would single-step
 *            us (vec_1 clears it)
 */
	.globl	tramp_sysenter
tramp_sysenter:
	pushq	$SEL_USER_SS
	pushq	$0
	pushfq
	pushq	$SEL_COMPAT_CS
	pushq	$0
	pushq	$0
	pushq	$ENTRY_SYSENTER
	pushq	$2
	popfq
	jmp	enter_hypervisor

/* -------------------------------------------------------------- exceptions */
/*
 * One stub per vector: leaves "entry, error" below the hardware's frame.
 */
.macro STUB vec
	.balign 16
vec_\vec:
	.if !(\vec == 8 || (\vec >= 10 && \vec <= 14) || \vec == 17 || \
	      \vec == 21 || \vec == 29 || \vec == 30)
	pushq	$0
	.endif
	pushq	$\vec
	.if \vec == 1 || \vec == 2 || \vec == 8 || \vec == 18
	jmp	enter_ist
	.else
	jmp	enter_vector
	.endif
.endm

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
 * General protection.  The control domain's kernel reads PCI configuration by
 * tens of thousands of port accesses: OUT of the address to 0xcf8 is kept
 * here, IN from 0xcfc made here where no other CPU could come between.
 *
 * on entry   rsp: 0 error 8 rip 16 cs 24 rflags 32 rsp 40 ss
 */
	.balign 64
vec_13:
	cmpq	$0, (%rsp)
	jne	gp_slow
	cmpl	$SEL_RING1_CS, 16(%rsp)
	jne	gp_slow
	cmpq	$CONFIG_NONE, DOMAIN(CONFIG_PORTS)
	je	gp_slow
	pushq	%rcx
	movq	16(%rsp), %rcx
o1:	movzwl	(%rcx), %ecx		/* ecx = the instruction   */
	cmpb	$0xef, %cl		/* OUT eax                 */
	jne	1f
	cmpw	$0xcf8, %dx
	jne	gp_slow_pop
	movl	%eax, %ecx
	movq	%rcx, DATA(CONFIG_ADDRESS)
	jmp	gp_next
1:	cmpq	$CONFIG_READ, DOMAIN(CONFIG_PORTS)
	jne	gp_slow_pop
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
	je	4f
	cmpw	$0xed66, %cx		/* IN ax                   */
	jne	gp_slow_pop
	inw	%dx, %ax
	incq	16(%rsp)
	jmp	gp_next
2:	popq	%rdx
	jmp	gp_slow_pop
3:	inl	%dx, %eax
	jmp	gp_next
4:	inb	%dx, %al
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
 * programs, and not-present ones of its kernel (a present one may be a
 * page-table write that the hypervisor emulates).
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
	CHECK_STACK %rax, %rcx, pf_slow_pop
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
	testb	$1, (%rsp)		/* present: not for us     */
	jnz	pf_slow
	cmpq	$0, CONST(LENT_TABLE)	/* maybe only not yet so   */
	jne	pf_slow
	cmpq	$0, DATA(KERNEL_MODE)
	je	pf_slow
	movq	%rax, DATA(SCRATCH)
	pushq	%rcx
	movq	40(%rsp), %rax		/* its own stack           */
	andq	$-16, %rax
	CHECK_STACK %rax, %rcx, pf_slow_pop
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
	movq	CONST(HV_CR3), %rax
	movq	%rax, %cr3
	leaq	win_hvstack_top(%rip), %rsp
	jmp	hv_enter

/*
 * Read what the hypervisor will want of the guest while the guest's own
 * translations are at hand: the 24 bytes at rdi, if they lie in one page.
 * Copied here once; copy_from_guest finds them.  A fault only means no copy.
 */
prefetch:
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
 * fault in the hypervisor, or an interrupt of its idle loop.
 */
enter_from_ring0:
	cld
	PUSH_GPRS
	movq	%cr3, %rbx
	movq	CONST(HV_CR3), %rax
	movq	%rsp, %rdi
	cmpq	%rax, %rbx
	jne	1f
	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	hv_in_ring0
	movq	%rbp, %rsp
	POP_GPRS
	addq	$16, %rsp
	iretq
1:	movq	%rax, %cr3
	leaq	win_hvstack_top(%rip), %rsp
	jmp	hv_tramp_fault

/*
 * To a guest, by the registers at the top of the ring-0 stack.
 * on entry   rax = the guest's root as CR3 takes it
 */
	.balign 16
	/* To the trampoline itself, by the registers at rdi. */
tramp_resume:
	movq	%rdi, %rsp
	movq	%rax, %cr3
	POP_GPRS
	addq	$16, %rsp
	iretq

	.globl	tramp_exit
tramp_exit:
	leaq	(win_stack_top - CPU_REGS_BYTES)(%rip), %rsp
	movq	%rax, %cr3
	POP_GPRS
	addq	$16, %rsp
x1:	iretq
	TRAMP_FAULT x1, TRAMP_FAULT_IRETQ

/* ------------------------------------------------------- the hypervisor side */
	.section .text.hot, "ax"
	.balign 64
hv_enter:
	leaq	(win_stack_top - CPU_REGS_BYTES)(%rip), %rdi
	xorl	%ebp, %ebp
	call	hv_entry
	.globl	exit_to_guest
exit_to_guest:
	movq	(this_cpu_window + CPU_GUEST_CR3)(%rip), %rax
	jmp	tramp_exit

hv_tramp_fault:			/* rdi = the fault's registers     */
	xorl	%ebp, %ebp
	movq	%rdi, %rbx
	call	tramp_fault
	testb	%al, %al
	jz	exit_to_guest
	movq	(this_cpu_window + CPU_GUEST_CR3)(%rip), %rax
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
.macro THUNK reg
	.globl	__x86_indirect_thunk_\reg
	.hidden	__x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	movq	%\reg, (%rsp)
	ret
.endm
	.irp	reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, \
		r13, r14, r15
	THUNK	\reg
	.endr

	.section .rodata
	.balign 8
	.globl	vector_stubs
vector_stubs:
	.altmacro
.macro STUB_ADDRESS vec
	.quad	vec_\vec
.endm
	.set	n, 0
	.rept	256
	STUB_ADDRESS %n
	.set	n, n + 1
	.endr
	.noaltmacro

	.section .note.GNU-stack, "", @progbits
