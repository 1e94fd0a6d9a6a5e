/* SPDX-License-Identifier: MIT */
/*
 * Switching a CPU from one vcpu to another.
 *
 * The running guest's integer registers are on the ring-0 stack and its small
 * facts in WIN_DATA; everything else is in the processor.  Idle has no state:
 * a vcpu is saved when the CPU goes idle, and if it comes back to the same
 * CPU with nobody in between, what is in the processor is still its own.
 */
#include "hv/domain/domain.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/features.h"
#include "hv/cpu/fpu.h"
#include "hv/cpu/safe.h"
#include "hv/cpu/tlb.h"
#include "hv/lib/string.h"

#define DR7_ENABLED 0xff

static void save_segments(struct vcpu *v)
{
	v->ds = read_ds();
	v->es = read_es();
	v->fs = read_fs();
	v->gs = read_gs();
	v->fs_base = rdmsr(MSR_FS_BASE);
	v->gs_base = rdmsr(MSR_GS_BASE);
	v->gs_base_inactive = rdmsr(MSR_KERNEL_GS_BASE);
}

/* A selector that does not load any more becomes null, as on real returns
 * to a task whose segment is gone. */
static void load_segments(const struct vcpu *v)
{
	if (!load_ds(v->ds))
		load_ds(0);
	if (!load_es(v->es))
		load_es(0);
	if (!load_fs(v->fs))
		load_fs(0);
	if (!load_gs(v->gs))
		load_gs(0);
	wrmsr(MSR_FS_BASE, v->fs_base);
	wrmsr(MSR_GS_BASE, v->gs_base);
	wrmsr(MSR_KERNEL_GS_BASE, v->gs_base_inactive);
}

#define DEFINE_DR(n)                                                           \
	static void write_dr##n(uint64_t x)                                    \
	{                                                                      \
		__asm__ volatile("mov %0, %%dr" #n : : "r"(x));                \
	}
DEFINE_DR(0)
DEFINE_DR(1)
DEFINE_DR(2)
DEFINE_DR(3)
DEFINE_DR(6)
DEFINE_DR(7)

static void load_debug_registers(const struct vcpu *v)
{
	static const uint64_t dr7_off = 0x400;

	if (!(v->debugreg[7] & DR7_ENABLED)) {
		write_dr7(dr7_off);
		return;
	}
	write_dr0(v->debugreg[0]);
	write_dr1(v->debugreg[1]);
	write_dr2(v->debugreg[2]);
	write_dr3(v->debugreg[3]);
	write_dr6(v->debugreg[6]);
	write_dr7(v->debugreg[7]);
}

/* PCI configuration, for a kernel that may do I/O. */
static uint64_t config_ports(const struct vcpu *v)
{
	if (!v->iopl)
		return CONFIG_NONE;
	if (!v->domain->privileged)
		return CONFIG_ONES;
	return nr_cpus == 1 ? CONFIG_READ : CONFIG_ADDRESS;
}

void context_load_control(struct vcpu *v)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4(), want;

	want = (cr0 & ~(uint64_t)CR0_TS) | v->guest_cr0_ts;
	if (want != cr0)
		write_cr0(want);
	want = cr4 & ~(uint64_t)(CR4_DE | CR4_TSD | CR4_SMEP);
	want |= v->guest_cr4 & (CR4_DE | CR4_TSD);
	if (features.smep && !v->domain->smep_off)
		want |= CR4_SMEP;
	if (want != cr4)
		write_cr4(want);
	load_debug_registers(v);
	this_cpu->tconst->config_ports = config_ports(v);
}

static uint64_t page_pte(const void *direct)
{
	return mfn_raw(direct_to_mfn(direct)) << PAGE_SHIFT | PTE_P | PTE_A |
	       PTE_D | PTE_NX;
}

void context_map_info(struct vcpu *v)
{
	window_set(WIN_VINFO, page_pte(v->info) | PTE_RW);
	window_set(WIN_DOMAIN, page_pte(v->domain->tramp));
	this_cpu->tconst->vinfo = WIN_VINFO + ((uint64_t)v->info & ~PAGE_MASK);
}

void context_refresh_trampoline(const struct vcpu *v, struct tramp_data *t)
{
	const struct pv_trap_info *pf = &v->traps[14];

	t->syscall_rip = v->syscall.rip;
	t->syscall_mask = v->syscall.mask_events;
	t->pf_rip = pf->address;
	t->pf_mask = pf->flags & TI_IF;
}

/*
 * All components are switched, whatever the guest's XCR0 says, so that no
 * register carries one guest's data to another.
 */
static void save_fpu(struct vcpu *v)
{
	__asm__ volatile("clts");
	if (features.xsave && v->xcr0 != features.xcr0)
		xsetbv_safe(features.xcr0);
	fpu_save(v->fpu);
}

static void load_fpu(struct vcpu *v)
{
	__asm__ volatile("clts");
	if (features.xsave)
		xsetbv_safe(features.xcr0);
	fpu_load(v->fpu);
}

static void save(struct vcpu *v)
{
	v->regs = *guest_regs();
	v->tramp = *tramp_data();
	save_segments(v);
	save_fpu(v);
	this_cpu->loaded = v;
	v->loaded_on = this_cpu->id;
}

static void load(struct vcpu *v)
{
	struct vcpu *before = this_cpu->loaded;

	*guest_regs() = v->regs;
	*tramp_data() = v->tramp;
	tramp_data()->prefetch_at = 0; /* of another entry */
	context_refresh_trampoline(v, tramp_data());
	this_cpu->loaded = NULL;
	/* ORDER: running before stale; guest_flush. */
	if (atomic_exchange(&v->stale, false))
		tlb_flush_local();
	if (before != v || v->loaded_on != this_cpu->id) {
		tlb_flush_local();
		desc_load(v);
		load_segments(v);
		load_fpu(v);
		context_map_info(v);
	}
	v->loaded_on = MAX_CPUS;
	if (features.xsave && v->xcr0 != features.xcr0)
		xsetbv_safe(v->xcr0);
	context_load_control(v);
	root_load(v);
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
	if (prev == next)
		return;
	if (!vcpu_is_idle(prev))
		save(prev);
	this_cpu->curr = next;
	if (!vcpu_is_idle(next))
		load(next);
}
