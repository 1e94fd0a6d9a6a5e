/* SPDX-License-Identifier: MIT */
/*
 * Event channels: ports, virtual interrupts, the 2-level and FIFO formats.
 */
#ifndef PV_EVENT_CHANNEL_H
#define PV_EVENT_CHANNEL_H

#include <pv/abi.h>

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13

/* Virtual interrupts. */
#define VIRQ_TIMER      0 /* per VCPU: a timer of this VCPU has fired    */
#define VIRQ_DEBUG      1 /* per VCPU: print your state                  */
#define VIRQ_CONSOLE    2 /* control domain: the console has input       */
#define VIRQ_DOM_EXC    3 /* control domain: a domain changed its state  */
#define VIRQ_TBUF       4 /* not raised */
#define VIRQ_DEBUGGER   6 /* not raised */
#define VIRQ_XENOPROF   7 /* not raised */
#define VIRQ_CON_RING   8 /* control domain: the log has new text        */
#define VIRQ_PCPU_STATE 9 /* not raised */
#define VIRQ_MEM_EVENT  10 /* not raised */
#define VIRQ_ENOMEM     12 /* control domain: memory is nearly used up    */
#define VIRQ_XENPMU     13 /* not raised */
#define VIRQ_ARCH_0     16 /* control domain: machine check */
#define NR_VIRQS        24

/* struct pv_evtchn_bind_pirq.flags */
#define BIND_PIRQ__WILL_SHARE 1

/* struct pv_evtchn_status.status */
#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5

/* The 2-level format. */
#define EVTCHN_2L_NR_CHANNELS 4096

/* The FIFO format. */
#define EVTCHN_FIFO_PRIORITY_MAX     0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15
#define EVTCHN_FIFO_MAX_QUEUES       16
#define EVTCHN_FIFO_PENDING          31
#define EVTCHN_FIFO_MASKED           30
#define EVTCHN_FIFO_LINKED           29
#define EVTCHN_FIFO_BUSY             28
#define EVTCHN_FIFO_LINK_BITS        17
#define EVTCHN_FIFO_LINK_MASK        0x1ffff
#define EVTCHN_FIFO_NR_CHANNELS      131072

#ifndef __ASSEMBLER__

typedef uint32_t evtchn_port_t;

struct pv_evtchn_alloc_unbound {
	domid_t dom; /* IN  in which domain               */
	domid_t remote_dom; /* IN  who may bind to it            */
	evtchn_port_t port; /* OUT                               */
};
PV_ABI_SIZE(struct pv_evtchn_alloc_unbound, 8);
PV_ABI_FIELD(struct pv_evtchn_alloc_unbound, remote_dom, 2);
PV_ABI_FIELD(struct pv_evtchn_alloc_unbound, port, 4);

struct pv_evtchn_bind_interdomain {
	domid_t remote_dom; /* IN  */
	uint16_t pad0;
	evtchn_port_t remote_port; /* IN  */
	evtchn_port_t local_port; /* OUT */
};
PV_ABI_SIZE(struct pv_evtchn_bind_interdomain, 12);
PV_ABI_FIELD(struct pv_evtchn_bind_interdomain, remote_port, 4);
PV_ABI_FIELD(struct pv_evtchn_bind_interdomain, local_port, 8);

struct pv_evtchn_bind_virq {
	uint32_t virq; /* IN  VIRQ_*  */
	uint32_t vcpu; /* IN          */
	evtchn_port_t port; /* OUT         */
};
PV_ABI_SIZE(struct pv_evtchn_bind_virq, 12);
PV_ABI_FIELD(struct pv_evtchn_bind_virq, vcpu, 4);
PV_ABI_FIELD(struct pv_evtchn_bind_virq, port, 8);

struct pv_evtchn_bind_pirq {
	uint32_t pirq; /* IN                */
	uint32_t flags; /* IN  BIND_PIRQ__*  */
	evtchn_port_t port; /* OUT               */
};
PV_ABI_SIZE(struct pv_evtchn_bind_pirq, 12);
PV_ABI_FIELD(struct pv_evtchn_bind_pirq, flags, 4);
PV_ABI_FIELD(struct pv_evtchn_bind_pirq, port, 8);

