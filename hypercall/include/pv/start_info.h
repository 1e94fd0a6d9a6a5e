/* SPDX-License-Identifier: MIT */
/*
 * The page a domain is started with, and the page it shares with the
 * hypervisor.
 */
#ifndef PV_START_INFO_H
#define PV_START_INFO_H

#include <pv/abi.h>
#include <pv/arch-x86.h>

/* struct pv_start_info.flags */
#define SIF_PRIVILEGED      0x01
#define SIF_INITDOMAIN      0x02
#define SIF_MULTIBOOT_MOD   0x04
#define SIF_MOD_START_PFN   0x08
#define SIF_VIRT_P2M_4TOOLS 0x10
#define SIF_PM_MASK         0xff00

#define MAX_GUEST_CMDLINE   1024

/* struct pv_dom0_vga_console_info.video_type */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

/* struct pv_vcpu_time_info.flags */
#define PVCLOCK_TSC_STABLE_BIT 0x01
#define PVCLOCK_GUEST_STOPPED  0x02

#ifndef __ASSEMBLER__

struct pv_start_info {
	/* Filled on first boot and when a suspended domain resumes. */
	char magic[32]; /* "xen-<version>-x86_64", 0-terminated    */
	uint64_t nr_pages; /* frames of the domain                    */
	uint64_t shared_info; /* machine address                         */
	uint32_t flags; /* SIF_*                                   */
	uint32_t pad0;
	uint64_t store_mfn; /* machine frame of the store ring         */
	uint32_t store_evtchn;
	uint32_t pad1;
	union {
		struct {
			uint64_t mfn; /* machine frame of the console ring */
			uint32_t evtchn;
			uint32_t pad0;
		} domU;
		struct {
			uint32_t info_off; /* from the start of this page */
			uint32_t info_size; /* bytes                       */
		} dom0;
	} console;
	/* Filled on first boot only. */
	uint64_t pt_base; /* linear address of the top-level table    */
	uint64_t nr_pt_frames; /* frames of boot page tables               */
	uint64_t mfn_list; /* linear address of the frame list         */
	uint64_t mod_start; /* linear address, or pfn: SIF_MOD_START_PFN */
	uint64_t mod_len; /* bytes                                    */
	char cmd_line[MAX_GUEST_CMDLINE];
	uint64_t first_p2m_pfn; /* where the frame list itself lies        */
	uint64_t nr_p2m_frames;
};
PV_ABI_SIZE(struct pv_start_info, 1168);
PV_ABI_FIELD(struct pv_start_info, nr_pages, 32);
PV_ABI_FIELD(struct pv_start_info, shared_info, 40);
PV_ABI_FIELD(struct pv_start_info, flags, 48);
PV_ABI_FIELD(struct pv_start_info, store_mfn, 56);
PV_ABI_FIELD(struct pv_start_info, store_evtchn, 64);
PV_ABI_FIELD(struct pv_start_info, console, 72);
PV_ABI_FIELD(struct pv_start_info, console.domU.evtchn, 80);
PV_ABI_FIELD(struct pv_start_info, console.dom0.info_size, 76);
PV_ABI_FIELD(struct pv_start_info, pt_base, 88);
PV_ABI_FIELD(struct pv_start_info, nr_pt_frames, 96);
PV_ABI_FIELD(struct pv_start_info, mfn_list, 104);
PV_ABI_FIELD(struct pv_start_info, mod_start, 112);
PV_ABI_FIELD(struct pv_start_info, mod_len, 120);
PV_ABI_FIELD(struct pv_start_info, cmd_line, 128);
PV_ABI_FIELD(struct pv_start_info, first_p2m_pfn, 1152);
PV_ABI_FIELD(struct pv_start_info, nr_p2m_frames, 1160);

