/* SPDX-License-Identifier: MIT */
/* Hardware for the control domain: ACPI, interrupts, PCI, power. */
#ifndef HV_DEV_DEV_H
#define HV_DEV_DEV_H

#include "hv/dev/acpi_parse.h"
#include "hv/domain/domain.h"

/* ---- ACPI (boot, pure parser in dev/acpi_parse.c) */
extern struct acpi_facts acpi;
/*
 * After mm_boot.  @rsdp_hint is the loader's, or what acpi_rsdp_from_efi
 * found, or 0.
 */
void acpi_boot(uint64_t rsdp_hint);
uint64_t acpi_rsdp_from_efi(uint64_t system_table);

/* ---- local APIC */
/*
 * Each CPU, on itself, the boot CPU first, after mm_boot: enables the APIC,
 * sets this_cpu->apic_id and, on the boot CPU, the time room's apic_timer.
 */
void lapic_boot_cpu(void);
void lapic_eoi(void);
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t start_page);

/* Vectors of our own; VEC_FIRST_DEV..VEC_LAST_DEV are handed out to devices. */
enum {
	VEC_FIRST_DEV = 0x30,
	VEC_LAST_DEV = 0xef,
	VEC_TIMER = 0xf0,
	VEC_FLUSH = 0xf1, /* TLB flush: entering is all it takes         */
	VEC_KICK = 0xf2, /* look for events, reschedule                  */
	VEC_CONSOLE = 0xf3, /* the console's UART has input               */
	VEC_SPURIOUS = 0xff,
};

/* ---- physical interrupts: IO-APIC pins, MSI, MSI-X, bound to ports */
void irq_boot(void);
/* After irq_boot: the console's pin is ours, its input VEC_CONSOLE. */
void irq_claim_console(void);
void irq_handle(uint8_t vector); /* from entry, for device vectors        */
int irq_domain_init(struct domain *d) MUST_CHECK;
void irq_domain_destroy(struct domain *d);

long hc_physdev_op(uint32_t cmd, uint64_t arg);
long hc_platform_op(uint64_t arg);

/* ---- port I/O (dev/ioport.c) */
/*
 * May @v's kernel (or, if @user, its user program) use these ports, by its
 * IOPL or its bitmap?  If not: #GP.
 */
bool dev_port_granted(struct vcpu *v, bool user, uint16_t port,
		      unsigned int size);
int dev_port_bitmap(struct vcpu *v, uint64_t gva, uint32_t nr_ports);
/*
 * Do the access, or what stands for it where the ports are ours: those read
 * as ones and ignore writes.
 */
uint32_t dev_port_read(struct domain *d, uint16_t port, unsigned int size);
void dev_port_write(struct domain *d, uint16_t port, unsigned int size,
		    uint32_t v);

/* ---- device memory */
/* May the control domain map this frame, which is no RAM? */
bool dev_mmio_allowed(struct domain *d, mfn_t m);

/* ---- power */
void machine_poweroff(void) NORETURN;
void machine_reboot(void) NORETURN;

#endif /* HV_DEV_DEV_H */