struct pv_evtchn_bind_ipi {
	uint32_t vcpu; /* IN  */
	evtchn_port_t port; /* OUT */
};
PV_ABI_SIZE(struct pv_evtchn_bind_ipi, 8);
PV_ABI_FIELD(struct pv_evtchn_bind_ipi, port, 4);

struct pv_evtchn_close {
	evtchn_port_t port; /* IN */
};
PV_ABI_SIZE(struct pv_evtchn_close, 4);

struct pv_evtchn_send {
	evtchn_port_t port; /* IN */
};
PV_ABI_SIZE(struct pv_evtchn_send, 4);

struct pv_evtchn_status {
	domid_t dom; /* IN  */
	uint16_t pad0;
	evtchn_port_t port; /* IN  */
	uint32_t status; /* OUT EVTCHNSTAT_* */
	uint32_t vcpu; /* OUT which is told */
	union {
		struct {
			domid_t dom;
		} unbound;
		struct {
			domid_t dom;
			uint16_t pad0;
			evtchn_port_t port;
		} interdomain;
		uint32_t pirq;
		uint32_t virq;
	} u; /* OUT */
};
PV_ABI_SIZE(struct pv_evtchn_status, 24);
PV_ABI_FIELD(struct pv_evtchn_status, port, 4);
PV_ABI_FIELD(struct pv_evtchn_status, status, 8);
PV_ABI_FIELD(struct pv_evtchn_status, vcpu, 12);
PV_ABI_FIELD(struct pv_evtchn_status, u, 16);
PV_ABI_FIELD(struct pv_evtchn_status, u.interdomain.port, 20);

struct pv_evtchn_bind_vcpu {
	evtchn_port_t port; /* IN */
	uint32_t vcpu; /* IN */
};
PV_ABI_SIZE(struct pv_evtchn_bind_vcpu, 8);
PV_ABI_FIELD(struct pv_evtchn_bind_vcpu, vcpu, 4);

struct pv_evtchn_unmask {
	evtchn_port_t port; /* IN */
};
PV_ABI_SIZE(struct pv_evtchn_unmask, 4);

struct pv_evtchn_reset {
	domid_t dom; /* IN */
};
PV_ABI_SIZE(struct pv_evtchn_reset, 2);

struct pv_evtchn_init_control {
	uint64_t control_gfn; /* IN  machine frame of the control block */
	uint32_t offset; /* IN  bytes, 8-byte aligned              */
	uint32_t vcpu; /* IN                                     */
	uint8_t link_bits; /* OUT bits of a link                     */
	uint8_t pad0[7];
};
PV_ABI_SIZE(struct pv_evtchn_init_control, 24);
PV_ABI_FIELD(struct pv_evtchn_init_control, offset, 8);
PV_ABI_FIELD(struct pv_evtchn_init_control, vcpu, 12);
PV_ABI_FIELD(struct pv_evtchn_init_control, link_bits, 16);

struct pv_evtchn_expand_array {
	uint64_t array_gfn; /* IN machine frame */
};
PV_ABI_SIZE(struct pv_evtchn_expand_array, 8);

struct pv_evtchn_set_priority {
	evtchn_port_t port; /* IN */
	uint32_t priority; /* IN EVTCHN_FIFO_PRIORITY_* */
};
PV_ABI_SIZE(struct pv_evtchn_set_priority, 8);
PV_ABI_FIELD(struct pv_evtchn_set_priority, priority, 4);

/* FIFO: one VCPU's heads of queues. */
struct pv_evtchn_fifo_control_block {
	uint32_t ready; /* one bit per queue that is not empty */
	uint32_t pad0;
	uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
};
PV_ABI_SIZE(struct pv_evtchn_fifo_control_block, 72);
PV_ABI_FIELD(struct pv_evtchn_fifo_control_block, head, 8);

#endif /* __ASSEMBLER__ */
#endif /* PV_EVENT_CHANNEL_H */
