/* SPDX-License-Identifier: MIT */
/*
 * platform_op: the control domain asks about, or sets, the machine.
 */
#ifndef PV_PLATFORM_H
#define PV_PLATFORM_H

#include <pv/abi.h>
#include <pv/start_info.h>

#define XENPF_INTERFACE_VERSION    0x03000001

#define XENPF_settime32            17
#define XENPF_add_memtype          31
#define XENPF_del_memtype          32
#define XENPF_read_memtype         33
#define XENPF_microcode_update     35
#define XENPF_platform_quirk       39
#define XENPF_efi_runtime_call     49
#define XENPF_firmware_info        50
#define XENPF_enter_acpi_sleep     51
#define XENPF_change_freq          52
#define XENPF_getidletime          53
#define XENPF_set_processor_pminfo 54
#define XENPF_get_cpuinfo          55
#define XENPF_cpu_online           56
#define XENPF_cpu_offline          57
#define XENPF_cpu_hotadd           58
#define XENPF_mem_hotadd           59
#define XENPF_core_parking         60
#define XENPF_settime64            62
#define XENPF_get_symbol           63
#define XENPF_get_dom0_console     64

/* struct pv_pf_firmware_info.type */
#define XEN_FW_DISK_INFO          1
#define XEN_FW_DISK_MBR_SIGNATURE 2
#define XEN_FW_VBEDDC_INFO        3
#define XEN_FW_EFI_INFO           4
#define XEN_FW_KBD_SHIFT_FLAGS    5

/* struct pv_pf_firmware_info.index of XEN_FW_EFI_INFO */
#define XEN_FW_EFI_VERSION      0
#define XEN_FW_EFI_CONFIG_TABLE 1
#define XEN_FW_EFI_VENDOR       2
#define XEN_FW_EFI_MEM_INFO     3
#define XEN_FW_EFI_RT_VERSION   4

/* struct pv_pf_efi_runtime_call.function */
#define XEN_EFI_get_time                      1
#define XEN_EFI_set_time                      2
#define XEN_EFI_get_wakeup_time               3
#define XEN_EFI_set_wakeup_time               4
#define XEN_EFI_get_next_high_monotonic_count 5
#define XEN_EFI_get_variable                  6
#define XEN_EFI_set_variable                  7
#define XEN_EFI_get_next_variable_name        8
#define XEN_EFI_query_variable_info           9
#define XEN_EFI_query_capsule_capabilities    10
#define XEN_EFI_update_capsule                11

/* struct pv_pf_enter_acpi_sleep.flags */
#define XENPF_ACPI_SLEEP_EXTENDED 1

/* struct pv_pf_set_processor_pminfo.type */
#define XEN_PM_CX  0
#define XEN_PM_PX  1
#define XEN_PM_TX  2
#define XEN_PM_PDC 3

/* struct pv_pf_pcpuinfo.flags */
#define XEN_PCPU_FLAGS_ONLINE  1
#define XEN_PCPU_FLAGS_INVALID 2

/* struct pv_pf_core_parking.type */
#define XEN_CORE_PARKING_SET 1
#define XEN_CORE_PARKING_GET 2

#ifndef __ASSEMBLER__

/* Both: UTC was secs.nsecs when the system time was system_time. */
struct pv_pf_settime32 {
	uint32_t secs;
	uint32_t nsecs;
	uint64_t system_time; /* nanoseconds */
};
PV_ABI_SIZE(struct pv_pf_settime32, 16);
PV_ABI_FIELD(struct pv_pf_settime32, system_time, 8);

struct pv_pf_settime64 {
	uint64_t secs;
	uint32_t nsecs;
	uint32_t mbz; /* must be zero */
	uint64_t system_time;
};
PV_ABI_SIZE(struct pv_pf_settime64, 24);
PV_ABI_FIELD(struct pv_pf_settime64, nsecs, 8);
PV_ABI_FIELD(struct pv_pf_settime64, system_time, 16);

