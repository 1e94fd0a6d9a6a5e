/* SPDX-License-Identifier: MIT */
/* Offsets and numbers for assembly: compiled to text, filtered into asm-offsets.h. */
#include <pv/start_info.h>

#include "hv/cpu/cpu.h"

#define OFFSET(name, type, field)                                              \
	__asm__ volatile("\n.ascii \"->" #name " %0 \""                        \
			 :                                                     \
			 : "i"(offsetof(type, field)))

#define NUMBER(name)                                                           \
	__asm__ volatile("\n.ascii \"->" #name " %0 \"" : : "i"(name))

void offsets(void);
void offsets(void)
{
	OFFSET(TD_GUEST_RSP, struct tramp_data, guest_rsp);
	OFFSET(TD_SCRATCH, struct tramp_data, scratch);
	OFFSET(TD_KERNEL_MODE, struct tramp_data, kernel_mode);
	OFFSET(TD_USER_RUNS, struct tramp_data, user_runs);
	OFFSET(TD_KERNEL_SP, struct tramp_data, kernel_sp);
	OFFSET(TD_SYSCALL_RIP, struct tramp_data, syscall_rip);
	OFFSET(TD_SYSCALL_MASK, struct tramp_data, syscall_mask);
	OFFSET(TD_PF_RIP, struct tramp_data, pf_rip);
	OFFSET(TD_PF_MASK, struct tramp_data, pf_mask);
	OFFSET(TD_PREFETCH_AT, struct tramp_data, prefetch_at);
	OFFSET(TD_PREFETCHED, struct tramp_data, prefetched);
	OFFSET(TC_HV_CR3, struct tramp_const, hv_cr3);
	OFFSET(TC_ENTER_CR3, struct tramp_const, enter_cr3);
	OFFSET(TC_VINFO, struct tramp_const, vinfo);
	OFFSET(TC_VERSION, struct tramp_const, version);
	OFFSET(TC_LENT_TABLE, struct tramp_const, lent_table);
	OFFSET(TC_LENT_ADDRESS, struct tramp_const, lent_address);
	OFFSET(TC_ROOTS, struct tramp_const, roots);
	OFFSET(TR_USER, struct tramp_root, user);
	OFFSET(TR_CR3, struct tramp_root, cr3);
	OFFSET(TC_ROOT_1, struct tramp_const, roots[1]);
	OFFSET(TC_VCPUS, struct tramp_domain, vcpus);
	OFFSET(TC_VCPUS_UP, struct tramp_domain, vcpus_up);
	OFFSET(TC_CONFIG_PORTS, struct tramp_const, config_ports);
	OFFSET(TD_CONFIG_ADDRESS, struct tramp_data, config_address);
	NUMBER(CONFIG_NONE);
	NUMBER(CONFIG_ADDRESS);
	NUMBER(CONFIG_ONES);
	OFFSET(CPU_EXIT_CR3, struct cpu, exit_cr3);
	OFFSET(VI_PENDING, struct pv_vcpu_info, evtchn_upcall_pending);
	OFFSET(VI_MASK, struct pv_vcpu_info, evtchn_upcall_mask);
	OFFSET(VI_CR2, struct pv_vcpu_info, arch.cr2);
	OFFSET(REGS_ENTRY, struct cpu_regs, entry);
	OFFSET(REGS_RAX, struct cpu_regs, rax);
	OFFSET(REGS_RIP, struct cpu_regs, rip);
	OFFSET(REGS_CS, struct cpu_regs, cs);
}