/* The control domain's screen, at console.dom0.info_off. */
struct pv_dom0_vga_console_info {
	uint8_t video_type; /* XEN_VGATYPE_* */
	uint8_t pad0[3];
	union {
		struct {
			uint16_t font_height; /* pixels     */
			uint16_t cursor_x; /* characters */
			uint16_t cursor_y;
			uint16_t rows;
			uint16_t columns;
		} text_mode_3;
		struct {
			uint16_t width; /* pixels */
			uint16_t height;
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base; /* physical address, low 32 bits */
			uint32_t lfb_size; /* 64 KiB units                  */
			uint8_t red_pos;
			uint8_t red_size;
			uint8_t green_pos;
			uint8_t green_size;
			uint8_t blue_pos;
			uint8_t blue_size;
			uint8_t rsvd_pos;
			uint8_t rsvd_size;
			uint32_t gbl_caps;
			uint16_t mode_attrs;
			uint16_t pad;
			uint32_t ext_lfb_base; /* high 32 bits */
		} vesa_lfb;
	} u;
};
PV_ABI_SIZE(struct pv_dom0_vga_console_info, 40);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u, 4);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u.text_mode_3.columns, 12);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u.vesa_lfb.lfb_base, 12);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u.vesa_lfb.red_pos, 20);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u.vesa_lfb.gbl_caps, 28);
PV_ABI_FIELD(struct pv_dom0_vga_console_info, u.vesa_lfb.ext_lfb_base, 36);

/* One VCPU's clock; version is odd while the hypervisor changes the rest. */
struct pv_vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp; /* TSC at the last update                  */
	uint64_t system_time; /* nanoseconds since boot, at that moment  */
	uint32_t tsc_to_system_mul; /* 32.32 fixed point                   */
	int8_t tsc_shift; /* applied to the TSC difference first */
	uint8_t flags; /* PVCLOCK_*                           */
	uint8_t pad1[2];
};
PV_ABI_SIZE(struct pv_vcpu_time_info, 32);
PV_ABI_FIELD(struct pv_vcpu_time_info, tsc_timestamp, 8);
PV_ABI_FIELD(struct pv_vcpu_time_info, system_time, 16);
PV_ABI_FIELD(struct pv_vcpu_time_info, tsc_to_system_mul, 24);
PV_ABI_FIELD(struct pv_vcpu_time_info, tsc_shift, 28);
PV_ABI_FIELD(struct pv_vcpu_time_info, flags, 29);

struct pv_vcpu_info {
	uint8_t evtchn_upcall_pending; /* set: some port needs service      */
	uint8_t evtchn_upcall_mask; /* set by the guest: no upcall       */
	uint8_t pad0[6];
	uint64_t evtchn_pending_sel; /* one bit per word of evtchn_pending */
	struct pv_arch_vcpu_info arch;
	struct pv_vcpu_time_info time;
};
PV_ABI_SIZE(struct pv_vcpu_info, 64);
PV_ABI_FIELD(struct pv_vcpu_info, evtchn_upcall_mask, 1);
PV_ABI_FIELD(struct pv_vcpu_info, evtchn_pending_sel, 8);
PV_ABI_FIELD(struct pv_vcpu_info, arch, 16);
PV_ABI_FIELD(struct pv_vcpu_info, time, 32);

struct pv_wall_clock {
	uint32_t version; /* odd while being changed                     */
	uint32_t sec; /* UTC when system time was 0, low 32 bits     */
	uint32_t nsec;
};
PV_ABI_SIZE(struct pv_wall_clock, 12);

struct pv_shared_info {
	struct pv_vcpu_info vcpu_info[MAX_VIRT_CPUS];
	uint64_t evtchn_pending[64]; /* one bit per 2-level port           */
	uint64_t evtchn_mask[64]; /* set by the guest                   */
	struct pv_wall_clock wc;
	uint32_t wc_sec_hi; /* high 32 bits of wc.sec */
	struct pv_arch_shared_info arch;
};
PV_ABI_SIZE(struct pv_shared_info, 3136);
PV_ABI_FIELD(struct pv_shared_info, evtchn_pending, 2048);
PV_ABI_FIELD(struct pv_shared_info, evtchn_mask, 2560);
PV_ABI_FIELD(struct pv_shared_info, wc, 3072);
PV_ABI_FIELD(struct pv_shared_info, wc_sec_hi, 3084);
PV_ABI_FIELD(struct pv_shared_info, arch, 3088);

#endif /* __ASSEMBLER__ */
#endif /* PV_START_INFO_H */
