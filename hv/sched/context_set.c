/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's first state, from a pv_vcpu_guest_context.
 *
 * HOSTILE  All of it.  Whatever ring 0 loads later is vetted here: canonical
 * addresses, selectors that cannot name ring 0, flags, typed frames.  A field
 * that only the guest's own code depends on is taken as it is.
 */
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/fpu.h"
#include "hv/lib/string.h"
#include "hv/sched/internal.h"

#define FLAGS_GUEST 0x250dd5 /* as in entry/macros.h */
#define ASSISTS     0x2f /* all of VMASST_TYPE_* but the architectural IOPL */
#define LDT_MAX     8192

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
	bool ok = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(va); i++)
		ok &= canonical(va[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
		ok &= canonical(c->trap_ctxt[i].address);
	return ok;
}

/* Frame number from a field shaped like CR3. */
static mfn_t root_of(uint64_t ctrlreg)
{
	return mfn_of((ctrlreg & PTE_ADDRESS) >> PAGE_SHIFT);
}

/* What may be refused.  A later try replaces what an earlier one has set. */
static int set_checked(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	int rc;

	if (!addresses_ok(c) || c->gdt_ents > FIRST_RESERVED_GDT_ENTRY ||
	    c->ldt_ents > LDT_MAX || !c->ctrlreg[3])
		return -EINVAL;
	rc = desc_set_gdt(v, c->gdt_frames, (unsigned int)c->gdt_ents);
	if (!rc)
		rc = desc_set_ldt(v, c->ldt_base, (unsigned int)c->ldt_ents);
	if (!rc)
		rc = root_set(v, root_of(c->ctrlreg[3]));
	if (!rc && c->ctrlreg[1])
		rc = root_set_user(v, root_of(c->ctrlreg[1]));
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

	_Static_assert(offsetof(struct cpu_regs, entry) ==
			       offsetof(struct pv_cpu_user_regs, error_code),
		       "r15 to rdi in the same order");
	memcpy(r, u, offsetof(struct cpu_regs, entry));
	r->rip = u->rip;
	r->cs = kernel ? SEL_RING1_CS : u->cs | 3u;
	r->rflags = (u->rflags & FLAGS_GUEST) | RFLAGS_FIX | RFLAGS_IF;
	r->rsp = u->rsp;
	r->ss = kernel ? SEL_RING1_SS : u->ss | 3u;
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
	v->tramp.kernel_mode = kernel;
	v->tramp.kernel_sp = c->kernel_sp;
}

static void set_callback(struct callback *cb, uint64_t rip, bool mask)
{
	*cb = (struct callback){.rip = rip, .mask_events = mask};
}

/* fpu_load() refuses an image that does not suit and resets it. */
static void set_fpu(struct vcpu *v, const struct pv_vcpu_guest_context *c)
{
	static const uint64_t x87_sse = 3; /* XSTATE_BV, after the image */

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
	int rc = set_checked(v, c);

	if (rc)
		return rc;
	set_regs(v, c);
	memcpy(v->traps, c->trap_ctxt, sizeof(v->traps));
	set_callback(&v->event, c->event_callback_eip, true);
	set_callback(&v->failsafe, c->failsafe_callback_eip,
		     c->flags & VGCF_failsafe_disables_events);
	set_callback(&v->syscall, c->syscall_callback_eip,
		     c->flags & VGCF_syscall_disables_events);
	set_fpu(v, c);
	v->domain->vm_assist |= (uint32_t)c->vm_assist & ASSISTS;
	v->info->evtchn_upcall_mask = 1;
	v->loaded_on = MAX_CPUS; /* what a CPU still holds of it is of before */
	v->initialised = true;
	return 0;
}
