/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables put down byte by byte, as the specification numbers them.
 */
#include "tests/unit_dev/tables.h"

#include <string.h>

const void *tables_at(void *tables, uint64_t pa, size_t n)
{
	struct tables *t = tables;

	if (pa < TABLES_BASE || pa - TABLES_BASE > t->used ||
	    n > t->used - (pa - TABLES_BASE))
		return NULL;
	return t->bytes + (pa - TABLES_BASE);
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

void tables_seal(struct tables *t, uint32_t pa)
{
	uint8_t *p = t->bytes + (pa - TABLES_BASE);
	uint32_t n;

	memcpy(&n, p + 4, 4);
	p[9] = 0;
	p[9] = -sum(p, n);
}

static uint32_t room(struct tables *t, size_t n)
{
	uint32_t at = (t->used + 15) & ~15u;

	t->used = at + n;
	return at;
}

uint32_t tables_put(struct tables *t, const char *signature, const void *body,
		    size_t n)
{
	uint32_t at = room(t, 36 + n), length = 36 + n;
	uint8_t *p = t->bytes + at;

	memcpy(p, signature, 4);
	memcpy(p + 4, &length, 4);
	memcpy(p + 10, "PARAPTTESTTABL", 14);
	if (n)
		memcpy(p + 36, body, n);
	tables_seal(t, TABLES_BASE + at);
	return TABLES_BASE + at;
}

uint32_t tables_root(struct tables *t, uint32_t rsdt, uint32_t xsdt)
{
	uint32_t at = room(t, 36);
	uint8_t *p = t->bytes + at;

	memcpy(p, "RSD PTR ", 8);
	p[15] = xsdt ? 2 : 0;
	memcpy(p + 16, &rsdt, 4);
	p[8] = -sum(p, 20);
	p[20] = 36;
	memcpy(p + 24, &xsdt, 4);
	p[32] = -sum(p, 36);
	return TABLES_BASE + at;
}

static uint32_t make_fadt(struct tables *t, uint32_t dsdt)
{
	uint8_t body[276 - 36] = {0};

#define PUT(at, size, v)                                                       \
	do {                                                                   \
		uint64_t v_ = (v);                                             \
		memcpy(body + (at)-36, &v_, size);                             \
	} while (0)
	PUT(40, 4, dsdt);
	PUT(46, 2, 9);
	PUT(64, 4, 0x604);
	PUT(76, 4, 0x608);
	PUT(112, 4, 1 << 10);
	PUT(116, 1, 1); /* reset register: a port */
	PUT(120, 8, 0xcf9);
	PUT(128, 1, 0x0f);
	PUT(140, 8, dsdt);
	PUT(172, 1, 1);
	PUT(176, 8, 0x604);
#undef PUT
	return tables_put(t, "FACP", body, sizeof(body));
}

uint32_t tables_make(struct tables *t, bool xsdt)
{
	static const uint8_t dsdt[] = {0x10, 0x20, 0x5c, 0x08, '_',  'S',
				       '5',  '_',  0x12, 0x06, 0x04, 0x0a,
				       0x05, 0x01, 0x00, 0x00, 0,    0};
	static const uint8_t
		madt
			[] =
				{
					0,    0,    0xe0, 0xfe, 1, 0, 0,
					0, /* local APIC, flags */
					0,    8,    0,    0,    1, 0, 0,
					0, /* processor 0, APIC 0 */
					0,    8,    1,    2,    1, 0, 0,
					0, /* processor 1, APIC 2 */
					0,    8,    2,    4,    0, 0, 0,
					0, /* not enabled */
					9,    16,   0,    0,    0, 1, 0,
					0,    1,    0,    0,    0, 3, 0,
					0,    0, /* x2APIC 256 */
					1,    12,   7,    0,    0, 0, 0xc0,
					0xfe, 0,    0,    0,    0, /* IO-APIC */
					2,    10,   0,    0,    2, 0, 0,
					0,    0,    0, /* IRQ 0 is GSI 2 */
					2,    10,   0,    9,    9, 0, 0,
					0,    0x0f, 0, /* IRQ 9: level, low */
					4,    6,    0xff, 0,    0, 1 /* NMI */
				};
	static const uint8_t hpet[20] = {1, 0xa2, 0x86, 0x80, 0,    64,
					 0, 0,    0,    0,    0xd0, 0xfe};
	static const uint8_t mcfg[24] = {0, 0,    0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255};
	uint32_t list[5];
	uint64_t wide[5];

	memset(t, 0, sizeof(*t));
	list[0] = make_fadt(t, tables_put(t, "DSDT", dsdt, sizeof(dsdt)));
	list[1] = tables_put(t, "APIC", madt, sizeof(madt));
	list[2] = tables_put(t, "HPET", hpet, sizeof(hpet));
	list[3] = tables_put(t, "MCFG", mcfg, sizeof(mcfg));
	list[4] = tables_put(t, "WAET", NULL, 0);
	for (unsigned int i = 0; i < 5; i++)
		wide[i] = list[i];
	if (xsdt)
		return tables_root(t, 0,
				   tables_put(t, "XSDT", wide, sizeof(wide)));
	return tables_root(t, tables_put(t, "RSDT", list, sizeof(list)), 0);
}
