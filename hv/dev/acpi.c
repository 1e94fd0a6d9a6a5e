/* SPDX-License-Identifier: MIT */
/*
 * Finding the ACPI tables: from the boot loader, from the EFI system table, or
 * in the BIOS areas that the specification names (ACPI 5.2.5).
 */
#include "hv/dev/dev.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"

struct acpi_facts acpi;

static const void *phys(void *arg, uint64_t pa, size_t n)
{
	(void)arg;
	return iomap(pa, n);
}

static uint64_t scan(uint64_t start, size_t n)
{
	const void *area = iomap(start, n);
	long at = area ? acpi_scan_rsdp(area, n) : -1;

	return at < 0 ? 0 : start + at;
}

static uint64_t scan_bios(void)
{
	const uint16_t *ebda = iomap(0x40e, 2);
	uint64_t pa = 0;

	if (ebda && *ebda >= 0x4000 && *ebda < 0xa000)
		pa = scan((uint64_t)*ebda << 4, 1024);
	return pa ?: scan(0xe0000, 0x20000);
}

/*
 * The firmware's own root pointer, by the system table's list of vendor
 * tables.  The control domain can reach that one; a boot loader's copy lies
 * in memory that is given away.
 */
uint64_t acpi_rsdp_from_efi(uint64_t system_table)
{
	static const uint8_t guid[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4,
					 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80,
					 0xc7, 0x3c, 0x88, 0x81};
	const uint8_t *st = system_table ? iomap(system_table, 120) : NULL;
	const uint8_t *list;
	uint64_t n, table, rsdp = 0;

	if (!st || memcmp(st, "IBI SYST", 8))
		return 0;
	memcpy(&n, st + 104, 8);
	memcpy(&table, st + 112, 8);
	n = min(n, (uint64_t)128);
	list = n ? iomap(table, n * 24) : NULL;
	for (uint64_t i = 0; list && i < n; i++)
		if (!memcmp(list + i * 24, guid, sizeof(guid)))
			memcpy(&rsdp, list + i * 24 + 16, 8);
	return rsdp;
}

void acpi_boot(uint64_t rsdp_hint)
{
	if (!acpi_parse(rsdp_hint, phys, NULL, &acpi) &&
	    !acpi_parse(scan_bios(), phys, NULL, &acpi)) {
		log_warn("acpi: no tables found");
		return;
	}
	if (acpi.bad_tables)
		log_warn("acpi: %u tables with a bad checksum or length",
			 acpi.bad_tables);
	log_info("acpi: rsdp=0x%lx cpus=%u ioapics=%u mcfg=0x%lx hpet=0x%lx "
		 "s5=%d",
		 acpi.rsdp, acpi.nr_cpus, acpi.nr_ioapics, acpi.mcfg_base,
		 acpi.hpet_base, acpi.s5_known ? acpi.slp_typ_s5_a : -1);
}
