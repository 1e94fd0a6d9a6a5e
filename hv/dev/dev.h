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
uint32_t lapic_id(void);
void lapic_eoi(void);
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
void lapic_send_nmi(uint32_t apic_id);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t start_page);

/* Vectors of our own; VEC_FIRST_DEV..VEC_LAST_DEV are handed out to devices. */
enum {
	VEC_FIRST_DEV = 0x30,
	VEC_LAST_DEV = 0xef,
	VEC_TIMER = 0xf0,
	VEC_FLUSH = 0xf1, /* TLB flush: entering is all it takes         */
	VEC_KICK = 0xf2, /* look for events, reschedule                  */
	VEC_SPURIOUS = 0xff,
};

/* ---- physical interrupts: IO-APIC pins, MSI, MSI-X, bound to ports */
void irq_boot(void);
void irq_handle(uint8_t vector); /* from entry, for device vectors        */
int irq_domain_init(struct domain *d) MUST_CHECK;
void irq_domain_destroy(struct domain *d);
/* Bind/unbind for EVTCHNOP_bind_pirq; unmask on EOI. */
int irq_bind_pirq(struct domain *d, uint32_t pirq, uint32_t port, bool share);
void irq_unbind_pirq(struct domain *d, uint32_t pirq);

long hc_physdev_op(uint32_t cmd, uint64_t arg);
long hc_platform_op(uint64_t arg);

/* ---- port I/O of the control domain, checked against what is ours */
bool dev_port_allowed(struct domain *d, uint16_t port, unsigned int size);
/* May the control domain map this device frame?  (LAPIC, IO-APIC: no) */
bool dev_mmio_allowed(struct domain *d, mfn_t m);

void machine_poweroff(void) NORETURN;
void machine_reboot(void) NORETURN;

#endif /* HV_DEV_DEV_H */
