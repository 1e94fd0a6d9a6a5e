/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions of guest kernels.
 *
 * Ring 1 faults on them; the decoder says what was meant, the policies of the
 * emul room say what a guest may have, and this file does it.  Port I/O is the
 * control domain's, instruction by instruction; a guest's user code has it
 * when its kernel raised the (shadowed) IOPL.
 */
#include <pv/errno.h>

#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/safe.h"
#include "hv/dev/dev.h"
#include "hv/dispatch/dispatch.h"
#include "hv/emul/cpuid.h"
#include "hv/emul/decode.h"
#include "hv/emul/msr.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"
#include "hv/time/time.h"

#define STRING_IO_RUN 256 /* transfers before interrupts get their turn */

/* The instruction is to be executed again. */
static bool again[MAX_CPUS];

static void done(struct cpu_regs *regs, const struct emul_insn *insn)
{
	regs->rip += insn->length;
	regs->rflags &= ~(uint64_t)RFLAGS_RF;
}

/* ---- CPUID ------------------------------------------------------------------- */
static struct cpuid_regs host_leaf(uint32_t leaf, uint32_t sub)
{
	return cpuid(leaf, sub);
}

static void emulate_cpuid(struct cpu_regs *regs)
{
	const struct cpuid_facts facts = {
		.vcpu = current->id,
		.xcr0 = features.xcr0,
		.slow_bytes = features.slow_bytes,
		.tsc_stable = true,
		.tsc_khz = (uint32_t)tsc_khz,
		.tsc_mul = tsc_to_ns_mul,
		.tsc_shift = tsc_to_ns_shift,
	};
	struct cpuid_regs r = cpuid_policy(
		host_leaf, &facts, (uint32_t)regs->rax, (uint32_t)regs->rcx);

	regs->rax = r.a;
	regs->rbx = r.b;
	regs->rcx = r.c;
	regs->rdx = r.d;
}

bool privop_forced_cpuid(struct cpu_regs *regs)
{
	struct emul_priv p;
	uint8_t code[EMUL_MAX_LENGTH];

	if (copy_from_guest(code, regs->rip, 7) ||
	    !emul_decode_priv(code, 7, EMUL_MODE64, &p) ||
	    p.op != EMUL_FORCED_CPUID)
		return false;
	emulate_cpuid(regs);
	done(regs, &p.insn);
	return true;
}

/* ---- control registers --------------------------------------------------------- */
static uint64_t shown_cr0(void)
{
	return (read_cr0() & ~(uint64_t)CR0_TS) | current->guest_cr0_ts;
}

static bool read_cr(unsigned int cr, uint64_t *v)
{
	switch (cr) {
	case 0:
		*v = shown_cr0();
		return true;
	case 2:
		*v = current->info->arch.cr2;
		return true;
	case 3:
		*v = mfn_raw(current->kernel_root) << PAGE_SHIFT;
		return true;
	case 4:
		*v = current->guest_cr4 | CR4_PAE;
		return true;
	case 8:
		*v = 0;
		return true;
	default:
		return false;
	}
}

/* A root that takes long to validate: the guest comes back to the same MOV. */
static bool write_cr3_guest(uint64_t v)
{
	int rc = root_set(current, mfn_of(v >> PAGE_SHIFT));

	if (rc == -ERESTART)
		again[this_cpu->id] = true;
	return !rc || rc == -ERESTART;
}

/* What a guest may turn on; PGE and PSE are accepted and mean nothing. */
#define CR4_GUEST                                                              \
	(CR4_TSD | CR4_DE | CR4_PAE | CR4_PGE | CR4_PSE | CR4_OSFXSR |         \
	 CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_MCE | CR4_PCE | CR4_VME | CR4_PVI)

static bool write_cr(unsigned int cr, uint64_t v)
{
	struct vcpu *guest = current;

	switch (cr) {
	case 0:
		if ((v ^ shown_cr0()) & ~(uint64_t)(CR0_TS | CR0_AM | CR0_NE |
						    CR0_MP | CR0_ET | CR0_WP))
			return false;
		guest->guest_cr0_ts = v & CR0_TS;
		context_load_control(guest);
		return true;
	case 2:
		guest->info->arch.cr2 = v;
		return true;
	case 3:
		return write_cr3_guest(v);
	case 4:
		if (v & ~(uint64_t)CR4_GUEST)
			return false;
		guest->guest_cr4 = v & ~(uint64_t)(CR4_PGE | CR4_PSE | CR4_VME |
						   CR4_PVI | CR4_PCE);
		context_load_control(guest);
		return true;
	case 8:
		return true;
	default:
		return false;
	}
}

/* ---- MSRs ------------------------------------------------------------------------ */
static uint64_t edx_eax(const struct cpu_regs *regs)
{
	return (uint32_t)regs->rax | regs->rdx << 32;
}

static void set_edx_eax(struct cpu_regs *regs, uint64_t v)
{
	regs->rax = (uint32_t)v;
	regs->rdx = v >> 32;
}

static bool emulate_rdmsr(struct cpu_regs *regs)
{
	uint32_t msr = (uint32_t)regs->rcx;
	uint64_t v = 0;

	switch (msr_read_policy(msr, current->id, &v)) {
	case MSR_VALUE:
		break;
	case MSR_FS:
	case MSR_GS:
	case MSR_KERNEL_GS:
	case MSR_HOST:
		if (!rdmsr_safe(msr, &v))
			return false;
		break;
	default:
		return false;
	}
	set_edx_eax(regs, v);
	return true;
}

