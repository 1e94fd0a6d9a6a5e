/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's state as a pv_vcpu_guest_context: what vcpu_set_context() would
 * make the same vcpu of.
 */
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/lib/string.h"
#include "hv/sched/internal.h"

#define CR0_SEEN 0x80050033 /* PE MP ET NE WP AM PG */

/* An FXSAVE image: Intel SDM volume 1, 10.5.1. */
enum {
	FXSAVE_MXCSR = 24,
	FXSAVE_ST = 32,
	FXSAVE_XMM = 160,
	FXSAVE_END = 416,
	FXSAVE_SIZE = 512,
	XSTATE_X87 = 1,
	XSTATE_SSE = 2
};

static uint64_t root_as_cr3(mfn_t root)
{
	return root.raw == MFN_INVALID.raw ? 0 : mfn_raw(root) << PAGE_SHIFT;
}

static void get_regs(const struct vcpu *v, struct pv_vcpu_guest_context *c)
{
	struct pv_cpu_user_regs *u = &c->user_regs;
	const struct cpu_regs *r = &v->regs;
	bool kernel = v->tramp.kernel_mode;

	memcpy(u, r, offsetof(struct pv_cpu_user_regs, error_code));
	u->rip = r->rip;
	u->cs = (uint16_t)r->cs;
	u->rflags = (r->rflags & ~(uint64_t)RFLAGS_IOPL) | (uint64_t)v->iopl
								   << 12;
	u->rsp = r->rsp;
	u->ss = (uint16_t)r->ss;
	u->ds = v->ds;
	u->es = v->es;
	u->fs = v->fs;
	u->gs = v->gs;
	u->saved_upcall_mask = v->info->evtchn_upcall_mask;
	c->fs_base = v->fs_base;
	c->gs_base_kernel = kernel ? v->gs_base : v->gs_base_inactive;
	c->gs_base_user = kernel ? v->gs_base_inactive : v->gs_base;
	c->kernel_sp = v->tramp.kernel_sp;
	c->ctrlreg[0] = CR0_SEEN | v->guest_cr0_ts;
	c->ctrlreg[1] = root_as_cr3(v->user_root);
	c->ctrlreg[2] = v->info->arch.cr2;
	c->ctrlreg[3] = root_as_cr3(v->kernel_root);
	c->ctrlreg[4] = v->guest_cr4;
}

static void get_tables(const struct vcpu *v, struct pv_vcpu_guest_context *c)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
		c->trap_ctxt[i] = v->traps[i];
		c->trap_ctxt[i].vector = (uint8_t)i;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(v->gdt_frames); i++)
		if (v->gdt_frames[i].raw != MFN_INVALID.raw)
			c->gdt_frames[i] = mfn_raw(v->gdt_frames[i]);
	c->gdt_ents = v->gdt_entries;
	c->ldt_base = v->ldt_base;
	c->ldt_ents = v->ldt_entries;
}

/* XSAVEOPT leaves out what is as after reset: those words are old. */
static void get_fpu(const struct vcpu *v, uint8_t *image)
{
	static const uint8_t fcw[] = {0x7f, 0x03};
	uint64_t saved = XSTATE_X87 | XSTATE_SSE;

	memcpy(image, v->fpu, FXSAVE_SIZE);
	if (features.xsave)
		memcpy(&saved, (const uint8_t *)v->fpu + FXSAVE_SIZE,
		       sizeof(saved));
	if (!(saved & XSTATE_X87)) {
		memset(image, 0, FXSAVE_MXCSR);
		memset(image + FXSAVE_ST, 0, FXSAVE_XMM - FXSAVE_ST);
		memcpy(image, fcw, sizeof(fcw));
	}
	if (!(saved & XSTATE_SSE))
		memset(image + FXSAVE_XMM, 0, FXSAVE_END - FXSAVE_XMM);
}

void vcpu_get_context(const struct vcpu *v, struct pv_vcpu_guest_context *c)
{
	memset(c, 0, sizeof(*c));
	c->flags =
		VGCF_i387_valid | (v->tramp.kernel_mode ? VGCF_in_kernel : 0) |
		(v->failsafe.mask_events ? VGCF_failsafe_disables_events : 0) |
		(v->syscall.mask_events ? VGCF_syscall_disables_events : 0) |
		(v->state & VCPU_DOWN ? 0 : VGCF_online);
	get_regs(v, c);
	get_tables(v, c);
	get_fpu(v, c->fpu_ctxt);
	memcpy(c->debugreg, v->debugreg, sizeof(c->debugreg));
	c->event_callback_eip = v->event.rip;
	c->failsafe_callback_eip = v->failsafe.rip;
	c->syscall_callback_eip = v->syscall.rip;
	c->vm_assist = v->domain->vm_assist;
}