struct pv_pf_firmware_info {
	uint32_t type; /* IN XEN_FW_* */
	uint32_t index; /* IN          */
	union {
		struct {
			uint8_t device;
			uint8_t version;
			uint16_t interface_support;
			uint16_t legacy_max_cylinder;
			uint8_t legacy_max_head;
			uint8_t legacy_sectors_per_track;
			pv_gva_t edd_params;
		} disk_info;
		struct {
			uint8_t device;
			uint8_t pad0[3];
			uint32_t mbr_signature;
		} disk_mbr_signature;
		struct {
			uint8_t capabilities;
			uint8_t edid_transfer_time;
			uint8_t pad0[6];
			pv_gva_t edid; /* 128 bytes */
		} vbeddc_info;
		union {
			uint32_t version;
			struct {
				uint64_t addr; /* machine address */
				uint32_t nent;
				uint32_t pad0;
			} cfg;
			struct {
				uint32_t revision;
				uint32_t bufsz; /* IN/OUT bytes */
				pv_gva_t name; /* UTF-16       */
			} vendor;
			struct {
				uint64_t addr; /* IN/OUT */
				uint64_t size;
				uint64_t attr;
				uint32_t type;
				uint32_t pad0;
			} mem;
		} efi_info;
		uint8_t kbd_shift_flags;
	} u; /* OUT */
};
PV_ABI_SIZE(struct pv_pf_firmware_info, 40);
PV_ABI_FIELD(struct pv_pf_firmware_info, u, 8);
PV_ABI_FIELD(struct pv_pf_firmware_info, u.disk_info.edd_params, 16);
PV_ABI_FIELD(struct pv_pf_firmware_info, u.disk_mbr_signature.mbr_signature,
	     12);
PV_ABI_FIELD(struct pv_pf_firmware_info, u.vbeddc_info.edid, 16);
PV_ABI_FIELD(struct pv_pf_firmware_info, u.efi_info.mem.type, 32);

struct pv_pf_efi_time {
	uint16_t year;
	uint8_t month;
	uint8_t day;
	uint8_t hour;
	uint8_t min;
	uint8_t sec;
	uint8_t pad0;
	uint32_t ns;
	int16_t tz;
	uint8_t daylight;
	uint8_t pad1;
};
PV_ABI_SIZE(struct pv_pf_efi_time, 16);
PV_ABI_FIELD(struct pv_pf_efi_time, ns, 8);
PV_ABI_FIELD(struct pv_pf_efi_time, tz, 12);

struct pv_pf_efi_guid {
	uint32_t data1;
	uint16_t data2;
	uint16_t data3;
	uint8_t data4[8];
};
PV_ABI_SIZE(struct pv_pf_efi_guid, 16);

struct pv_pf_efi_runtime_call {
	uint32_t function; /* IN XEN_EFI_*                          */
	uint32_t misc; /* IN/OUT flags, or the monotonic count  */
	uint64_t status; /* OUT an EFI status                     */
	union {
		struct {
			struct pv_pf_efi_time time;
			uint32_t resolution;
			uint32_t accuracy;
		} get_time;
		struct pv_pf_efi_time set_time;
		struct pv_pf_efi_time wakeup_time;
		struct {
			pv_gva_t name; /* UTF-16 */
			uint64_t size;
			pv_gva_t data;
			struct pv_pf_efi_guid vendor_guid;
		} variable; /* get and set */
		struct {
			uint64_t size;
			pv_gva_t name; /* UTF-16 */
			struct pv_pf_efi_guid vendor_guid;
		} get_next_variable_name;
		struct {
			uint32_t attr;
			uint32_t pad0;
			uint64_t max_store_size;
			uint64_t remain_store_size;
			uint64_t max_size;
		} query_variable_info;
		struct {
			pv_gva_t capsule_header_array;
			uint64_t capsule_count;
			uint64_t max_capsule_size;
			uint32_t reset_type;
			uint32_t pad0;
		} query_capsule_capabilities;
		struct {
			pv_gva_t capsule_header_array;
			uint64_t capsule_count;
			uint64_t sg_list; /* machine address */
		} update_capsule;
	} u;
};
PV_ABI_SIZE(struct pv_pf_efi_runtime_call, 56);
PV_ABI_FIELD(struct pv_pf_efi_runtime_call, status, 8);
PV_ABI_FIELD(struct pv_pf_efi_runtime_call, u, 16);
PV_ABI_FIELD(struct pv_pf_efi_runtime_call, u.variable.vendor_guid, 40);

