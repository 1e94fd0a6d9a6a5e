/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts: the registers that make a device write a
 * vector to a local APIC.  PCI 3.0 6.8.
 *
 * The hypervisor writes messages and mask bits; the control domain sets the
 * enable bits (it believes that it owns the rest too, but a PV kernel leaves
 * masking alone).  The control domain could write MSI-X tables too: it also
 * programs the devices that write to memory.  Tables are mapped once.
 */
#include <pv/errno.h>

#include "hv/cpu/features.h"
#include "hv/dev/irq.h"

#define ADDRESS_BASE 0xfee00000u

#define MSI_CONTROL  2
#define MSI_64BIT    (1 << 7)
#define MSI_MASKABLE (1 << 8)
#define MSIX_TABLE   4
#define MSIX_SLOT    16 /* bytes */
#define MSIX_MASKED  1u

static struct msix_table {
	uint32_t bdf;
	uint64_t start; /* machine address, 0: free */
	uint32_t bytes;
	volatile uint32_t *va;
} tables[64];

static uint32_t address_of(const struct irq *irq)
{
	return ADDRESS_BASE | cpus[irq->cpu]->apic_id << 12;
}

/* ---- MSI ------------------------------------------------------------------ */

static uint16_t msi_control(const struct irq *irq) MUST_HOLD(irq_lock)
{
	return pci_read(irq->bdf, irq->cap + MSI_CONTROL, 2);
}

int msi_check(uint32_t bdf, unsigned int n)
{
	unsigned int cap = pci_find_cap(bdf, PCI_CAP_MSI);

	if (!cap)
		return -ENODEV;
	if (n > 1u << (pci_read(bdf, cap + MSI_CONTROL, 2) >> 1 & 7))
		return -EINVAL;
	return cap;
}

static void msi_write(const struct irq *irq) MUST_HOLD(irq_lock)
{
	uint16_t control = msi_control(irq) & ~0x70;
	unsigned int order = 0;

	while (1u << order < irq->group)
		order++;
	pci_write(irq->bdf, irq->cap + 4, 4, address_of(irq));
	if (control & MSI_64BIT)
		pci_write(irq->bdf, irq->cap + 8, 4, 0);
	pci_write(irq->bdf, irq->cap + (control & MSI_64BIT ? 12 : 8), 2,
		  irq->vector);
	pci_write(irq->bdf, irq->cap + MSI_CONTROL, 2, control | order << 4);
}

static void msi_mask_bit(const struct irq *irq, bool masked) MUST_HOLD(irq_lock)
{
	uint16_t control = msi_control(irq);
	unsigned int reg = irq->cap + (control & MSI_64BIT ? 16 : 12);
	uint32_t bits;

	bits = pci_read(irq->bdf, reg, 4) & ~(1u << irq->entry);
	pci_write(irq->bdf, reg, 4, bits | (uint32_t)masked << irq->entry);
}

/* ---- MSI-X ---------------------------------------------------------------- */

/*
 * HOSTILE: @table_base is the control domain's word for the BAR (a virtual
 * function's is not in its own BARs).  It may name a device's memory only.
 */
static struct msix_table *open_table(uint32_t bdf, uint64_t start,
				     uint32_t bytes)
{
	struct msix_table *free = NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++) {
		struct msix_table *t = &tables[i];

		if (!t->start || t->bdf == bdf)
			free = free && free->bdf == bdf ? free : t;
		if (t->bdf == bdf && t->start == start && t->bytes == bytes)
			return t;
	}
	if (!free)
		return NULL;
	for (uint64_t pa = ROUND_DOWN(start, PAGE_SIZE); pa < start + bytes;
	     pa += PAGE_SIZE) {
		mfn_t m = mfn_of(pa >> PAGE_SHIFT);

		if (mfn_is_ram(m) || !dev_mmio_allowed(control_domain, m))
			return NULL;
	}
	free->va = iomap(start, bytes);
	if (!free->va)
		return NULL;
	free->bdf = bdf;
	free->bytes = bytes;
	free->start = start;
	return free;
}

int msix_open(uint32_t bdf, uint64_t table_base, unsigned int entry,
	      volatile uint32_t **slot)
{
	unsigned int cap = pci_find_cap(bdf, PCI_CAP_MSIX), n;
	struct msix_table *t;

	if (!cap)
		return -ENODEV;
	n = (pci_read(bdf, cap + MSI_CONTROL, 2) & 0x7ff) + 1;
	table_base += pci_read(bdf, cap + MSIX_TABLE, 4) & ~7u;
	if (entry >= n || table_base >> features.physical_bits)
		return -EINVAL;
	t = open_table(bdf, table_base, n * MSIX_SLOT);
	if (!t)
		return -ENOSPC;
	*slot = t->va + entry * MSIX_SLOT / 4;
	return cap;
}

/* ---- both ----------------------------------------------------------------- */

void msi_program(const struct irq *irq)
{
	if (irq->kind == IRQ_MSI) {
		msi_write(irq);
		return;
	}
	/* A device may read the slot at any time while it is not masked. */
	bool masked = irq->slot[3] & MSIX_MASKED;

	irq->slot[3] = MSIX_MASKED;
	irq->slot[0] = address_of(irq);
	irq->slot[1] = 0;
	irq->slot[2] = irq->vector;
	irq->slot[3] = masked ? MSIX_MASKED : 0;
	(void)irq->slot[3]; /* posted writes arrive before the read returns */
}

bool msi_maskable(const struct irq *irq)
{
	return irq->kind == IRQ_MSIX || (msi_control(irq) & MSI_MASKABLE);
}

bool msi_mask(const struct irq *irq, bool masked)
{
	if (!msi_maskable(irq))
		return false;
	if (irq->kind == IRQ_MSIX) {
		irq->slot[3] = masked ? MSIX_MASKED : 0;
		(void)irq->slot[3];
	} else {
		msi_mask_bit(irq, masked);
	}
	return true;
}
