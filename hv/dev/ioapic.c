/* SPDX-License-Identifier: MIT */
/*
 * The IO-APICs: one redirection entry per pin, pins numbered machine-wide as
 * GSIs.  The control domain reads the registers through a hypercall (to count
 * pins) and never writes them.
 */
#include <pv/errno.h>

#include "hv/dev/irq.h"
#include "hv/lib/log.h"

static struct ioapic {
	volatile uint32_t *regs; /* index at 0, data at 0x10 */
	uint32_t first, pins;
} ioapics[ACPI_MAX_IOAPICS];

#define REG_VERSION  1
#define REG_ENTRY(p) (0x10 + 2 * (p))
#define ENTRY_LOW    (1u << 13)
#define ENTRY_LEVEL  (1u << 15)
#define ENTRY_MASKED (1u << 16)

static uint32_t read(const struct ioapic *io, uint32_t reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

static void write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

static const struct ioapic *find(uint32_t gsi)
{
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
		if (gsi >= ioapics[i].first &&
		    gsi - ioapics[i].first < ioapics[i].pins)
			return &ioapics[i];
	return NULL;
}

unsigned int ioapic_boot(void)
{
	unsigned int gsis = 16;

	for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
		struct ioapic *io = &ioapics[i];

		io->regs = iomap(acpi.ioapic[i].base, 0x20);
		io->first = acpi.ioapic[i].gsi_base;
		if (!io->regs || io->first >= NR_IRQS / 2)
			continue;
		io->pins = (read(io, REG_VERSION) >> 16 & 0xff) + 1;
		io->pins = min(io->pins, NR_IRQS / 2 - io->first);
		for (uint32_t p = 0; p < io->pins; p++)
			write(io, REG_ENTRY(p), ENTRY_MASKED);
		gsis = max(gsis, io->first + io->pins);
		log_debug("ioapic: base=0x%lx gsi=%u pins=%u",
			  acpi.ioapic[i].base, io->first, io->pins);
	}
	return gsis;
}

void ioapic_program(uint32_t gsi, const struct irq *irq, bool masked)
{
	const struct ioapic *io = find(gsi);
	uint32_t low = irq->vector;

	if (!io)
		return;
	low |= irq->low ? ENTRY_LOW : 0;
	low |= irq->level ? ENTRY_LEVEL : 0;
	low |= masked ? ENTRY_MASKED : 0;
	write(io, REG_ENTRY(gsi - io->first), low | ENTRY_MASKED);
	write(io, REG_ENTRY(gsi - io->first) + 1,
	      cpus[irq->cpu]->apic_id << 24);
	write(io, REG_ENTRY(gsi - io->first), low);
}

void ioapic_mask(uint32_t gsi, bool masked)
{
	const struct ioapic *io = find(gsi);
	uint32_t reg, low;

	if (!io)
		return;
	reg = REG_ENTRY(gsi - io->first);
	low = read(io, reg) & ~ENTRY_MASKED;
	write(io, reg, masked ? low | ENTRY_MASKED : low);
}

int ioapic_read(uint64_t base, uint32_t reg, uint32_t *v)
{
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
		if (acpi.ioapic[i].base != base || !ioapics[i].regs)
			continue;
		spin_lock(&irq_lock);
		*v = read(&ioapics[i], reg & 0xff);
		spin_unlock(&irq_lock);
		return 0;
	}
	return -EINVAL;
}

bool ioapic_owns_page(mfn_t m)
{
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
		if (acpi.ioapic[i].base >> PAGE_SHIFT == m.raw)
			return true;
	return false;
}