static bool emulate_wrmsr(struct cpu_regs *regs)
{
	uint32_t msr = (uint32_t)regs->rcx;
	uint64_t v = edx_eax(regs);

	switch (msr_write_policy(msr, v)) {
	case MSR_VALUE:
		return true;
	case MSR_FS:
	case MSR_GS:
	case MSR_KERNEL_GS:
		return wrmsr_safe(msr, v);
	default:
		return false;
	}
}

/* ---- port I/O ---------------------------------------------------------------------- */
static bool granted(uint16_t port, unsigned int size)
{
	return dev_port_granted(current, !guest_in_kernel(), port, size);
}

static bool emulate_in_out(const struct emul_priv *p, struct cpu_regs *regs)
{
	uint16_t port = p->has_imm ? p->imm : (uint16_t)regs->rdx;

	if (!granted(port, p->insn.size))
		return false;
	if (p->op == EMUL_IN)
		emul_reg_write(
			regs, 0, p->insn.size,
			dev_port_read(current->domain, port, p->insn.size));
	else
		dev_port_write(current->domain, port, p->insn.size,
			       (uint32_t)regs->rax);
	return true;
}

/*
 * INS and OUTS, with REP a bounded run of them: rip moves on only when the
 * count is used up, so the guest comes back for the rest.
 */
static void emulate_string_io(const struct emul_priv *p, struct cpu_regs *regs)
{
	struct domain *d = current->domain;
	bool in = p->op == EMUL_INS;
	int64_t step = regs->rflags & RFLAGS_DF ? -(int64_t)p->insn.size
						: p->insn.size;
	uint64_t left = p->insn.rep ? regs->rcx : 1;
	uint64_t *at = in ? &regs->rdi : &regs->rsi;

	for (unsigned int i = 0; left && i < STRING_IO_RUN; i++, left--) {
		uint16_t port = (uint16_t)regs->rdx;
		uint32_t v = in ? dev_port_read(d, port, p->insn.size) : 0;
		int rc = in ? copy_to_guest(*at, &v, p->insn.size)
			    : copy_from_guest(&v, *at, p->insn.size);

		if (rc) {
			guest_page_fault(regs, *at, in ? 2 : 0);
			return;
		}
		if (!in)
			dev_port_write(d, port, p->insn.size, v);
		*at += step;
		if (p->insn.rep)
			regs->rcx--;
	}
	if (!left)
		done(regs, &p->insn);
}

/* ---- the rest ------------------------------------------------------------------------ */
static bool emulate_xsetbv(struct cpu_regs *regs)
{
	uint64_t v = edx_eax(regs);

	if ((uint32_t)regs->rcx || (v & ~features.xcr0) || !xsetbv_safe(v))
		return false;
	current->xcr0 = v;
	return true;
}

static bool kernel_op(const struct emul_priv *p, struct cpu_regs *regs)
{
	uint64_t *rm = emul_reg(regs, p->insn.rm);

	switch (p->op) {
	case EMUL_FORCED_CPUID:
	case EMUL_CPUID:
		emulate_cpuid(regs);
		return true;
	case EMUL_READ_CR:
		return read_cr(p->insn.reg, rm);
	case EMUL_WRITE_CR:
		return write_cr(p->insn.reg, *rm);
	case EMUL_READ_DR:
		*rm = (uint64_t)hc_get_debugreg(p->insn.reg);
		return true;
	case EMUL_WRITE_DR:
		return !hc_set_debugreg(p->insn.reg, *rm);
	case EMUL_CLTS:
		return !hc_fpu_taskswitch(0);
	case EMUL_RDMSR:
		return emulate_rdmsr(regs);
	case EMUL_WRMSR:
		return emulate_wrmsr(regs);
	case EMUL_WBINVD:
	case EMUL_INVD:
		if (current->domain->privileged)
			wbinvd();
		return true;
	case EMUL_INVLPG:
		tlb_flush_local();
		return true;
	case EMUL_CLI:
		current->info->evtchn_upcall_mask = 1;
		return true;
	case EMUL_STI:
		current->info->evtchn_upcall_mask = 0;
		return true;
	case EMUL_HLT:
		vcpu_block();
		return true;
	case EMUL_XSETBV:
		return emulate_xsetbv(regs);
	case EMUL_RDTSC:
		set_edx_eax(regs, rdtsc());
		return true;
	default:
		return false;
	}
}

bool privop_emulate(struct cpu_regs *regs)
{
	uint8_t code[EMUL_MAX_LENGTH];
	enum emul_mode mode = EMUL_MODE64;
	struct emul_priv p;
	size_t n = sizeof(code);
	bool ok;

	if (!guest_in_kernel() && !current->domain->privileged)
		return false;
	if ((uint16_t)regs->cs == SEL_COMPAT_CS)
		mode = EMUL_MODE32;
	if (copy_from_guest(code, regs->rip, n)) {
		n = PAGE_SIZE - (regs->rip & ~PAGE_MASK);
		if (n >= sizeof(code) || copy_from_guest(code, regs->rip, n))
			return false;
	}
	if (!emul_decode_priv(code, n, mode, &p))
		return false;
	switch (p.op) {
	case EMUL_IN:
	case EMUL_OUT:
		ok = emulate_in_out(&p, regs);
		break;
	case EMUL_INS:
	case EMUL_OUTS:
		if (!granted((uint16_t)regs->rdx, p.insn.size))
			return false;
		emulate_string_io(&p, regs);
		return true;
	default:
		again[this_cpu->id] = false;
		ok = guest_in_kernel() && kernel_op(&p, regs);
		if (again[this_cpu->id])
			return true;
	}
	if (ok)
		done(regs, &p.insn);
	return ok;
}
