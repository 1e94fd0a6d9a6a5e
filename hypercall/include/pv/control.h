/* SPDX-License-Identifier: MIT */
/*
 * control_op: domains and the machine, for the toolstack.
 *
 * Only the control domain may call it.  The request names the version of this
 * interface that the caller was built for; another version is refused before
 * anything is done.  Bytes that a command does not use should be zero, so that
 * a later version may give them a meaning; those called reserved must be.
 */
#ifndef PV_CONTROL_H
#define PV_CONTROL_H

#include <pv/abi.h>

#define PV_CONTROL_VERSION 1

/* struct pv_control_op.cmd: one domain, named by .domid */
#define PV_CONTROL_create_domain      1
#define PV_CONTROL_destroy_domain     2
#define PV_CONTROL_pause_domain       3
#define PV_CONTROL_unpause_domain     4
#define PV_CONTROL_get_domain         5
#define PV_CONTROL_list_domains       6
#define PV_CONTROL_set_max_vcpus      7
#define PV_CONTROL_set_max_memory     8
#define PV_CONTROL_claim_memory       9
#define PV_CONTROL_set_vcpu_context   10
#define PV_CONTROL_get_vcpu_context   11
#define PV_CONTROL_get_vcpu           12
#define PV_CONTROL_set_sched          13
#define PV_CONTROL_get_sched          14
#define PV_CONTROL_set_memory_map     15
#define PV_CONTROL_set_hypercall_page 16
#define PV_CONTROL_list_frames        17
#define PV_CONTROL_resume_domain      18
#define PV_CONTROL_write_memory       19
/* the machine; .domid must be 0 */
#define PV_CONTROL_read_log    32
#define PV_CONTROL_get_machine 33
#define PV_CONTROL_get_cpu     34

/* struct pv_domain_info.flags */
#define PV_DOMAIN_PRIVILEGED 0x01 /* the control domain                    */
#define PV_DOMAIN_PAUSED     0x02 /* by the toolstack                      */
#define PV_DOMAIN_BLOCKED    0x04 /* every VCPU that is up waits           */
#define PV_DOMAIN_RUNNING    0x08 /* some VCPU is on a physical CPU        */
#define PV_DOMAIN_SHUTDOWN   0x10 /* ended by itself: see shutdown_reason  */
#define PV_DOMAIN_DYING      0x20 /* being destroyed                       */

/* struct pv_vcpu_status.flags */
#define PV_VCPU_INITIALISED 0x01
#define PV_VCPU_UP          0x02
#define PV_VCPU_BLOCKED     0x04
#define PV_VCPU_RUNNING     0x08

/* struct pv_machine_info.flags */
#define PV_MACHINE_SMEP_SMAP 0x01 /* hidden from guests, used by us       */
#define PV_MACHINE_PCID      0x02
#define PV_MACHINE_MELTDOWN  0x04 /* the CPU needs the two-root design    */

/* struct pv_control_sched */
#define PV_SCHED_WEIGHT_DEFAULT 256
#define PV_SCHED_WEIGHT_MAX     65535

#ifndef __ASSEMBLER__

struct pv_control_create {
	uint8_t uuid[16]; /* IN                               */
	uint64_t max_pages; /* IN  frames that it may own       */
	uint32_t max_vcpus; /* IN  1 to MAX_VIRT_CPUS           */
	uint32_t max_event_channels; /* IN  0: the default               */
	uint32_t max_grant_frames; /* IN  0: the default               */
	uint32_t max_maptrack_entries; /* IN  0: the default               */
	uint32_t flags; /* IN  must be zero                 */
	uint32_t reserved0;
};
PV_ABI_SIZE(struct pv_control_create, 48);
PV_ABI_FIELD(struct pv_control_create, max_pages, 16);
PV_ABI_FIELD(struct pv_control_create, max_vcpus, 24);
PV_ABI_FIELD(struct pv_control_create, max_event_channels, 28);
PV_ABI_FIELD(struct pv_control_create, max_grant_frames, 32);
PV_ABI_FIELD(struct pv_control_create, max_maptrack_entries, 36);
PV_ABI_FIELD(struct pv_control_create, flags, 40);

