/* SPDX-License-Identifier: MIT */
/*
 * x86-64: address-space layout, segments, traps, register frames.
 */
#ifndef PV_ARCH_X86_H
#define PV_ARCH_X86_H

#include <pv/abi.h>

/*
 * The reserved hole: top-level slots 256 to 271.  The machine-to-physical
 * table is mapped read-only at its start; the rest is the hypervisor's.
 */
#define HYPERVISOR_VIRT_START PV_U64(0xffff800000000000)
#define HYPERVISOR_VIRT_END   PV_U64(0xffff880000000000) /* exclusive */
#define MACH2PHYS_VIRT_START  PV_U64(0xffff800000000000)
#define MACH2PHYS_VIRT_END    PV_U64(0xffff804000000000) /* exclusive */
#define MACH2PHYS_SHIFT       3 /* log2 of the bytes per entry */

/* What a machine-to-physical entry holds for a frame of no domain. */
#define INVALID_M2P_ENTRY PV_U64(0xffffffffffffffff)

/* A guest's GDT ends before this page, byte, entry. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  57344
#define FIRST_RESERVED_GDT_ENTRY 7168

/* Flat segments in the hypervisor's part of every GDT, for ring 3. */
#define FLAT_RING3_CS32 0xe023
#define FLAT_RING3_CS64 0xe033
#define FLAT_RING3_DS32 0xe02b
#define FLAT_RING3_DS64 0x0000
#define FLAT_RING3_SS32 0xe02b
#define FLAT_RING3_SS64 0xe02b

/* The names under which a guest kernel asks for them. */
#define FLAT_KERNEL_CS FLAT_RING3_CS64
#define FLAT_KERNEL_DS FLAT_RING3_DS64
#define FLAT_KERNEL_SS FLAT_RING3_SS64
#define FLAT_USER_CS   FLAT_RING3_CS64
#define FLAT_USER_DS   FLAT_RING3_DS64
#define FLAT_USER_SS   FLAT_RING3_SS64
#define FLAT_USER_CS32 FLAT_RING3_CS32
#define FLAT_USER_DS32 FLAT_RING3_DS32
#define FLAT_USER_SS32 FLAT_RING3_SS32

/* VCPUs that have a struct pv_vcpu_info in the shared page. */
#define MAX_VIRT_CPUS 32

/* set_segment_base: which base. */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3 /* loads a user GS selector, not a base */

/* struct pv_trap_info.flags */
#define TI_DPL_MASK 3 /* least privileged ring that may use INT n */
#define TI_IF       4 /* the handler starts with events masked    */

/* struct pv_vcpu_guest_context.flags */
#define VGCF_i387_valid               0x01
#define VGCF_in_kernel                0x04
#define VGCF_failsafe_disables_events 0x08
#define VGCF_syscall_disables_events  0x10
#define VGCF_online                   0x20

/* struct pv_iret_context.flags */
#define VGCF_in_syscall 0x100

/* The bytes before CPUID that ask the hypervisor to emulate it. */
#define PV_EMULATE_PREFIX 0x0f, 0x0b, 0x78, 0x65, 0x6e

#ifndef __ASSEMBLER__

/* set_trap_table takes an array of these; address 0 ends it. */
struct pv_trap_info {
	uint8_t vector; /* exception or software interrupt        */
	uint8_t flags; /* TI_*                                   */
	uint16_t cs; /* code selector of the handler           */
	uint32_t pad0;
	uint64_t address; /* linear address of the handler          */
};
PV_ABI_SIZE(struct pv_trap_info, 16);
PV_ABI_FIELD(struct pv_trap_info, flags, 1);
PV_ABI_FIELD(struct pv_trap_info, cs, 2);
PV_ABI_FIELD(struct pv_trap_info, address, 8);

struct pv_cpu_user_regs {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rsi;
	uint64_t rdi;
	uint32_t error_code; /* the hypervisor's own use */
	uint32_t entry_vector; /* the hypervisor's own use */
	uint64_t rip;
	uint16_t cs;
	uint16_t pad0;
	uint8_t saved_upcall_mask;
	uint8_t pad1[3];
	uint64_t rflags;
	uint64_t rsp;
	uint16_t ss;
	uint16_t pad2[3];
	uint16_t es;
	uint16_t pad3[3];
	uint16_t ds;
	uint16_t pad4[3];
	uint16_t fs; /* not 0: its descriptor's base wins over fs_base */
	uint16_t pad5[3];
	uint16_t gs; /* not 0: its base wins over gs_base_user         */
	uint16_t pad6[3];
};
PV_ABI_SIZE(struct pv_cpu_user_regs, 200);
PV_ABI_FIELD(struct pv_cpu_user_regs, rax, 80);
PV_ABI_FIELD(struct pv_cpu_user_regs, error_code, 120);
PV_ABI_FIELD(struct pv_cpu_user_regs, rip, 128);
PV_ABI_FIELD(struct pv_cpu_user_regs, cs, 136);
PV_ABI_FIELD(struct pv_cpu_user_regs, saved_upcall_mask, 140);
PV_ABI_FIELD(struct pv_cpu_user_regs, rflags, 144);
PV_ABI_FIELD(struct pv_cpu_user_regs, rsp, 152);
PV_ABI_FIELD(struct pv_cpu_user_regs, ss, 160);
PV_ABI_FIELD(struct pv_cpu_user_regs, es, 168);
PV_ABI_FIELD(struct pv_cpu_user_regs, ds, 176);
PV_ABI_FIELD(struct pv_cpu_user_regs, fs, 184);
PV_ABI_FIELD(struct pv_cpu_user_regs, gs, 192);

