/* SPDX-License-Identifier: MIT */
/*
 * The room's own: physical interrupts and what delivers them.
 *
 * LOCKING  irq_lock covers the table, the IO-APICs' registers, PCI
 *	    configuration space and MSI registers.
 */
#ifndef HV_DEV_IRQ_H
#define HV_DEV_IRQ_H

#include "hv/dev/dev.h"
#include "hv/lib/spinlock.h"

#define NR_IRQS      1024 /* and PIRQs: a PIRQ is its irq's number */
#define MAX_MSI      32 /* messages of one device without MSI-X    */
#define PCI_NO_CAP   0
#define PCI_CAP_MSI  0x05
#define PCI_CAP_MSIX 0x11

enum irq_kind {
	IRQ_NONE,
	IRQ_GSI,
	IRQ_MSI,
	IRQ_MSIX
};

struct irq {
	uint8_t kind; /* IRQ_GSI pins exist from boot, messages come and go  */
	bool mapped; /* the control domain may bind it                     */
	bool level, low; /* trigger and polarity                            */
	bool bound;
	bool waiting; /* level: delivered and masked, no EOI yet            */
	bool stormed; /* masked until the storm timer runs                  */
	uint8_t vector, cpu; /* where it is sent; vector 0: nowhere          */
	uint8_t old_vector, old_cpu; /* where some may still be under way    */
	uint8_t group; /* messages in the set, on its first; else 1 or 0    */
	uint32_t port;
	struct domain *owner;
	uint32_t bdf; /* messages: bus << 8 | devfn                         */
	uint16_t cap, entry; /* capability's offset; message's index        */
	volatile uint32_t *slot; /* MSI-X: its four words                   */
	uint64_t window; /* of storm counting                               */
	uint32_t count;
};

extern struct irq irqs[NR_IRQS];
extern unsigned int nr_gsis;
extern spinlock_t irq_lock;

/* ---- irq.c */
int irq_map_gsi(struct domain *d, uint32_t gsi) MUST_CHECK;
/* The first of @n consecutive ones, or -errno. */
int irq_map_msi(struct domain *d, uint32_t bdf, unsigned int n) MUST_CHECK;
int irq_map_msix(struct domain *d, uint32_t bdf, uint64_t table_base,
		 unsigned int entry) MUST_CHECK;
/* Keep a number above the pins for @d; irq_unmap gives it back. */
int irq_reserve(struct domain *d) MUST_CHECK;
int irq_unmap(struct domain *d, uint32_t pirq) MUST_CHECK;
int irq_set_trigger(uint32_t gsi, bool level, bool low) MUST_CHECK;
int irq_eoi(struct domain *d, uint32_t pirq) MUST_CHECK;
bool irq_needs_eoi(const struct irq *irq);
int irq_share_eoi_map(struct domain *d, uint64_t mfn) MUST_CHECK;
/* Write the messages of a device again. */
int irq_restore_messages(uint32_t bdf) MUST_CHECK;

/* ---- ioapic.c */
unsigned int ioapic_boot(void); /* masks all pins; how many GSIs there are */
void ioapic_program(uint32_t gsi, const struct irq *irq, bool masked)
	MUST_HOLD(irq_lock);
void ioapic_mask(uint32_t gsi, bool masked) MUST_HOLD(irq_lock);
int ioapic_read(uint64_t base, uint32_t reg, uint32_t *v) MUST_CHECK;
bool ioapic_owns_page(mfn_t m);

/* ---- pci.c */
uint32_t pci_read(uint32_t bdf, unsigned int reg, unsigned int size)
	MUST_HOLD(irq_lock);
void pci_write(uint32_t bdf, unsigned int reg, unsigned int size, uint32_t v)
	MUST_HOLD(irq_lock);
bool pci_present(uint32_t bdf) MUST_HOLD(irq_lock);
/* Offset of a capability, or PCI_NO_CAP. */
unsigned int pci_find_cap(uint32_t bdf, uint8_t id) MUST_HOLD(irq_lock);

/* ---- msi.c */
int msi_check(uint32_t bdf, unsigned int n) MUST_HOLD(irq_lock);
int msix_open(uint32_t bdf, uint64_t table_base, unsigned int entry,
	      volatile uint32_t **slot) MUST_HOLD(irq_lock);
/* Send the message of @irq, and of its set, to where it says. */
void msi_program(const struct irq *irq) MUST_HOLD(irq_lock);
/* False: this device cannot mask the message. */
bool msi_mask(const struct irq *irq, bool masked) MUST_HOLD(irq_lock);
bool msi_maskable(const struct irq *irq) MUST_HOLD(irq_lock);

/* ---- power.c */
void machine_poweroff_by(uint16_t pm1a, uint16_t pm1b) NORETURN;

/* ---- ioport.c */
uint32_t cf8_access(uint32_t address, uint16_t port, unsigned int size,
		    uint32_t v, bool write) MUST_HOLD(irq_lock);

#endif /* HV_DEV_IRQ_H */
