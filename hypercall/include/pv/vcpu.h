/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: starting virtual CPUs, their timers, their shared areas.
 */
#ifndef PV_VCPU_H
#define PV_VCPU_H

#include <pv/abi.h>

#define VCPUOP_initialise                     0
#define VCPUOP_up                             1
#define VCPUOP_down                           2
#define VCPUOP_is_up                          3
#define VCPUOP_get_runstate_info              4
#define VCPUOP_register_runstate_memory_area  5
#define VCPUOP_set_periodic_timer             6
#define VCPUOP_stop_periodic_timer            7
#define VCPUOP_set_singleshot_timer           8
#define VCPUOP_stop_singleshot_timer          9
#define VCPUOP_register_vcpu_info             10
#define VCPUOP_send_nmi                       11
#define VCPUOP_get_physid                     12
#define VCPUOP_register_vcpu_time_memory_area 13

/* struct pv_vcpu_runstate_info.state */
#define RUNSTATE_running  0
#define RUNSTATE_runnable 1
#define RUNSTATE_blocked  2
#define RUNSTATE_offline  3

/* Set in state_entry_time while the rest changes, if the guest asked. */
#define XEN_RUNSTATE_UPDATE PV_U64(0x8000000000000000)

/* struct pv_vcpu_set_singleshot_timer.flags */
#define VCPU_SSHOTTMR_future 1

#ifndef __ASSEMBLER__

struct pv_vcpu_runstate_info {
	int32_t state; /* RUNSTATE_*                             */
	uint32_t pad0;
	uint64_t state_entry_time; /* system time, nanoseconds   */
	uint64_t time[4]; /* nanoseconds in each state  */
};
PV_ABI_SIZE(struct pv_vcpu_runstate_info, 48);
PV_ABI_FIELD(struct pv_vcpu_runstate_info, state_entry_time, 8);
PV_ABI_FIELD(struct pv_vcpu_runstate_info, time, 16);

struct pv_vcpu_register_runstate_memory_area {
	pv_gva_t addr; /* of a struct pv_vcpu_runstate_info */
};
PV_ABI_SIZE(struct pv_vcpu_register_runstate_memory_area, 8);

struct pv_vcpu_set_periodic_timer {
	uint64_t period_ns;
};
PV_ABI_SIZE(struct pv_vcpu_set_periodic_timer, 8);

struct pv_vcpu_set_singleshot_timer {
	uint64_t timeout_abs_ns; /* system time */
	uint32_t flags; /* VCPU_SSHOTTMR_* */
	uint32_t pad0;
};
PV_ABI_SIZE(struct pv_vcpu_set_singleshot_timer, 16);
PV_ABI_FIELD(struct pv_vcpu_set_singleshot_timer, flags, 8);

struct pv_vcpu_register_vcpu_info {
	uint64_t mfn;
	uint32_t offset; /* bytes; the struct may not cross the page */
	uint32_t rsvd;
};
PV_ABI_SIZE(struct pv_vcpu_register_vcpu_info, 16);
PV_ABI_FIELD(struct pv_vcpu_register_vcpu_info, offset, 8);

struct pv_vcpu_get_physid {
	uint64_t phys_id; /* OUT bits 0-31 APIC id, 32-63 ACPI id */
};
PV_ABI_SIZE(struct pv_vcpu_get_physid, 8);

struct pv_vcpu_register_time_memory_area {
	pv_gva_t addr; /* of a struct pv_vcpu_time_info */
};
PV_ABI_SIZE(struct pv_vcpu_register_time_memory_area, 8);

#endif /* __ASSEMBLER__ */
#endif /* PV_VCPU_H */
