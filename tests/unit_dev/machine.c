/* SPDX-License-Identifier: MIT */
/*
 * The imagined machine: what irq.c, msi.c, pci.c and ioport.c call below and
 * beside them.
 */
#include "tests/unit_dev/machine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <pv/errno.h>

#include "hv/console/console.h"
#include "hv/cpu/features.h"
#include "hv/evtchn/evtchn.h"
#include "hv/time/time.h"

struct pin pins[PINS];
uint32_t msix_slots[16][4];
unsigned int eois, raised[8192];
uint64_t clock_ns;
uint8_t ports[65536], guest_memory[65536];
static uint8_t config[65536][256];
static uint32_t address;
static struct timer *armed;

struct cpu this_cpu_window;
struct tramp_data host_tramp_data;
static struct cpu cpu_table[4];
struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus = 4;
struct acpi_facts acpi;
struct cpu_features features = {.physical_bits = 40};
const struct pirq_ops *pirq_ops;
static struct vcpu vcpus[2] = {{.id = 0, .cpu = 1}, {.id = 1, .cpu = 2}};
struct domain control = {.privileged = true}, guest;
struct domain *control_domain = &control;

/* ---- PCI ------------------------------------------------------------------- */
static uint8_t *config_at(uint16_t port)
{
	if (!(address >> 31))
		return NULL;
	return &config[address >> 8 & 0xffff]
		      [(address & 0xfc) + (port - 0xcfc)];
}

uint32_t config_read(uint32_t bdf, unsigned int reg, unsigned int size)
{
	uint32_t v = 0;

	memcpy(&v, &config[bdf][reg], size);
	return v;
}

static uint32_t in(uint16_t port, unsigned int size)
{
	uint8_t *p = port >= 0xcfc && port < 0xd00 ? config_at(port) : NULL;
	uint32_t v = 0;

	memcpy(&v, p ? p : &ports[port], size);
	return v;
}

static void out(uint16_t port, unsigned int size, uint32_t v)
{
	uint8_t *p = port >= 0xcfc && port < 0xd00 ? config_at(port) : NULL;

	if (port == 0xcf8 && size == 4)
		address = v;
	else
		memcpy(p ? p : &ports[port], &v, size);
}

uint8_t inb(uint16_t port)
{
	return (uint8_t)in(port, 1);
}

uint16_t inw(uint16_t port)
{
	return (uint16_t)in(port, 2);
}

uint32_t inl(uint16_t port)
{
	return in(port, 4);
}

void outb(uint16_t port, uint8_t v)
{
	out(port, 1, v);
}

void outw(uint16_t port, uint16_t v)
{
	out(port, 2, v);
}

void outl(uint16_t port, uint32_t v)
{
	out(port, 4, v);
}

uint64_t rdmsr(uint32_t msr)
{
	(void)msr;
	return 0xfee00900;
}

static void device(uint32_t bdf, uint8_t cap, const void *bytes, size_t n)
{
	uint8_t *c = config[bdf];

	memset(c, 0, 256);
	memcpy(c, "\x86\x80\x34\x12", 4);
	c[6] = 1 << 4;
	c[0x34] = 0x40;
	c[0x40] = 0x01; /* power management, then what is asked for */
	c[0x41] = cap;
	memcpy(c + cap, bytes, n);
}

/* ---- interrupt hardware ---------------------------------------------------- */
unsigned int ioapic_boot(void)
{
	for (unsigned int i = 0; i < PINS; i++)
		pins[i] = (struct pin){.masked = true};
	return PINS;
}

void ioapic_program(uint32_t gsi, const struct irq *irq, bool masked)
{
	pins[gsi] = (struct pin){irq->vector, cpus[irq->cpu]->apic_id,
				 irq->level, irq->low, masked};
}

void ioapic_mask(uint32_t gsi, bool masked)
{
	pins[gsi].masked = masked;
}

bool ioapic_owns_page(mfn_t m)
{
	return m.raw == 0xfec00;
}

void lapic_eoi(void)
{
	eois++;
}

void arrive(unsigned int cpu, uint8_t vector)
{
	this_cpu_window = cpu_table[cpu];
	irq_handle(vector);
}

/* ---- rooms below ----------------------------------------------------------- */
void evtchn_send_port(struct domain *d, uint32_t port)
{
	if (d != &control)
		abort();
	raised[port]++;
}

uint64_t now_ns(void)
{
	return clock_ns;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg,
		unsigned int cpu)
{
	*t = (struct timer){.fn = fn, .arg = arg, .cpu = cpu};
}

void timer_set(struct timer *t, uint64_t expires)
{
	t->expires = expires;
	armed = t;
}

void run_timer(void)
{
	struct timer *t = armed;

	if (!t || clock_ns < t->expires)
		return;
	armed = NULL;
	t->fn(t->arg);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

bool log_guest_allowed(void)
{
	return false;
}

void console_listen(void)
{
}

uint16_t console_ports(void)
{
	return 0x3f8;
}

void *iomap(uint64_t paddr, size_t size)
{
	if (paddr != TABLE_BASE + 0x2000 || size > sizeof(msix_slots))
		return NULL;
	return msix_slots;
}

bool mfn_is_ram(mfn_t m)
{
	return m.raw < 0x80000;
}

static uint64_t ram[2][512] ALIGNED(4096);
char *host_ram = (char *)ram;
uint64_t *const eoi_page = ram[EOI_MFN];

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
	(void)type;
	return d == &control && m.raw == EOI_MFN ? 0 : -EINVAL;
}

void frame_put_typed(mfn_t m)
{
	if (m.raw != EOI_MFN)
		abort();
}

void *hv_alloc(size_t size)
{
	return calloc(1, size);
}

void hv_free(void *p)
{
	free(p);
}

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	if (gva > sizeof(guest_memory) || n > sizeof(guest_memory) - gva)
		return -EFAULT;
	memcpy(to, guest_memory + gva, n);
	return 0;
}

void machine_start(void)
{
	static const uint8_t msi[] = {5, 0, 3 << 1, 0};
	static const uint8_t mask[] = {5, 0, 2 << 1 | 1 << 7, 1};
	static const uint8_t msix[] = {0x11, 0, 15, 0, 0, 0x20, 0, 0};

	if (control.irqs)
		irq_domain_destroy(&control);
	memset(config, 0xff, sizeof(config));
	device(MSI_BDF, MSI_CAP, msi, sizeof(msi));
	device(MASK_BDF, MSI_CAP, mask, sizeof(mask));
	device(MSIX_BDF, MSIX_CAP, msix, sizeof(msix));
	memset(irqs, 0, sizeof(struct irq) * NR_IRQS);
	memset(msix_slots, 0, sizeof(msix_slots));
	memset(raised, 0, sizeof(raised));
	memset(ram, 0, sizeof(ram));
	for (unsigned int i = 0; i < 4; i++) {
		cpu_table[i].id = i;
		cpu_table[i].apic_id = i * 2;
		cpus[i] = &cpu_table[i];
	}
	for (unsigned int i = 0; i < 16; i++)
		acpi.isa_override[i].gsi = i;
	acpi.isa_override[0].gsi = 2;
	acpi.isa_override[9].level = true;
	control.vcpu[0] = &vcpus[0];
	control.vcpu[1] = &vcpus[1];
	vcpus[0].domain = vcpus[1].domain = &control;
	irq_boot();
	if (irq_domain_init(&control) || irq_domain_init(&guest))
		abort();
}