/* The state in which a virtual CPU starts. */
struct pv_vcpu_guest_context {
	uint8_t fpu_ctxt[512]; /* an FXSAVE image, if VGCF_i387_valid   */
	uint64_t flags; /* VGCF_*                                */
	struct pv_cpu_user_regs user_regs;
	struct pv_trap_info trap_ctxt[256]; /* indexed by vector        */
	uint64_t ldt_base; /* linear address           */
	uint64_t ldt_ents;
	uint64_t gdt_frames[16]; /* machine frames                      */
	uint64_t gdt_ents;
	uint64_t kernel_ss;
	uint64_t kernel_sp;
	uint64_t ctrlreg[8]; /* 3: kernel root, 1: user root, as CR3   */
	uint64_t debugreg[8]; /* DR0 to DR7                             */
	uint64_t event_callback_eip;
	uint64_t failsafe_callback_eip;
	uint64_t syscall_callback_eip;
	uint64_t vm_assist; /* one bit per VMASST_TYPE_*                */
	uint64_t fs_base;
	uint64_t gs_base_kernel;
	uint64_t gs_base_user;
};
PV_ABI_SIZE(struct pv_vcpu_guest_context, 5168);
PV_ABI_FIELD(struct pv_vcpu_guest_context, flags, 512);
PV_ABI_FIELD(struct pv_vcpu_guest_context, user_regs, 520);
PV_ABI_FIELD(struct pv_vcpu_guest_context, trap_ctxt, 720);
PV_ABI_FIELD(struct pv_vcpu_guest_context, ldt_base, 4816);
PV_ABI_FIELD(struct pv_vcpu_guest_context, ldt_ents, 4824);
PV_ABI_FIELD(struct pv_vcpu_guest_context, gdt_frames, 4832);
PV_ABI_FIELD(struct pv_vcpu_guest_context, gdt_ents, 4960);
PV_ABI_FIELD(struct pv_vcpu_guest_context, kernel_ss, 4968);
PV_ABI_FIELD(struct pv_vcpu_guest_context, kernel_sp, 4976);
PV_ABI_FIELD(struct pv_vcpu_guest_context, ctrlreg, 4984);
PV_ABI_FIELD(struct pv_vcpu_guest_context, debugreg, 5048);
PV_ABI_FIELD(struct pv_vcpu_guest_context, event_callback_eip, 5112);
PV_ABI_FIELD(struct pv_vcpu_guest_context, failsafe_callback_eip, 5120);
PV_ABI_FIELD(struct pv_vcpu_guest_context, syscall_callback_eip, 5128);
PV_ABI_FIELD(struct pv_vcpu_guest_context, vm_assist, 5136);
PV_ABI_FIELD(struct pv_vcpu_guest_context, fs_base, 5144);
PV_ABI_FIELD(struct pv_vcpu_guest_context, gs_base_kernel, 5152);
PV_ABI_FIELD(struct pv_vcpu_guest_context, gs_base_user, 5160);

/* What HC_iret finds at the stack pointer. */
struct pv_iret_context {
	uint64_t rax;
	uint64_t r11;
	uint64_t rcx;
	uint64_t flags; /* VGCF_in_syscall or 0 */
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};
PV_ABI_SIZE(struct pv_iret_context, 72);
PV_ABI_FIELD(struct pv_iret_context, flags, 24);
PV_ABI_FIELD(struct pv_iret_context, rip, 32);
PV_ABI_FIELD(struct pv_iret_context, ss, 64);

/*
 * What the hypervisor pushes when it calls a trap handler or a callback:
 * rcx and r11 at the stack pointer, then the error code if the vector has
 * one, then the frame an IRETQ would take.
 */
struct pv_bounce_frame {
	uint64_t rcx;
	uint64_t r11;
	uint64_t rip;
	uint64_t cs; /* bits 0-1: 0 kernel, 3 user; bits 32-39: event mask */
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};
PV_ABI_SIZE(struct pv_bounce_frame, 56);

struct pv_arch_vcpu_info {
	uint64_t cr2; /* of the last page fault delivered */
	uint64_t pad;
};
PV_ABI_SIZE(struct pv_arch_vcpu_info, 16);

struct pv_arch_shared_info {
	uint64_t max_pfn; /* entries of the frame list           (guest)   */
	uint64_t pfn_to_mfn_frame_list_list; /* frame, 0, or ~0  (guest)   */
	uint64_t nmi_reason; /* XEN_NMIREASON_*            */
	uint64_t p2m_cr3; /* root under which p2m_vaddr is valid (guest) */
	uint64_t p2m_vaddr; /* linear frame list                   (guest) */
	uint64_t p2m_generation; /* odd: being changed             (guest) */
};
PV_ABI_SIZE(struct pv_arch_shared_info, 48);
PV_ABI_FIELD(struct pv_arch_shared_info, nmi_reason, 16);
PV_ABI_FIELD(struct pv_arch_shared_info, p2m_cr3, 24);
PV_ABI_FIELD(struct pv_arch_shared_info, p2m_generation, 40);

#endif /* __ASSEMBLER__ */
#endif /* PV_ARCH_X86_H */
