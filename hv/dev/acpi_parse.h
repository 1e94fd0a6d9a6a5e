/* SPDX-License-Identifier: MIT */
/* What the hypervisor wants to know from the firmware's ACPI tables. */
#ifndef HV_DEV_ACPI_PARSE_H
#define HV_DEV_ACPI_PARSE_H

#include "hv/lib/types.h"

#define ACPI_MAX_CPUS    64
#define ACPI_MAX_IOAPICS 8

/* Address spaces of a generic address. */
enum {
	ACPI_SPACE_MEMORY = 0,
	ACPI_SPACE_IO = 1,
	ACPI_SPACE_PCI = 2
};

struct acpi_facts {
	uint64_t rsdp, lapic_base;
	unsigned int nr_cpus; /* enabled ones */
	uint32_t apic_id[ACPI_MAX_CPUS];
	uint32_t acpi_id[ACPI_MAX_CPUS];
	unsigned int nr_ioapics;
	struct {
		uint32_t id, gsi_base;
		uint64_t base;
	} ioapic[ACPI_MAX_IOAPICS];
	struct { /* by ISA interrupt number */
		uint32_t gsi;
		bool level, low;
	} isa_override[16];
	uint32_t sci_gsi;
	uint16_t pm1a_cnt, pm1b_cnt, pm_timer; /* I/O ports, 0: none     */
	uint8_t slp_typ_s5_a, slp_typ_s5_b;
	bool s5_known;
	bool reset_known; /* FADT reset register                       */
	uint8_t reset_space; /* ACPI_SPACE_*                            */
	uint8_t reset_value;
	uint64_t reset_addr;
	uint64_t hpet_base, mcfg_base; /* 0: none; mcfg of bus 0          */
	uint8_t mcfg_first_bus, mcfg_last_bus;
	unsigned int bad_tables; /* refused: checksum or length           */
};

/* @n readable bytes of physical memory at @pa, or NULL. */
typedef const void *(*acpi_phys_fn)(void *arg, uint64_t pa, size_t n);

/* The root pointer in the @n bytes at @area, as an offset, or -1. */
long acpi_scan_rsdp(const void *area, size_t n);
/* Fill @f from the tables that the root pointer at @rsdp leads to. */
bool acpi_parse(uint64_t rsdp, acpi_phys_fn phys, void *arg,
		struct acpi_facts *f);

#endif /* HV_DEV_ACPI_PARSE_H */