struct pv_pf_enter_acpi_sleep {
	uint16_t val_a; /* IN PM1a control, or sleep type A */
	uint16_t val_b; /* IN PM1b control, or sleep type B */
	uint32_t sleep_state;
	uint32_t flags; /* IN XENPF_ACPI_SLEEP_*            */
};
PV_ABI_SIZE(struct pv_pf_enter_acpi_sleep, 12);
PV_ABI_FIELD(struct pv_pf_enter_acpi_sleep, sleep_state, 4);
PV_ABI_FIELD(struct pv_pf_enter_acpi_sleep, flags, 8);

struct pv_pf_set_processor_pminfo {
	uint32_t id; /* IN ACPI processor id */
	uint32_t type; /* IN XEN_PM_*          */
	uint8_t info[104];
};
PV_ABI_SIZE(struct pv_pf_set_processor_pminfo, 112);
PV_ABI_FIELD(struct pv_pf_set_processor_pminfo, info, 8);

struct pv_pf_pcpuinfo {
	uint32_t xen_cpuid; /* IN  physical CPU         */
	uint32_t max_present; /* OUT highest CPU number   */
	uint32_t flags; /* OUT XEN_PCPU_FLAGS_*     */
	uint32_t apic_id; /* OUT                      */
	uint32_t acpi_id; /* OUT                      */
};
PV_ABI_SIZE(struct pv_pf_pcpuinfo, 20);
PV_ABI_FIELD(struct pv_pf_pcpuinfo, max_present, 4);
PV_ABI_FIELD(struct pv_pf_pcpuinfo, flags, 8);
PV_ABI_FIELD(struct pv_pf_pcpuinfo, apic_id, 12);
PV_ABI_FIELD(struct pv_pf_pcpuinfo, acpi_id, 16);

struct pv_pf_core_parking {
	uint32_t type; /* IN XEN_CORE_PARKING_* */
	uint32_t idle_nums; /* IN/OUT                */
};
PV_ABI_SIZE(struct pv_pf_core_parking, 8);
PV_ABI_FIELD(struct pv_pf_core_parking, idle_nums, 4);

struct pv_pf_symdata {
	uint32_t namelen; /* IN/OUT bytes                            */
	uint32_t symnum; /* IN which; OUT the next, or same: end    */
	pv_gva_t name; /* OUT                                     */
	uint64_t address; /* OUT                                     */
	char type; /* OUT                                     */
	uint8_t pad0[7];
};
PV_ABI_SIZE(struct pv_pf_symdata, 32);
PV_ABI_FIELD(struct pv_pf_symdata, symnum, 4);
PV_ABI_FIELD(struct pv_pf_symdata, name, 8);
PV_ABI_FIELD(struct pv_pf_symdata, address, 16);
PV_ABI_FIELD(struct pv_pf_symdata, type, 24);

struct pv_platform_op {
	uint32_t cmd; /* XENPF_*                 */
	uint32_t interface_version; /* XENPF_INTERFACE_VERSION */
	union {
		struct pv_pf_settime32 settime32;
		struct pv_pf_settime64 settime64;
		struct pv_pf_efi_runtime_call efi_runtime_call;
		struct pv_pf_firmware_info firmware_info;
		struct pv_pf_enter_acpi_sleep enter_acpi_sleep;
		struct pv_pf_set_processor_pminfo set_pminfo;
		struct pv_pf_pcpuinfo pcpu_info;
		struct pv_pf_core_parking core_parking;
		struct pv_pf_symdata symdata;
		struct pv_dom0_vga_console_info dom0_console;
		uint8_t pad[128];
	} u;
};
PV_ABI_SIZE(struct pv_platform_op, 136);
PV_ABI_FIELD(struct pv_platform_op, interface_version, 4);
PV_ABI_FIELD(struct pv_platform_op, u, 8);

#endif /* __ASSEMBLER__ */
#endif /* PV_PLATFORM_H */
