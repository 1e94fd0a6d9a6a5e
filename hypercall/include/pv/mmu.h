/* SPDX-License-Identifier: MIT */
/*
 * Page tables: mmu_update, mmuext_op, update_va_mapping, vm_assist.
 */
#ifndef PV_MMU_H
#define PV_MMU_H

#include <pv/abi.h>

/* struct pv_mmu_update.ptr, bits 0 and 1 */
#define MMU_NORMAL_PT_UPDATE       0
#define MMU_MACHPHYS_UPDATE        1
#define MMU_PT_UPDATE_PRESERVE_AD  2
#define MMU_PT_UPDATE_NO_TRANSLATE 3

/*
 * The count of mmu_update and mmuext_op: a set top bit marks a call that the
 * hypervisor restarts after it was preempted.  A guest never sets it.
 */
#define MMU_UPDATE_PREEMPTED 0x80000000

/* struct pv_mmuext_op.cmd */
#define MMUEXT_PIN_L1_TABLE       0
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4
#define MMUEXT_NEW_BASEPTR        5
#define MMUEXT_TLB_FLUSH_LOCAL    6
#define MMUEXT_INVLPG_LOCAL       7
#define MMUEXT_TLB_FLUSH_MULTI    8
#define MMUEXT_INVLPG_MULTI       9
#define MMUEXT_TLB_FLUSH_ALL      10
#define MMUEXT_INVLPG_ALL         11
#define MMUEXT_FLUSH_CACHE        12
#define MMUEXT_SET_LDT            13
#define MMUEXT_NEW_USER_BASEPTR   15
#define MMUEXT_CLEAR_PAGE         16
#define MMUEXT_COPY_PAGE          17
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19
#define MMUEXT_UNMARK_SUPER       20

/* update_va_mapping: what to flush, and of whom. */
#define UVMF_NONE                        0
#define UVMF_TLB_FLUSH                   1
#define UVMF_INVLPG                      2
#define UVMF_FLUSHTYPE_MASK              3
#define UVMF_MULTI                       0 /* or the address of a VCPU bitmap */
#define UVMF_LOCAL                       0
#define UVMF_ALL                         4

#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1

#define VMASST_TYPE_4gb_segments         0
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2
#define VMASST_TYPE_pae_extended_cr3     3
#define VMASST_TYPE_architectural_iopl   4
#define VMASST_TYPE_runstate_update_flag 5

#ifndef __ASSEMBLER__

struct pv_mmu_update {
	uint64_t ptr; /* machine address, and MMU_* in bits 0 and 1 */
	uint64_t val;
};
PV_ABI_SIZE(struct pv_mmu_update, 16);
PV_ABI_FIELD(struct pv_mmu_update, val, 8);

struct pv_mmuext_op {
	uint32_t cmd;
	uint32_t pad0;
	union {
		uint64_t mfn;
		uint64_t linear_addr;
	} arg1;
	union {
		uint32_t nr_ents;
		pv_gva_t vcpumask; /* a bitmap */
		uint64_t src_mfn;
	} arg2;
};
PV_ABI_SIZE(struct pv_mmuext_op, 24);
PV_ABI_FIELD(struct pv_mmuext_op, arg1, 8);
PV_ABI_FIELD(struct pv_mmuext_op, arg2, 16);

#endif /* __ASSEMBLER__ */
#endif /* PV_MMU_H */