/* get_domain (OUT), and the elements that list_domains writes */
struct pv_domain_info {
	uint8_t uuid[16];
	domid_t domid;
	uint16_t reserved0;
	uint32_t flags; /* PV_DOMAIN_*                           */
	uint32_t shutdown_reason; /* SHUTDOWN_*, if PV_DOMAIN_SHUTDOWN     */
	uint32_t max_vcpus;
	uint32_t online_vcpus;
	uint32_t reserved1;
	uint64_t nr_pages; /* frames that it owns                 */
	uint64_t max_pages; /* frames that it may own              */
	uint64_t claimed_pages; /* frames kept for it                  */
	uint64_t shared_info_frame; /* machine frame                       */
	uint64_t cpu_time; /* nanoseconds, of all its VCPUs       */
};
PV_ABI_SIZE(struct pv_domain_info, 80);
PV_ABI_FIELD(struct pv_domain_info, domid, 16);
PV_ABI_FIELD(struct pv_domain_info, flags, 20);
PV_ABI_FIELD(struct pv_domain_info, shutdown_reason, 24);
PV_ABI_FIELD(struct pv_domain_info, max_vcpus, 28);
PV_ABI_FIELD(struct pv_domain_info, online_vcpus, 32);
PV_ABI_FIELD(struct pv_domain_info, nr_pages, 40);
PV_ABI_FIELD(struct pv_domain_info, max_pages, 48);
PV_ABI_FIELD(struct pv_domain_info, claimed_pages, 56);
PV_ABI_FIELD(struct pv_domain_info, shared_info_frame, 64);
PV_ABI_FIELD(struct pv_domain_info, cpu_time, 72);

struct pv_control_list {
	pv_gva_t buffer; /* IN  struct pv_domain_info[nr_entries]       */
	uint32_t nr_entries; /* IN room; OUT entries written               */
	domid_t first; /* IN  lowest domid wanted                     */
	uint16_t reserved0;
};
PV_ABI_SIZE(struct pv_control_list, 16);
PV_ABI_FIELD(struct pv_control_list, nr_entries, 8);
PV_ABI_FIELD(struct pv_control_list, first, 12);

/* set_max_vcpus */
struct pv_control_vcpus {
	uint32_t max_vcpus; /* IN not above what create_domain was given */
	uint32_t reserved0;
};
PV_ABI_SIZE(struct pv_control_vcpus, 8);

/* set_max_memory, claim_memory */
struct pv_control_memory {
	uint64_t pages; /* IN frames in total; claim 0: give it up */
};
PV_ABI_SIZE(struct pv_control_memory, 8);

/* set_vcpu_context, get_vcpu_context */
struct pv_control_context {
	uint32_t vcpu; /* IN */
	uint32_t reserved0;
	pv_gva_t context; /* struct pv_vcpu_guest_context */
};
PV_ABI_SIZE(struct pv_control_context, 16);
PV_ABI_FIELD(struct pv_control_context, context, 8);

/* get_vcpu */
struct pv_vcpu_status {
	uint32_t vcpu; /* IN                               */
	uint32_t flags; /* OUT PV_VCPU_*                    */
	uint32_t cpu; /* OUT where it runs or ran last    */
	uint32_t reserved0;
	uint64_t cpu_time; /* OUT nanoseconds                  */
};
PV_ABI_SIZE(struct pv_vcpu_status, 24);
PV_ABI_FIELD(struct pv_vcpu_status, flags, 4);
PV_ABI_FIELD(struct pv_vcpu_status, cpu, 8);
PV_ABI_FIELD(struct pv_vcpu_status, cpu_time, 16);

/* set_sched (IN), get_sched (OUT) */
struct pv_control_sched {
	uint32_t weight; /* share relative to others, 1 to 65535           */
	uint32_t cap; /* percent of one physical CPU; 0: no limit       */
};
PV_ABI_SIZE(struct pv_control_sched, 8);
PV_ABI_FIELD(struct pv_control_sched, cap, 4);

/* set_memory_map: what XENMEM_memory_map tells the domain */
struct pv_control_memory_map {
	pv_gva_t entries; /* IN struct pv_e820_entry[nr_entries] */
	uint32_t nr_entries;
	uint32_t reserved0;
};
PV_ABI_SIZE(struct pv_control_memory_map, 16);
PV_ABI_FIELD(struct pv_control_memory_map, nr_entries, 8);

/* set_hypercall_page */
struct pv_control_frame {
	uint64_t mfn; /* IN a frame of the domain, filled with 128 stubs */
};
PV_ABI_SIZE(struct pv_control_frame, 8);

/* list_frames: the machine frames that a paused domain owns */
struct pv_control_frames {
	pv_gva_t buffer; /* IN  uint64_t[nr_entries]                  */
	uint32_t nr_entries; /* IN room; OUT entries written             */
	uint32_t reserved0;
	uint64_t start; /* IN/OUT 0, then as returned; ~0: all were given */
};
PV_ABI_SIZE(struct pv_control_frames, 24);
PV_ABI_FIELD(struct pv_control_frames, nr_entries, 8);
PV_ABI_FIELD(struct pv_control_frames, start, 16);

