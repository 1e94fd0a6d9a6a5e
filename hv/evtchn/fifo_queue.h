/* SPDX-License-Identifier: MIT */
/* The FIFO format's event words and queues, in HOSTILE memory.  PURE. */
#ifndef HV_EVTCHN_FIFO_QUEUE_H
#define HV_EVTCHN_FIFO_QUEUE_H

#include "hv/evtchn/port_table.h"

#define FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint32_t))
#define FIFO_MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)
#define FIFO_MAX_VCPUS      32

#define FIFO_PENDING        (1u << EVTCHN_FIFO_PENDING)
#define FIFO_MASKED         (1u << EVTCHN_FIFO_MASKED)
#define FIFO_LINKED         (1u << EVTCHN_FIFO_LINKED)
#define FIFO_BUSY           (1u << EVTCHN_FIFO_BUSY)

struct fifo {
	spinlock_t lock; /* RUNG_QUEUE: tails, ports' last_*              */
	uint16_t first; /* the first vcpu that got a control block        */
	uint32_t nr_pages;
	uint32_t *page[FIFO_MAX_PAGES]; /* event words, HOSTILE           */
	struct fifo_vcpu {
		struct pv_evtchn_fifo_control_block *control; /* HOSTILE  */
		uint32_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* 0: empty        */
	} vcpu[FIFO_MAX_VCPUS];
};

/* What fifo_raise and fifo_unmask did, and what is left to do. */
enum fifo_result {
	FIFO_NEW = 1 << 0, /* it was not pending before                   */
	FIFO_NOTIFY = 1 << 1, /* tell *vcpu that events wait               */
};

/* The event word of @port, or NULL. */
uint32_t *fifo_word(const struct fifo *f, uint32_t port);
/* Make @port pending and queue it, unless it is masked or queued already. */
unsigned int fifo_raise(struct fifo *f, struct port *p, uint32_t port,
			unsigned int *vcpu);
/* Clear MASKED; if it is pending, queue it. */
unsigned int fifo_unmask(struct fifo *f, struct port *p, uint32_t port,
			 unsigned int *vcpu);
/* Make the page known; the caller then raises the ports that missed it. */
void fifo_add_page(struct fifo *f, uint32_t *page);
/* True once: @p was raised when it had no event word. */
bool fifo_take_missed(struct port *p);

#endif /* HV_EVTCHN_FIFO_QUEUE_H */
