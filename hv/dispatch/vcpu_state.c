/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls about the calling vcpu's own processor state: traps, callbacks,
 * stacks, segment bases, debug registers, the return to user mode.
 */
#include <pv/arch-x86.h>
#include <pv/callback.h>
#include <pv/errno.h>

#include "hv/cpu/asm.h"
#include "hv/cpu/safe.h"
#include "hv/dispatch/dispatch.h"
#include "hv/domain/domain.h"

#define FLAGS_GUEST 0x250dd5 /* as in entry/macros.h */
#define TRAPS_MAX   256

static bool canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

long hc_set_trap_table(uint64_t table)
{
	struct vcpu *v = current;
	struct pv_trap_info t;

	if (!table) {
		for (unsigned int i = 0; i < TRAPS_MAX; i++)
			v->traps[i] = (struct pv_trap_info){.vector = i};
		context_refresh_trampoline(v, tramp_data());
		return 0;
	}
	for (unsigned int i = 0; i < TRAPS_MAX; i++, table += sizeof(t)) {
		if (copy_from_guest(&t, table, sizeof(t)))
			return -EFAULT;
		if (!t.address)
			break;
		if (!canonical(t.address))
			return -EINVAL;
		v->traps[t.vector] = t;
	}
	context_refresh_trampoline(v, tramp_data());
	return 0;
}

long hc_stack_switch(uint64_t ss, uint64_t sp)
{
	(void)ss; /* ring 1 has the hypervisor's flat stack segment */
	tramp_data()->kernel_sp = sp;
	return 0;
}

static int callback_set(struct callback *c, uint64_t rip, bool mask)
{
	if (!canonical(rip))
		return -EINVAL;
	c->rip = rip;
	c->mask_events = mask;
	return 0;
}

long hc_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall)
{
	struct vcpu *v = current;

	if (!canonical(event) || !canonical(failsafe) || !canonical(syscall))
		return -EINVAL;
	callback_set(&v->event, event, true);
	callback_set(&v->failsafe, failsafe, false);
	callback_set(&v->syscall, syscall, false);
	context_refresh_trampoline(v, tramp_data());
	return 0;
}

static struct callback *callback_of(struct vcpu *v, unsigned int type)
{
	switch (type) {
	case CALLBACKTYPE_event:
		return &v->event;
	case CALLBACKTYPE_failsafe:
		return &v->failsafe;
	case CALLBACKTYPE_syscall:
		return &v->syscall;
	case CALLBACKTYPE_syscall32:
		return &v->syscall32;
	case CALLBACKTYPE_sysenter:
	case CALLBACKTYPE_sysenter_deprecated:
		return &v->sysenter;
	case CALLBACKTYPE_nmi:
		return &v->nmi;
	default:
		return NULL;
	}
}

static long callback_register(uint64_t arg)
{
	struct pv_callback_register r;
	struct callback *c;
	bool mask;
	int rc;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	c = callback_of(current, r.type);
	if (!c)
		return -ENOSYS;
	mask = r.type == CALLBACKTYPE_event ||
	       (r.flags & CALLBACKF_mask_events);
	rc = callback_set(c, r.address, mask);
	if (!rc)
		context_refresh_trampoline(current, tramp_data());
	return rc;
}

static long callback_unregister(uint64_t arg)
{
	struct pv_callback_unregister u;
	struct callback *c;

	if (copy_from_guest(&u, arg, sizeof(u)))
		return -EFAULT;
	c = callback_of(current, u.type);
	if (!c)
		return -ENOSYS;
	if (u.type == CALLBACKTYPE_event || u.type == CALLBACKTYPE_failsafe)
		return -EINVAL;
	*c = (struct callback){0};
	context_refresh_trampoline(current, tramp_data());
	return 0;
}

long hc_callback_op(uint64_t cmd, uint64_t arg)
{
	switch (cmd) {
	case CALLBACKOP_register:
		return callback_register(arg);
	case CALLBACKOP_unregister:
		return callback_unregister(arg);
	default:
		return -ENOSYS;
	}
}

