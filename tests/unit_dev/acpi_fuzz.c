/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the ACPI parser: any bytes as tables.
 *
 * A libFuzzer target, and a part of acpi_test.  Checksums are made right
 * first, or nearly every input would end at them.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fuzz.h"
#include "tests/unit_dev/tables.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

/* What is asked for in full is sealed: a table, or the root pointer. */
static const void *at(void *arg, uint64_t pa, size_t n)
{
	const struct bytes *b = arg;
	uint32_t length;
	uint8_t *p;

	if (pa < TABLES_BASE || pa - TABLES_BASE > b->size ||
	    n > b->size - (pa - TABLES_BASE))
		return NULL;
	p = b->data + (pa - TABLES_BASE);
	memcpy(&length, n >= 36 ? p + 4 : (uint8_t[4]){0}, 4);
	if (n == 20)
		p[8] -= sum(p, 20);
	else if (!memcmp(p, "RSD ", 4) && n == 36)
		p[32] -= sum(p, 36);
	else if (n > 36 && n == length)
		p[9] -= sum(p, n);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = {malloc(size), size};
	struct acpi_facts f;
	long rsdp;

	if (size)
		memcpy(b.data, data, size);
	rsdp = acpi_scan_rsdp(b.data, size);
	acpi_parse(TABLES_BASE + (rsdp < 0 ? 0 : rsdp), at, &b, &f);
	if (f.nr_cpus > ACPI_MAX_CPUS || f.nr_ioapics > ACPI_MAX_IOAPICS ||
	    f.slp_typ_s5_a > 7 || f.slp_typ_s5_b > 7)
		abort();
	free(b.data);
	return 0;
}
