/* SPDX-License-Identifier: MIT */
/* ACPI tables in a small piece of memory. */
#ifndef TESTS_UNIT_DEV_TABLES_H
#define TESTS_UNIT_DEV_TABLES_H

#include "hv/dev/acpi_parse.h"

#define TABLES_BASE 0x7ffe0000u
#define TABLES_SIZE 0x2000u

struct tables {
	uint8_t bytes[TABLES_SIZE];
	uint32_t used;
};

/* For acpi_parse: NULL outside the bytes that were put. */
const void *tables_at(void *tables, uint64_t pa, size_t n);
/* A table with its header and a right checksum; returns its address. */
uint32_t tables_put(struct tables *t, const char *signature, const void *body,
		    size_t n);
/* Make the checksum of the table at @pa right again. */
void tables_seal(struct tables *t, uint32_t pa);
/* A machine like QEMU's q35; returns the root pointer. */
uint32_t tables_make(struct tables *t, bool xsdt);
/* A root pointer to these root tables, 0: none. */
uint32_t tables_root(struct tables *t, uint32_t rsdt, uint32_t xsdt);

#endif /* TESTS_UNIT_DEV_TABLES_H */
