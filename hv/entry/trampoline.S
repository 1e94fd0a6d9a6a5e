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
#include "hv/entry/macros.h"

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
	CHECK_ADDRESS %rax, %rcx, syscall_user_slow
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
	.irp	n, 1, 2, 3, 4, 5, 6, 7
	TRAMP_FAULT f\n, TRAMP_FAULT_FRAME
	.endr
	TRAMP_FAULT f8, TRAMP_FAULT_IRETQ

syscall_user_slow:
	movq	-56(%rsp), %rcx
	movq	DATA(SCRATCH), %rax
	PUSH_FRAME $SEL_USER_SS, $SEL_USER_CS, $ENTRY_SYSCALL_USER
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
	PUSH_FRAME $SEL_RING1_SS, $SEL_RING1_CS, $ENTRY_SYSCALL
	cld
	PUSH_GPRS
	cmpl	$HC_mmu_update, %eax
	je	prefetch
	cmpl	$HC_mmuext_op, %eax
	je	prefetch
	jmp	enter_saved

/* Back to ring 1 after a hypercall served here; done: rax = result. */
hypercall_zero_rdx:
	xorl	%edx, %edx
hypercall_zero:
	xorl	%eax, %eax
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
	jmp	hypercall_zero

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
	testq	%rdx, %rdx		/* rdx is 0 and free       */
	jnz	hypercall_slow
	cmpw	$DOMID_SELF, %r10w
	jne	hypercall_slow
	CHECK_ADDRESS %rdi, %rdx, mmu_update_unserved
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
	jmp	hypercall_zero_rdx
mmu_update_unserved:
	xorl	%edx, %edx
	movl	$HC_mmu_update, %eax
	jmp	hypercall_slow
	TRAMP_FAULT n1, mmu_update_unserved
	TRAMP_FAULT n2, mmu_update_unserved
	TRAMP_FAULT n3, mmu_update_unserved

/*
 * One flush of this vcpu's own translations, or new roots that are on offer
 * (mm/root.c): ring 0 is all it takes.
 * rdi = struct pv_mmuext_op, rsi of them, rdx = 0, r10 = DOMID_SELF; the command
 * is its first word, the address or frame its second.
 */
hc_mmuext_op:
	cmpq	$0, CONST(LENT_TABLE)	/* a flush ends the loan   */
	jne	hypercall_slow
	testq	%rdx, %rdx
	jnz	hypercall_slow
	cmpw	$DOMID_SELF, %r10w
	jne	hypercall_slow
	CHECK_ADDRESS %rdi, %rax, mmuext_unserved
	cmpq	$2, %rsi
	je	new_roots
	cmpq	$1, %rsi
	jne	mmuext_unserved
m1:	movl	(%rdi), %eax
	cmpl	$MMUEXT_INVLPG_LOCAL, %eax
	jne	1f
m2:	movq	8(%rdi), %rax
	invlpg	(%rax)
	jmp	hypercall_zero
1:	cmpl	$MMUEXT_TLB_FLUSH_LOCAL, %eax
	jne	mmuext_unserved
	movq	%cr3, %rax
	movq	%rax, %cr3
	jmp	hypercall_zero
new_roots:
m3:	cmpl	$MMUEXT_NEW_BASEPTR, (%rdi)
	jne	mmuext_unserved
m4:	cmpl	$MMUEXT_NEW_USER_BASEPTR, 24(%rdi)
	jne	mmuext_unserved
m5:	movq	8(%rdi), %rax		/* rax = the kernel's root */
m6:	movq	32(%rdi), %rdx		/* rdx = the users'        */
	testq	%rax, %rax
	jz	mmuext_unserved
	.irp	n, 0, 1, 2, 3
	cmpq	CONST(ROOTS + \n * TR_BYTES), %rax
	jne	1f
	cmpq	CONST(ROOTS + \n * TR_BYTES + TR_USER), %rdx
	jne	mmuext_unserved
	movq	CONST(ROOTS + \n * TR_BYTES + TR_CR3), %rax
	movq	%rax, %cr3
	jmp	hypercall_zero_rdx
1:
	.endr
mmuext_unserved:
	xorl	%edx, %edx
	movl	$HC_mmuext_op, %eax
	jmp	hypercall_slow
	.irp	n, 1, 2, 3, 4, 5, 6
	TRAMP_FAULT m\n, mmuext_unserved
	.endr

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
5:	movq	DATA(SCRATCH), %rcx
	jmp	hypercall_zero
3:	movq	DATA(SCRATCH), %rcx
	movq	-8(%rsp), %rdx
	movl	$25, %eax
	jmp	hypercall_slow
	/* The user's GS selector: of the guest's own tables, so it may fault. */
4:	cmpq	$3, %rdi
	jne	3b
	swapgs
s1:	movl	%esi, %gs
	swapgs
	jmp	5b
gs_refused:
	swapgs
	jmp	3b
	TRAMP_FAULT s1, gs_refused

/*
 * iret: leave the guest kernel by the frame on its stack (pv_iret_context):
 *   0 rax  8 r11  16 rcx  24 flags  32 rip  40 cs  48 rflags  56 rsp  64 ss
 * What is checked is read once and used from here; rcx and r11, which may be
 * anything, are compared first and loaded later.
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
	/* What a system call has left needs no more than SYSRET, which is much
	 * faster: a user's rip in rcx, the flags in r11, and Linux's selectors. */
	movq	(%rsp), %rax		/* rax = rip               */
i6:	cmpq	%rax, 16(%rcx)
	jne	4f
i7:	cmpq	%r11, 8(%rcx)
	jne	4f
3:	cmpq	$SEL_SYSRET_CS, 8(%rsp)
	jne	2f
	cmpq	$SEL_SYSRET_SS, 32(%rsp)
	jne	2f
	testl	$FLAGS_STEP, %r11d
	jnz	2f
	shrq	$47, %rax
	jnz	2f
i18:	movq	0(%rcx), %rax
	movq	$0, DATA(KERNEL_MODE)
	incq	DATA(USER_RUNS)
	popq	%rcx
	swapgs
	movq	16(%rsp), %rsp
	sysretq
4: i19:	testl	$VGCF_in_syscall, 24(%rcx)
	jnz	3b			/* rcx and r11 are lost    */
2: i8:	movq	8(%rcx), %r11
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

hc_iret_slow:				/* rcx, r11: not needed    */
	movl	$23, %eax
	xorl	%ecx, %ecx
	movl	$FLAGS_ON, %r11d
	jmp	hypercall_slow

	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 18, 19
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
	movl	%ecx, %ecx
	PUSH_FRAME $SEL_USER_SS, $SEL_COMPAT_CS, $ENTRY_SYSCALL32
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

	.section .note.GNU-stack, "", @progbits
