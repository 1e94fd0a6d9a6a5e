/* SPDX-License-Identifier: MIT */
/*
 * Entering a guest kernel: exceptions, events, failed returns.
 *
 * The frame is what an interrupt gate would push, below it the error code if
 * the vector has one, below that r11 and rcx (ABI.md, "Frames").  The
 * trampoline builds the same frame for the frequent cases without coming here.
 */
#include <pv/arch-x86.h>

#include "hv/cpu/asm.h"
#include "hv/cpu/safe.h"
#include "hv/dispatch/dispatch.h"
#include "hv/evtchn/evtchn.h"

#define STACK_ALIGN 15ull
#define FRAME_WORDS 12 /* the largest: failsafe's */

/* Guest flags shown in a frame: IF is the inverse of the event mask. */
static uint64_t shown_flags(const struct cpu_regs *regs, bool masked)
{
	return (regs->rflags & ~(uint64_t)RFLAGS_IF) | (masked ? 0 : RFLAGS_IF);
}

static uint64_t shown_cs(const struct cpu_regs *regs, bool kernel, bool masked)
{
	uint64_t cs = kernel ? FLAT_KERNEL_CS & ~3ull : regs->cs & 0xffff;

	return cs | (uint64_t)masked << 32;
}

/*
 * Push @extra[0..n) (lowest address first) and the return frame; enter @rip.
 */
static void enter(struct cpu_regs *regs, uint64_t rip, const uint64_t *extra,
		  unsigned int n, bool mask_events)
{
	bool kernel = guest_in_kernel();
	struct pv_vcpu_info *info = current->info;
	bool masked = READ_ONCE(info->evtchn_upcall_mask) & 1;
	uint64_t sp = kernel ? regs->rsp : READ_ONCE(tramp_data()->kernel_sp);
	uint64_t frame[FRAME_WORDS];

	for (unsigned int i = 0; i < n; i++)
		frame[i] = extra[i];
	frame[n] = regs->rip;
	frame[n + 1] = shown_cs(regs, kernel, masked);
	frame[n + 2] = shown_flags(regs, masked);
	frame[n + 3] = regs->rsp;
	frame[n + 4] = regs->ss;
	sp = (sp & ~STACK_ALIGN) - 8 * (n + 5);
	if (copy_to_guest(sp, frame, 8 * (n + 5))) {
		domain_crash(current->domain,
			     "v%u: no stack for a frame, sp=%#lx rip=%#lx",
			     current->id, sp, regs->rip);
		return;
	}
	if (!kernel) {
		tramp_data()->kernel_mode = 1;
		swapgs();
	}
	if (mask_events)
		WRITE_ONCE(info->evtchn_upcall_mask, 1);
	regs->rip = rip;
	regs->rsp = sp;
	regs->cs = SEL_RING1_CS;
	regs->ss = SEL_RING1_SS;
	regs->rflags = RFLAGS_IF | RFLAGS_FIX;
}

void guest_bounce(struct cpu_regs *regs, uint64_t rip, uint64_t error,
		  bool mask_events)
{
	uint64_t extra[3] = {regs->rcx, regs->r11, error};

	enter(regs, rip, extra, error == NO_ERROR_CODE ? 2 : 3, mask_events);
}

void guest_trap(struct cpu_regs *regs, unsigned int vector, uint64_t error)
{
	const struct pv_trap_info *t = &current->traps[vector];

	if (!t->address) {
		domain_crash(current->domain,
			     "v%u: trap %u without a handler, rip=%#lx "
			     "error=%#lx",
			     current->id, vector, regs->rip,
			     error == NO_ERROR_CODE ? 0 : error);
		return;
	}
	guest_bounce(regs, t->address, error, t->flags & TI_IF);
}

void guest_page_fault(struct cpu_regs *regs, uint64_t va, uint64_t error)
{
	current->info->arch.cr2 = va;
	guest_trap(regs, 14, error);
}

void guest_deliver_events(struct cpu_regs *regs)
{
	struct vcpu *v = current;

	if (v->nmi_pending && v->nmi.rip) {
		v->nmi_pending = false;
		guest_bounce(regs, v->nmi.rip, NO_ERROR_CODE, true);
	}
	if (v->event.rip && evtchn_pending(v))
		guest_bounce(regs, v->event.rip, NO_ERROR_CODE, true);
}

/* The frame has the data selectors as well, lowest first: rcx r11 ds es fs gs. */
void guest_failsafe(struct cpu_regs *regs)
{
	const struct callback *f = &current->failsafe;
	uint64_t extra[6] = {regs->rcx, regs->r11, read_ds(),
			     read_es(), read_fs(), read_gs()};

	if (!f->rip) {
		domain_crash(current->domain,
			     "v%u: a return failed and there is no failsafe "
			     "callback, rip=%#lx cs=%#lx",
			     current->id, regs->rip, regs->cs);
		return;
	}
	enter(regs, f->rip, extra, 6, f->mask_events);
}
