/* SPDX-License-Identifier: MIT */
/*
 * What of the machine's ports and device memory the control domain may use:
 * all, but for what the hypervisor drives itself - the interrupt controllers,
 * the console's UART, and the two PCI configuration ports, which are shared.
 */
#include <pv/errno.h>

#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/dev/irq.h"

#define PIT_COUNTER 0x42 /* channel 2 of the interval timer */
#define CF8         0xcf8
#define CFC         0xcfc

/* The vcpu's last write to 0xcf8; the trampoline keeps it, too. */
#define cf8_shadow (tramp_data()->config_address)

/* User programs' ports, by vcpu of the control domain. */
static struct {
	uint64_t gva; /* one bit per port, clear: granted */
	uint32_t nr_ports;
} bitmaps[MAX_VCPUS];

static bool overlaps(uint16_t port, unsigned int size, uint16_t first,
		     unsigned int n)
{
	return n && port < first + n && first < port + size;
}

/* The 8259s and the console. */
static bool is_ours(uint16_t port, unsigned int size)
{
	return overlaps(port, size, 0x20, 2) || overlaps(port, size, 0xa0, 2) ||
	       overlaps(port, size, console_ports(), console_ports() ? 8 : 0);
}

static bool is_config(uint16_t port, unsigned int size)
{
	return (port == CF8 && size == 4) ||
	       (port >= CFC && port + size <= CFC + 4u);
}

int dev_port_bitmap(struct vcpu *v, uint64_t gva, uint32_t nr_ports)
{
	if (nr_ports > 65536)
		return -EINVAL;
	if (v->domain->privileged && v->id < MAX_VCPUS) {
		bitmaps[v->id].gva = gva;
		bitmaps[v->id].nr_ports = gva ? nr_ports : 0;
	}
	return 0;
}

bool dev_port_granted(struct vcpu *v, bool user, uint16_t port,
		      unsigned int size)
{
	uint16_t bits = 0xffff;

	if (port + size > 0x10000u)
		return false;
	if (v->iopl >= (user ? 3 : 1))
		return true; /* though the ports may be nobody's */
	if (!v->domain->privileged || port + size > bitmaps[v->id].nr_ports)
		return false;
	/* The ports' bits lie in at most two bytes, as the map's last has. */
	if (copy_from_guest(&bits, bitmaps[v->id].gva + port / 8,
			    (port + size - 1) / 8 - port / 8 + 1))
		return false;
	return !(bits >> port % 8 & ((1u << size) - 1));
}

/*
 * Guests have no ports.  Linux calibrates processors by the interval timer and
 * gives up at once only if that does not begin with ones: else it reads it a
 * hundred thousand times, a quarter of a guest's boot.
 */
static uint32_t nobodys_port(uint16_t port, uint32_t ones)
{
	return port == PIT_COUNTER ? 0 : ones;
}

uint32_t dev_port_read(struct domain *d, uint16_t port, unsigned int size)
{
	uint32_t ones = size == 4 ? ~0u : (1u << 8 * size) - 1, v;

	if (!d->privileged)
		return nobodys_port(port, ones);
	if (is_ours(port, size))
		return ones;
	if (is_config(port, size)) {
		spin_lock(&irq_lock);
		v = port == CF8 ? (uint32_t)cf8_shadow
				: cf8_access((uint32_t)cf8_shadow, port, size,
					     0, false);
		spin_unlock(&irq_lock);
		return v;
	}
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

void dev_port_write(struct domain *d, uint16_t port, unsigned int size,
		    uint32_t v)
{
	if (!d->privileged || is_ours(port, size))
		return;
	if (is_config(port, size)) {
		spin_lock(&irq_lock);
		if (port == CF8)
			cf8_shadow = v;
		else
			cf8_access((uint32_t)cf8_shadow, port, size, v, true);
		spin_unlock(&irq_lock);
	} else if (size == 1) {
		outb(port, v);
	} else if (size == 2) {
		outw(port, v);
	} else {
		outl(port, v);
	}
}

bool dev_mmio_allowed(struct domain *d, mfn_t m)
{
	uint64_t lapic = rdmsr(MSR_APIC_BASE) & 0xffffffffff000;

	return d && d->privileged && m.raw != lapic >> PAGE_SHIFT &&
	       !ioapic_owns_page(m);
}
