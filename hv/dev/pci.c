/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space of segment 0, by the ports 0xcf8 and 0xcfc.
 *
 * The control domain's own use of the ports is emulated (ioport.c), so that
 * its address and ours never meet.  All that is needed here lies in the first
 * 256 bytes; the memory-mapped space is the control domain's.
 *
 * LOCKING  irq_lock makes address and data one access.
 */
#include "hv/cpu/asm.h"
#include "hv/dev/irq.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc

uint32_t cf8_access(uint32_t address, uint16_t port, unsigned int size,
		    uint32_t v, bool write)
{
	outl(PORT_ADDRESS, address);
	if (write && size == 1)
		outb(port, v);
	else if (write && size == 2)
		outw(port, v);
	else if (write)
		outl(port, v);
	else if (size == 1)
		return inb(port);
	else if (size == 2)
		return inw(port);
	else
		return inl(port);
	return 0;
}

static uint32_t address_of(uint32_t bdf, unsigned int reg)
{
	return 1u << 31 | (bdf & 0xffff) << 8 | (reg & 0xfc);
}

uint32_t pci_read(uint32_t bdf, unsigned int reg, unsigned int size)
{
	return cf8_access(address_of(bdf, reg), PORT_DATA + (reg & 3), size, 0,
			  false);
}

void pci_write(uint32_t bdf, unsigned int reg, unsigned int size, uint32_t v)
{
	cf8_access(address_of(bdf, reg), PORT_DATA + (reg & 3), size, v, true);
}

bool pci_present(uint32_t bdf)
{
	return pci_read(bdf, 0, 2) != 0xffff;
}

unsigned int pci_find_cap(uint32_t bdf, uint8_t id)
{
	unsigned int at;

	if (!pci_present(bdf) || !(pci_read(bdf, 6, 2) & 1 << 4))
		return PCI_NO_CAP;
	at = pci_read(bdf, 0x34, 1) & 0xfc;
	/* A list cannot be longer than the space it lies in. */
	for (unsigned int i = 0; i < 48 && at >= 0x40; i++) {
		if (pci_read(bdf, at, 1) == id)
			return at;
		at = pci_read(bdf, at + 1, 1) & 0xfc;
	}
	return PCI_NO_CAP;
}
