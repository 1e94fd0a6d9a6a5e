/* SPDX-License-Identifier: MIT */
/*
 * sched_op: giving up the CPU, ending the domain.
 */
#ifndef PV_SCHED_H
#define PV_SCHED_H

#include <pv/abi.h>

#define SCHEDOP_yield           0
#define SCHEDOP_block           1
#define SCHEDOP_shutdown        2
#define SCHEDOP_poll            3
#define SCHEDOP_remote_shutdown 4
#define SCHEDOP_shutdown_code   5
#define SCHEDOP_watchdog        6
#define SCHEDOP_pin_override    7

#define SHUTDOWN_poweroff       0
#define SHUTDOWN_reboot         1
#define SHUTDOWN_suspend        2
#define SHUTDOWN_crash          3
#define SHUTDOWN_watchdog       4
#define SHUTDOWN_soft_reset     5
#define SHUTDOWN_MAX            5

/* Ports that one SCHEDOP_poll may name. */
#define PV_SCHED_POLL_MAX 128

#ifndef __ASSEMBLER__

struct pv_sched_shutdown {
	uint32_t reason; /* SHUTDOWN_* */
};
PV_ABI_SIZE(struct pv_sched_shutdown, 4);

struct pv_sched_poll {
	pv_gva_t ports; /* uint32_t[nr_ports]                            */
	uint32_t nr_ports;
	uint32_t pad0;
	uint64_t timeout; /* system time in nanoseconds; 0: no limit     */
};
PV_ABI_SIZE(struct pv_sched_poll, 24);
PV_ABI_FIELD(struct pv_sched_poll, nr_ports, 8);
PV_ABI_FIELD(struct pv_sched_poll, timeout, 16);

struct pv_sched_remote_shutdown {
	domid_t domain_id;
	uint16_t pad0;
	uint32_t reason; /* SHUTDOWN_* */
};
PV_ABI_SIZE(struct pv_sched_remote_shutdown, 8);
PV_ABI_FIELD(struct pv_sched_remote_shutdown, reason, 4);

struct pv_sched_watchdog {
	uint32_t id; /* 0: a new one */
	uint32_t timeout; /* seconds      */
};
PV_ABI_SIZE(struct pv_sched_watchdog, 8);
PV_ABI_FIELD(struct pv_sched_watchdog, timeout, 4);

struct pv_sched_pin_override {
	int32_t pcpu; /* negative: undo */
};
PV_ABI_SIZE(struct pv_sched_pin_override, 4);

#endif /* __ASSEMBLER__ */
#endif /* PV_SCHED_H */
