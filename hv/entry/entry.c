/* SPDX-License-Identifier: MIT */
/*
 * Every entry into the hypervisor proper, and every way out.
 *
 * An entry finds the guest's registers at the top of the ring-0 stack and runs
 * to its end on this CPU's one C stack, interrupts off.  On the way out the
 * scheduler may put another vcpu's registers there; events are delivered; the
 * CPU that has nothing to run sleeps here.
 */
#include "hv/entry/entry.h"
#include <pv/event_channel.h>

#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/safe.h"
#include "hv/cpu/tlb.h"
#include "hv/dev/dev.h"
#include "hv/dispatch/dispatch.h"
#include "hv/evtchn/evtchn.h"
#include "hv/lib/bug.h"
#include "hv/mm/mm.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

#define PF_PRESENT 0x01
#define PF_WRITE   0x02
#define PF_USER    0x04
#define PF_FETCH   0x10

void hv_entry(struct cpu_regs *regs, uint64_t cr3);
bool tramp_fault(struct cpu_regs *fault, uint64_t cr3);
void hv_in_ring0(struct cpu_regs *regs);
void hv_ist_in_ring0(struct cpu_regs *regs);

/* ---- faults in ring 0 ------------------------------------------------------ */
struct fixup {
	uint64_t rip, target;
};
extern const struct fixup fixup_start[], fixup_end[];

static uint64_t fixup_find(uint64_t rip)
{
	for (const struct fixup *f = fixup_start; f < fixup_end; f++)
		if (f->rip == rip)
			return f->target;
	return 0;
}

static void NORETURN fault_panic(const struct cpu_regs *regs)
{
	log_err("entry: exception %lu in the hypervisor", regs->entry);
	dump_state(regs);
	backtrace(regs->rip, regs->rbp);
	panic("exception %lu in ring 0, error=%#lx", regs->entry, regs->error);
}

static COLD void interrupt(uint64_t vector)
{
	switch (vector) {
	case VEC_TIMER:
		lapic_eoi();
		time_interrupt();
		break;
	case VEC_FLUSH:
	case VEC_KICK:
		lapic_eoi(); /* entering was the message */
		break;
	case VEC_CONSOLE:
		lapic_eoi();
		if (control_domain)
			evtchn_send_global_virq(control_domain, VIRQ_CONSOLE);
		break;
	case VEC_SPURIOUS:
		break;
	default:
		irq_handle((uint8_t)vector);
	}
}

/* On the hypervisor's own root: an interrupt of idle, or a fault of ours. */
void hv_in_ring0(struct cpu_regs *regs)
{
	uint64_t target;

	if (regs->entry >= 32) {
		interrupt(regs->entry);
		return;
	}
	target = fixup_find(regs->rip);
	if (!target)
		fault_panic(regs);
	regs->rip = target;
}

/* NMI, #MC or #DF that hit ring 0, anywhere. */
void hv_ist_in_ring0(struct cpu_regs *regs)
{
	if (regs->entry == 2) {
		if (control_domain && control_domain->vcpu[0])
			control_domain->vcpu[0]->nmi_pending = true;
		return;
	}
	fault_panic(regs);
}

/* ---- exceptions of guests -------------------------------------------------- */
/* @lent: a page table was on loan, its changes have just been carried over. */
static void page_fault(struct cpu_regs *regs, bool lent)
{
	uint64_t va = read_cr2(), error = regs->error;
	struct vcpu *v = current;

	if (guest_in_kernel()) {
		/* A kernel that dropped itself to ring 3 is a kernel still. */
		if ((error & (PF_PRESENT | PF_USER)) ==
			    (PF_PRESENT | PF_USER) &&
		    (regs->cs & 3) == 3) {
			regs->cs = SEL_RING1_CS;
			regs->ss = SEL_RING1_SS;
			return;
		}
		if ((error & (PF_PRESENT | PF_WRITE)) ==
			    (PF_PRESENT | PF_WRITE) &&
		    mm_emulate_pt_write(v, regs, va))
			return;
		if (lent)
			return; /* try again */
		/* A kernel whose code lies on user pages runs without SMEP. */
		if ((error & (PF_PRESENT | PF_FETCH)) ==
			    (PF_PRESENT | PF_FETCH) &&
		    !v->domain->smep_off) {
			v->domain->smep_off = true;
			context_load_control(v);
			return;
		}
	}
	guest_page_fault(regs, va, error);
}

/* #GP: a privileged instruction, an INT n that the guest allows, or its own. */
static void general_protection(struct cpu_regs *regs)
{
	const struct pv_trap_info *t;
	uint8_t code[2];

	if (privop_emulate(regs))
		return;
	if ((regs->error & 7) == 2 &&
	    !copy_from_guest(code, regs->rip, sizeof(code)) &&
	    code[0] == 0xcd) {
		t = &current->traps[code[1]];
		regs->error = (uint64_t)code[1] << 3 | 2;
		if (t->address &&
		    (guest_in_kernel() || (t->flags & TI_DPL_MASK) == 3)) {
			regs->rip += 2;
			guest_trap(regs, code[1], NO_ERROR_CODE);
			return;
		}
	}
	guest_trap(regs, 13, regs->error);
}

static void debug_exception(struct cpu_regs *regs)
{
	uint64_t dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	current->debugreg[6] = (dr6 & 0xe00f) | 0xffff0ff0;
	guest_trap(regs, 1, NO_ERROR_CODE);
}