/* write_memory: bytes into frames of a paused domain */
struct pv_control_write {
	pv_gva_t buffer; /* IN  the bytes                          */
	pv_gva_t frames; /* IN  uint64_t[]: machine frames         */
	uint32_t offset; /* IN  of the first byte in the first one */
	uint32_t length; /* IN  bytes; OUT bytes written           */
};
PV_ABI_SIZE(struct pv_control_write, 24);
PV_ABI_FIELD(struct pv_control_write, frames, 8);
PV_ABI_FIELD(struct pv_control_write, offset, 16);
PV_ABI_FIELD(struct pv_control_write, length, 20);

/* read_log: the hypervisor's log, a stream of bytes */
struct pv_control_log {
	pv_gva_t buffer; /* IN  char[size]                              */
	uint32_t size; /* IN  bytes                                    */
	uint32_t length; /* OUT bytes written                            */
	uint64_t position; /* IN  of the first byte wanted; OUT after the  */
	/*     last byte given: lost bytes are skipped  */
};
PV_ABI_SIZE(struct pv_control_log, 24);
PV_ABI_FIELD(struct pv_control_log, size, 8);
PV_ABI_FIELD(struct pv_control_log, length, 12);
PV_ABI_FIELD(struct pv_control_log, position, 16);

/* get_machine (OUT) */
struct pv_machine_info {
	uint64_t total_pages; /* RAM                                   */
	uint64_t free_pages; /* of no one, claimed ones included      */
	uint64_t claimed_pages; /* free, but kept for a domain           */
	uint64_t hv_pages; /* the hypervisor's own                  */
	uint64_t max_mfn;
	uint64_t system_time; /* nanoseconds since boot                  */
	uint32_t nr_cpus;
	uint32_t tsc_khz;
	uint32_t flags; /* PV_MACHINE_* */
	uint32_t nr_domains;
};
PV_ABI_SIZE(struct pv_machine_info, 64);
PV_ABI_FIELD(struct pv_machine_info, free_pages, 8);
PV_ABI_FIELD(struct pv_machine_info, claimed_pages, 16);
PV_ABI_FIELD(struct pv_machine_info, hv_pages, 24);
PV_ABI_FIELD(struct pv_machine_info, max_mfn, 32);
PV_ABI_FIELD(struct pv_machine_info, system_time, 40);
PV_ABI_FIELD(struct pv_machine_info, nr_cpus, 48);
PV_ABI_FIELD(struct pv_machine_info, tsc_khz, 52);
PV_ABI_FIELD(struct pv_machine_info, flags, 56);
PV_ABI_FIELD(struct pv_machine_info, nr_domains, 60);

/* get_cpu */
struct pv_cpu_status {
	uint32_t cpu; /* IN                 */
	uint32_t apic_id; /* OUT                */
	uint64_t idle_time; /* OUT nanoseconds    */
};
PV_ABI_SIZE(struct pv_cpu_status, 16);
PV_ABI_FIELD(struct pv_cpu_status, apic_id, 4);
PV_ABI_FIELD(struct pv_cpu_status, idle_time, 8);

struct pv_control_op {
	uint32_t cmd; /* PV_CONTROL_*                               */
	uint32_t version; /* PV_CONTROL_VERSION                         */
	domid_t domid; /* create_domain: wanted, or DOMID_INVALID; OUT  */
	uint16_t reserved0;
	uint32_t reserved1;
	union {
		struct pv_control_create create;
		struct pv_domain_info domain;
		struct pv_control_list list;
		struct pv_control_vcpus vcpus;
		struct pv_control_memory memory;
		struct pv_control_context context;
		struct pv_vcpu_status vcpu;
		struct pv_control_sched sched;
		struct pv_control_memory_map memory_map;
		struct pv_control_frame frame;
		struct pv_control_frames frames;
		struct pv_control_write write;
		struct pv_control_log log;
		struct pv_machine_info machine;
		struct pv_cpu_status cpu;
		uint8_t pad[112];
	} u;
};
PV_ABI_SIZE(struct pv_control_op, 128);
PV_ABI_FIELD(struct pv_control_op, version, 4);
PV_ABI_FIELD(struct pv_control_op, domid, 8);
PV_ABI_FIELD(struct pv_control_op, u, 16);

#endif /* __ASSEMBLER__ */
#endif /* PV_CONTROL_H */
