/* SPDX-License-Identifier: MIT */
/* What the boot loader left: one shape for multiboot 1 and multiboot 2. */
#ifndef HV_BOOT_MULTIBOOT_H
#define HV_BOOT_MULTIBOOT_H

#define MULTIBOOT1_MAGIC 0x2badb002 /* EAX at entry */
#define MULTIBOOT2_MAGIC 0x36d76289

#ifndef __ASSEMBLER__
#include "hv/lib/types.h"

#define BOOT_MAX_MODULES 8
#define BOOT_MAX_RANGES  128

/* As in the firmware's map (E820); every other number is reserved. */
enum boot_range_type {
	BOOT_RAM = 1,
	BOOT_RESERVED = 2,
	BOOT_ACPI = 3, /* tables, reclaimable            */
	BOOT_NVS = 4, /* firmware's, kept over sleep     */
	BOOT_BAD = 5, /* defective                       */
};

struct boot_range {
	uint64_t start, end; /* bytes, start < end */
	uint32_t type;
};

struct boot_module {
	uint64_t start, end; /* bytes, start <= end           */
	char cmdline[1024]; /* as given: name first, if any  */
};

struct boot_info {
	char cmdline[2048];
	char loader[64];
	bool cut; /* a string or a list was longer than its room here */
	unsigned int nr_modules;
	struct boot_module module[BOOT_MAX_MODULES];
	unsigned int nr_ranges;
	struct boot_range range[BOOT_MAX_RANGES]; /* in the loader's order */
	struct boot_range info; /* where the loader's own structure lies  */
	uint64_t rsdp; /* address of the loader's copy, 0: none       */
	uint64_t efi_table; /* EFI system table, 0: none                  */
};

/*
 * @n readable bytes of physical memory at @pa, or NULL: the parser's only way
 * to memory.
 */
typedef const void *(*boot_phys_fn)(void *arg, uint64_t pa, size_t n);

enum multiboot_error {
	MULTIBOOT_OK,
	MULTIBOOT_BAD_MAGIC, /* not entered by a multiboot loader       */
	MULTIBOOT_BAD_ADDRESS, /* a structure outside memory            */
	MULTIBOOT_BAD_LENGTH, /* a structure that overruns its frame    */
	MULTIBOOT_BAD_MODULE, /* a module that ends before it starts    */
	MULTIBOOT_NO_MAP, /* no memory map                              */
	MULTIBOOT_NR_ERRORS,
};

/* @magic and @info are EAX and EBX at entry.  @out is filled from zero. */
enum multiboot_error multiboot_parse(uint32_t magic, uint64_t info,
				     boot_phys_fn phys, void *arg,
				     struct boot_info *out);
const char *multiboot_error_text(enum multiboot_error err);

#endif /* __ASSEMBLER__ */
#endif /* HV_BOOT_MULTIBOOT_H */