static COLD void exception(struct cpu_regs *regs)
{
	struct vcpu *v = current;

	switch (regs->entry) {
	case 1:
		debug_exception(regs);
		break;
	case 2: /* NMI: the control domain's, whoever ran */
		control_domain->vcpu[0]->nmi_pending = true;
		vcpu_kick(control_domain->vcpu[0]);
		break;
	case 6:
		if (!privop_forced_cpuid(regs))
			guest_trap(regs, 6, NO_ERROR_CODE);
		break;
	case 7: /* the ABI clears TS for the handler */
		v->guest_cr0_ts = 0;
		context_load_control(v);
		guest_trap(regs, 7, NO_ERROR_CODE);
		break;
	case 8:
	case 18:
		log_err("entry: exception %lu while d%uv%u ran", regs->entry,
			v->domain->id, v->id);
		dump_state(regs);
		panic("exception %lu", regs->entry);
	case 13:
		general_protection(regs);
		break;
	case 10 ... 12:
	case 17:
	case 21:
	case 29:
	case 30:
		guest_trap(regs, regs->entry, regs->error);
		break;
	default:
		guest_trap(regs, regs->entry, NO_ERROR_CODE);
	}
}

/* SYSCALL or SYSENTER of 32-bit user code. */
static COLD void compat_call(struct cpu_regs *regs, const struct callback *c,
			     unsigned int otherwise)
{
	regs->rflags |= RFLAGS_IF;
	if (c->rip && !guest_in_kernel())
		guest_bounce(regs, c->rip, NO_ERROR_CODE, c->mask_events);
	else
		guest_trap(regs, otherwise,
			   otherwise == 13 ? 0 : NO_ERROR_CODE);
}

static COLD void syscall_slow(struct cpu_regs *regs)
{
	const struct callback *c = &current->syscall;

	if (c->rip)
		guest_bounce(regs, c->rip, NO_ERROR_CODE, c->mask_events);
	else
		guest_trap(regs, 6, NO_ERROR_CODE);
}

/*
 * INT 3, INTO and INT 0x80, whose gates any ring may use: the guest's table
 * says whether its users may.  @length: of the instruction.
 */
static COLD void software_interrupt(struct cpu_regs *regs, unsigned int length)
{
	const struct pv_trap_info *t = &current->traps[regs->entry];

	if (t->address &&
	    (guest_in_kernel() || (t->flags & TI_DPL_MASK) == 3)) {
		guest_trap(regs, regs->entry, NO_ERROR_CODE);
		return;
	}
	regs->rip -= length;
	guest_trap(regs, 13, regs->entry << 3 | 2);
}

/* ---- the way out ------------------------------------------------------------ */
static void idle(void)
{
	if (heap_scrub_wanted() && sched_idle_long() && heap_scrub())
		interrupts_take();
	else
		sleep_until_interrupt();
}

static void leave(void)
{
	for (;;) {
		timers_run();
		if (this_cpu->need_resched)
			schedule();
		if (vcpu_is_idle(current)) {
			if (!this_cpu->need_resched)
				idle();
			continue;
		}
		guest_deliver_events(guest_regs());
		if (!this_cpu->need_resched)
			break;
	}
	if (unlikely(this_cpu->lend_to)) {
		if (this_cpu->lend_to == current)
			table_lend(current);
		this_cpu->lend_to = NULL;
	}
	tlb_leaving();
}

void entry_begin(void)
{
	leave();
}

/* @cr3: what the guest ran on. */
static inline void entered(uint64_t cr3)
{
	if (cr3 != this_cpu->guest_cr3)
		root_learn(cr3);
	tlb_entered(cr3); /* ORDER: last, root_withdraw */
}

void hv_entry(struct cpu_regs *regs, uint64_t cr3)
{
	bool lent = this_cpu->lent;

	entered(cr3);
	this_cpu->entries++;
	if (unlikely(lent))
		table_take_back(current);
	switch (regs->entry) {
	case ENTRY_SYSCALL:
		hypercall_dispatch(regs);
		break;
	case 0 ... 2:
	case 5 ... 13:
	case 15 ... 31:
		exception(regs);
		break;
	case 14:
		page_fault(regs, lent);
		break;
	case 3:
	case 4:
		software_interrupt(regs, 1);
		break;
	case 0x80:
		software_interrupt(regs, 2);
		break;
	case ENTRY_SYSCALL_USER:
		syscall_slow(regs);
		break;
	case ENTRY_SYSCALL32:
		compat_call(regs, &current->syscall32, 6);
		break;
	case ENTRY_SYSENTER:
		compat_call(regs, &current->sysenter, 13);
		break;
	default:
		interrupt(regs->entry);
	}
	leave();
}

/*
 * The trampoline faulted on the guest's root.  TRAMP_FAULT_IRETQ: the frame it
 * returned by is still at the top of the stack, the other registers are the
 * guest's already and came back with @fault.  Any other target is where the
 * trampoline goes on: true.
 */
bool tramp_fault(struct cpu_regs *fault, uint64_t cr3)
{
	uint64_t kind = fixup_find(fault->rip);
	struct cpu_regs all = *fault, *regs = guest_regs();

	entered(cr3);
	if (this_cpu->lent)
		table_take_back(current);
	if (kind == TRAMP_FAULT_IRETQ) {
		all.rip = regs->rip;
		all.cs = regs->cs;
		all.rflags = regs->rflags;
		all.rsp = regs->rsp;
		all.ss = regs->ss;
		*regs = all;
		guest_failsafe(regs);
	} else if (kind == TRAMP_FAULT_FRAME) {
		domain_crash(current->domain,
			     "v%u: no stack for a frame, sp=%#lx", current->id,
			     tramp_data()->kernel_sp);
	} else if (kind) {
		fault->rip = kind;
		tlb_leaving();
		return true;
	} else {
		fault_panic(fault);
	}
	leave();
	return false;
}