long hc_fpu_taskswitch(uint64_t set)
{
	current->guest_cr0_ts = set ? CR0_TS : 0;
	context_load_control(current);
	return 0;
}

long hc_set_segment_base(uint64_t which, uint64_t base)
{
	bool ok;

	if (which != SEGBASE_GS_USER_SEL && !canonical(base))
		return -EINVAL;
	switch (which) {
	case SEGBASE_FS:
		wrmsr(MSR_FS_BASE, base);
		return 0;
	case SEGBASE_GS_USER:
		wrmsr(MSR_KERNEL_GS_BASE, base);
		return 0;
	case SEGBASE_GS_KERNEL:
		wrmsr(MSR_GS_BASE, base);
		return 0;
	case SEGBASE_GS_USER_SEL:
		/* The user's GS is the inactive one: swap it in and out. */
		swapgs();
		ok = load_gs((uint16_t)base);
		if (!ok)
			load_gs(0);
		swapgs();
		return ok ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/*
 * Breakpoints must not be on the hypervisor's addresses: a data watchpoint on
 * the trampoline's stack would interrupt it.  DR7: no GD, no I/O breakpoints.
 */
static bool dr7_ok(uint64_t dr7)
{
	if (dr7 >> 32 || (dr7 & 0x2000))
		return false;
	for (unsigned int i = 0; i < 4; i++)
		if ((dr7 >> (2 * i) & 3) && (dr7 >> (16 + 4 * i) & 3) == 2)
			return false;
	return true;
}

static bool address_ok(uint64_t va)
{
	return canonical(va) && (va + 7 < RESERVED_START || va >= RESERVED_END);
}

int vcpu_debugreg_check(struct vcpu *v, unsigned int reg, uint64_t value)
{
	switch (reg) {
	case 0 ... 3:
		if (!address_ok(value))
			return -EPERM;
		break;
	case 4:
	case 6:
		reg = 6;
		value = (value & 0xe00f) | 0xffff0ff0;
		break;
	case 5:
	case 7:
		reg = 7;
		if (!dr7_ok(value))
			return -EPERM;
		value = (value & 0xffff0fff) | 0x400;
		break;
	default:
		return -EINVAL;
	}
	v->debugreg[reg] = value;
	return 0;
}

long hc_set_debugreg(uint64_t reg, uint64_t value)
{
	int rc = reg > 7 ? -EINVAL : vcpu_debugreg_check(current, reg, value);

	if (!rc)
		context_load_control(current);
	return rc;
}

long hc_get_debugreg(uint64_t reg)
{
	if (reg > 7)
		return -EINVAL;
	return (long)current->debugreg[reg == 4 || reg == 5 ? reg + 2 : reg];
}

/*
 * The slow iret: what the trampoline left, or a multicall's; same rules.
 * A frame whose RPL is 3 returns to user mode, any other to ring 1.
 */
long hc_iret(void)
{
	struct cpu_regs *regs = guest_regs();
	struct pv_iret_context f;

	if (copy_from_guest(&f, regs->rsp, sizeof(f))) {
		domain_crash(current->domain, "v%u: iret frame at %#lx",
			     current->id, regs->rsp);
		return 0;
	}
	current->info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
	regs->rip = f.rip;
	regs->rsp = f.rsp;
	regs->rflags = (f.rflags & FLAGS_GUEST) | RFLAGS_IF | RFLAGS_FIX;
	regs->rax = f.rax;
	regs->r11 = f.r11;
	regs->rcx = f.rcx;
	if ((f.cs & 3) == 3) {
		regs->cs = f.cs & 0xffff;
		regs->ss = f.ss & 0xffff;
		tramp_data()->kernel_mode = 0;
		tramp_data()->user_runs++;
		swapgs();
	} else {
		regs->cs = SEL_RING1_CS;
		regs->ss = SEL_RING1_SS;
	}
	return 0;
}
