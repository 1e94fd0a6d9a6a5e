/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's first state, from a pv_vcpu_guest_context.
 *
 * HOSTILE  All of it.  Whatever ring 0 loads later is vetted here: canonical
 * addresses, selectors that cannot name ring 0, flags, typed frames.  A field
 * that only the guest's own code depends on is taken as it is.
 */
#include <pv/mmu.h>

#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/fpu.h"
#include "hv/lib/string.h"
#include "hv/sched/internal.h"

/* What vm_assist accepts: all but the architectural IOPL. */
#define VM_ASSIST_KNOWN 0x2f

/* Flags that a guest may set, as entry.S has them. */
#define RFLAGS_GUEST 0x240dd5ull

int (*vcpu_debugreg_hook)(struct vcpu *v, unsigned int reg, uint64_t value);

static bool canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

static bool addresses_ok(const struct pv_vcpu_guest_context *c)
{
	const uint64_t va[] = {
		c->user_regs.rip,
		c->user_regs.rsp,
		c->ldt_base,
		c->kernel_sp,
		c->fs_base,
		c->gs_base_kernel,
		c->gs_base_user,
		c->event_callback_eip,
		c->failsafe_callback_eip,
		c->syscall_callback_eip,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(va); i++)
		if (!canonical(va[i]))
			return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
		if (!canonical(c->trap_ctxt[i].address))
			return false;
	return true;
}

/* Frame number from a field shaped like CR3; flags below the address. */
static mfn_t root_of(uint64_t ctrlreg)
{
	return ctrlreg ? mfn_of((ctrlreg & PTE_ADDRESS) >> PAGE_SHIFT)
		       : MFN_INVALID;
}

static int set_tables(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	int rc;

	if (!c->ctrlreg[3])
		return -EINVAL;
	rc = desc_set_gdt(v, c->gdt_frames, (unsigned int)c->gdt_ents);
	if (!rc)
		rc = desc_set_ldt(v, c->ldt_base, (unsigned int)c->ldt_ents);
	if (!rc)
		rc = root_set(v, root_of(c->ctrlreg[3]));
	if (!rc && c->ctrlreg[1])
		rc = root_set_user(v, root_of(c->ctrlreg[1]));
	return rc;
}

static int set_debugregs(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	int rc = 0;

	for (unsigned int i = 0; i < 8 && !rc; i++)
		if (c->debugreg[i] && vcpu_debugreg_hook && i != 4 && i != 5)
			rc = vcpu_debugreg_hook(v, i, c->debugreg[i]);
	return rc;
}

static void set_regs(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	const struct pv_cpu_user_regs *u = &c->user_regs;
	struct cpu_regs *r = &v->regs;
	bool kernel = c->flags & VGCF_in_kernel;

	*r = (struct cpu_regs){
		.r15 = u->r15,
		.r14 = u->r14,
		.r13 = u->r13,
		.r12 = u->r12,
		.rbp = u->rbp,
		.rbx = u->rbx,
		.r11 = u->r11,
		.r10 = u->r10,
		.r9 = u->r9,
		.r8 = u->r8,
		.rax = u->rax,
		.rcx = u->rcx,
		.rdx = u->rdx,
		.rsi = u->rsi,
		.rdi = u->rdi,
		.rip = u->rip,
		.cs = kernel ? SEL_RING1_CS : u->cs | 3u,
		.rflags = (u->rflags & RFLAGS_GUEST) | RFLAGS_FIX | RFLAGS_IF,
		.rsp = u->rsp,
		.ss = kernel ? SEL_RING1_SS : u->ss | 3u,
	};
	v->iopl = (unsigned int)(u->rflags & RFLAGS_IOPL) >> 12;
	v->ds = u->ds;
	v->es = u->es;
	v->fs = u->fs;
	v->gs = u->gs;
	v->fs_base = c->fs_base;
	v->gs_base = kernel ? c->gs_base_kernel : c->gs_base_user;
	v->gs_base_inactive = kernel ? c->gs_base_user : c->gs_base_kernel;
	v->guest_cr0_ts = c->ctrlreg[0] & CR0_TS;
	v->guest_cr4 = c->ctrlreg[4] & (CR4_DE | CR4_TSD);
}

static void set_traps(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	struct tramp_data *t = &v->tramp;

	memcpy(v->traps, c->trap_ctxt, sizeof(v->traps));
	v->event = (struct callback){c->event_callback_eip, true};
	v->failsafe =
		(struct callback){c->failsafe_callback_eip,
				  c->flags & VGCF_failsafe_disables_events};
	v->syscall = (struct callback){c->syscall_callback_eip,
				       c->flags & VGCF_syscall_disables_events};
	*t = (struct tramp_data){
		.kernel_mode = !!(c->flags & VGCF_in_kernel),
		.kernel_sp = c->kernel_sp,
		.syscall_rip = v->syscall.rip,
		.syscall_mask = v->syscall.mask_events,
		.pf_rip = v->traps[14].address,
		.pf_mask = !!(v->traps[14].flags & TI_IF),
	};
}

/* fpu_load() refuses an image that does not suit and resets it. */
static void set_fpu(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	static const uint64_t x87_sse = 3;

	fpu_area_init(v->fpu);
	if (!(c->flags & VGCF_i387_valid))
		return;
	memcpy(v->fpu, c->fpu_ctxt, sizeof(c->fpu_ctxt));
	if (features.xsave)
		memcpy((char *)v->fpu + sizeof(c->fpu_ctxt), &x87_sse,
		       sizeof(x87_sse));
}

int vcpu_set_context(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	int rc;

	if (!addresses_ok(c) || c->gdt_ents > FIRST_RESERVED_GDT_ENTRY ||
	    c->ldt_ents > 8192)
		return -EINVAL;
	rc = set_tables(v, c);
	if (!rc)
		rc = set_debugregs(v, c);
	if (rc)
		return rc; /* a later try replaces what was set */
	set_regs(v, c);
	set_traps(v, c);
	set_fpu(v, c);
	v->domain->vm_assist |= (uint32_t)c->vm_assist & VM_ASSIST_KNOWN;
	v->info->evtchn_upcall_mask = 1;
	v->initialised = true;
	return 0;
}
