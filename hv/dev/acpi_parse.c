/* SPDX-License-Identifier: MIT */
/*
 * Reading ACPI tables: processors and interrupt controllers (MADT), power and
 * reset registers (FADT), HPET, PCI configuration space (MCFG), and the value
 * that powers the machine off.
 *
 * The last is in byte code (the \_S5 package of the DSDT or an SSDT).  It is a
 * named constant, so a scan for its encoding does in place of an interpreter.
 *
 * PURE  Firmware is trusted to be honest, not to be right: every length is
 * checked, a table with a wrong checksum is left out and counted.
 */
#include "hv/dev/acpi_parse.h"
#include "hv/lib/string.h"

#define MAX_TABLE  (16ul << 20)
#define MAX_TABLES 256

struct table {
	const uint8_t *p;
	uint32_t length; /* at least that of the header */
};

struct reader {
	acpi_phys_fn phys;
	void *arg;
	struct acpi_facts *f;
};

#define HEADER 36

static uint64_t get(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

/* A field of a table; fields past its end read as zero. */
static uint64_t field(const struct table *t, uint32_t at, unsigned int size)
{
	return at + size <= t->length ? get(t->p + at, size) : 0;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static bool open_table(struct reader *r, uint64_t pa, struct table *t)
{
	const uint8_t *head = pa ? r->phys(r->arg, pa, HEADER) : NULL;

	if (!head)
		return false;
	t->length = get(head + 4, 4);
	if (t->length >= HEADER && t->length <= MAX_TABLE)
		t->p = r->phys(r->arg, pa, t->length);
	else
		t->p = NULL;
	if (t->p && sum(t->p, t->length) == 0)
		return true;
	r->f->bad_tables++;
	return false;
}

/* ---- MADT ----------------------------------------------------------------- */

static void add_cpu(struct acpi_facts *f, uint32_t apic_id, uint32_t acpi_id,
		    uint32_t flags)
{
	if (!(flags & 1) || f->nr_cpus == ACPI_MAX_CPUS)
		return;
	f->apic_id[f->nr_cpus] = apic_id;
	f->acpi_id[f->nr_cpus++] = acpi_id;
}

static void add_ioapic(struct acpi_facts *f, const uint8_t *e)
{
	if (f->nr_ioapics == ACPI_MAX_IOAPICS)
		return;
	f->ioapic[f->nr_ioapics].id = e[2];
	f->ioapic[f->nr_ioapics].base = get(e + 4, 4);
	f->ioapic[f->nr_ioapics++].gsi_base = get(e + 8, 4);
}

static void add_override(struct acpi_facts *f, const uint8_t *e)
{
	uint16_t flags = get(e + 8, 2);

	if (e[2] != 0 || e[3] >= ARRAY_SIZE(f->isa_override))
		return;
	f->isa_override[e[3]].gsi = get(e + 4, 4);
	f->isa_override[e[3]].low = (flags & 3) == 3; /* else: as the bus */
	f->isa_override[e[3]].level = (flags >> 2 & 3) == 3;
}

static void take_madt(struct acpi_facts *f, const struct table *t)
{
	uint32_t at = HEADER + 8;

	f->lapic_base = field(t, HEADER, 4);
	while (at + 2 <= t->length) {
		const uint8_t *e = t->p + at;
		uint8_t type = e[0], n = e[1];

		if (n < 2 || n > t->length - at)
			break;
		if (type == 0 && n >= 8)
			add_cpu(f, e[3], e[2], get(e + 4, 4));
		else if (type == 1 && n >= 12)
			add_ioapic(f, e);
		else if (type == 2 && n >= 10)
			add_override(f, e);
		else if (type == 5 && n >= 12)
			f->lapic_base = get(e + 4, 8);
		else if (type == 9 && n >= 16)
			add_cpu(f, get(e + 4, 4), get(e + 12, 4),
				get(e + 8, 4));
		at += n;
	}
}

/* ---- \_S5 ----------------------------------------------------------------- */

/* A small integer constant at *at, which moves past it. */
static bool take_integer(const struct table *t, uint32_t *at, uint8_t *v)
{
	uint8_t op = field(t, *at, 1);

	if (*at >= t->length)
		return false;
	(*at)++;
	switch (op) {
	case 0x00:
	case 0x01:
		*v = op;
		return true;
	case 0x0a: /* byte, word, dword: the value's low byte comes first */
	case 0x0b:
	case 0x0c:
		*v = field(t, *at, 1);
		*at += 1u << (op - 0x0a);
		return *at <= t->length;
	default:
		return false;
	}
}

static void find_s5(struct acpi_facts *f, const struct table *t)
{
	for (uint32_t i = HEADER + 2; i + 8 < t->length && !f->s5_known; i++) {
		uint32_t at = i + 4;
		uint8_t a, b;

		/* Name (_S5, Package (n) {a, b, ...}), perhaps with a root \ */
		if (memcmp(t->p + i, "_S5_", 4) ||
		    (t->p[i - 1] != 0x08 &&
		     (t->p[i - 1] != '\\' || t->p[i - 2] != 0x08)) ||
		    t->p[at] != 0x12)
			continue;
		at += 2 + (t->p[at + 1] >> 6); /* opcode and length */
		at++; /* number of elements */
		if (!take_integer(t, &at, &a))
			continue;
		if (!take_integer(t, &at, &b))
			b = a;
		f->slp_typ_s5_a = a & 7;
		f->slp_typ_s5_b = b & 7;
		f->s5_known = true;
	}
}

/* ---- FADT and the small ones ---------------------------------------------- */

/* A port: the 64-bit generic address if the table has it, or the old field. */
static uint16_t port_of(const struct table *t, uint32_t gas, uint32_t old)
{
	uint64_t addr = field(t, gas + 4, 8);

	if (addr && addr < 0x10000 && field(t, gas, 1) == ACPI_SPACE_IO)
		return addr;
	return field(t, old, 4);
}

static void take_fadt(struct reader *r, const struct table *t)
{
	struct acpi_facts *f = r->f;
	struct table dsdt;

	f->sci_gsi = field(t, 46, 2);
	f->pm1a_cnt = port_of(t, 172, 64);
	f->pm1b_cnt = port_of(t, 184, 68);
	f->pm_timer = port_of(t, 208, 76);
	if (field(t, 112, 4) & 1 << 10) {
		f->reset_known = true;
		f->reset_space = field(t, 116, 1);
		f->reset_addr = field(t, 120, 8);
		f->reset_value = field(t, 128, 1);
	}
	if (open_table(r, field(t, 140, 8) ?: field(t, 40, 4), &dsdt))
		find_s5(f, &dsdt);
}

static void take_mcfg(struct acpi_facts *f, const struct table *t)
{
	for (uint32_t at = HEADER + 8; at + 16 <= t->length; at += 16) {
		if (field(t, at + 8, 2) != 0 || f->mcfg_base)
			continue; /* segment 0 only */
		f->mcfg_base = field(t, at, 8);
		f->mcfg_first_bus = field(t, at + 10, 1);
		f->mcfg_last_bus = field(t, at + 11, 1);
	}
}

static void take_table(struct reader *r, uint64_t pa)
{
	const uint8_t *sig = r->phys(r->arg, pa, 4);
	struct acpi_facts *f = r->f;
	struct table t;
	char name[4];

	if (!sig)
		return;
	memcpy(name, sig, 4);
	if (memcmp(name, "APIC", 4) && memcmp(name, "FACP", 4) &&
	    memcmp(name, "HPET", 4) && memcmp(name, "MCFG", 4) &&
	    memcmp(name, "SSDT", 4))
		return;
	if (!open_table(r, pa, &t))
		return;
	if (name[0] == 'A')
		take_madt(f, &t);
	else if (name[0] == 'F')
		take_fadt(r, &t);
	else if (name[0] == 'H' && field(&t, 40, 1) == ACPI_SPACE_MEMORY)
		f->hpet_base = field(&t, 44, 8);
	else if (name[0] == 'M')
		take_mcfg(f, &t);
	else if (name[0] == 'S')
		find_s5(f, &t);
}

/* ---- the root ------------------------------------------------------------- */

static bool rsdp_valid(const uint8_t *p)
{
	return !memcmp(p, "RSD PTR ", 8) && sum(p, 20) == 0;
}

long acpi_scan_rsdp(const void *area, size_t n)
{
	const uint8_t *p = area;

	for (size_t i = 0; i + 20 <= n; i += 16)
		if (rsdp_valid(p + i))
			return i;
	return -1;
}

/* The tables of a root table whose entries are @size bytes. */
static bool take_root(struct reader *r, uint64_t pa, unsigned int size)
{
	struct table root;
	uint32_t n;

	if (!open_table(r, pa, &root))
		return false;
	n = min((root.length - HEADER) / size, (uint32_t)MAX_TABLES);
	for (uint32_t i = 0; i < n; i++)
		take_table(r, get(root.p + HEADER + i * size, size));
	return true;
}

bool acpi_parse(uint64_t rsdp, acpi_phys_fn phys, void *arg,
		struct acpi_facts *f)
{
	struct reader r = {phys, arg, f};
	uint64_t rsdt, xsdt = 0;
	const uint8_t *p;

	memset(f, 0, sizeof(*f));
	for (unsigned int i = 0; i < ARRAY_SIZE(f->isa_override); i++)
		f->isa_override[i].gsi = i;
	p = rsdp ? phys(arg, rsdp, 20) : NULL;
	if (!p || !rsdp_valid(p))
		return false;
	f->rsdp = rsdp;
	rsdt = get(p + 16, 4);
	if (p[15] >= 2) {
		p = phys(arg, rsdp, 36);
		if (p && sum(p, 36) == 0)
			xsdt = get(p + 24, 8);
	}
	return (xsdt && take_root(&r, xsdt, 8)) ||
	       (rsdt && take_root(&r, rsdt, 4));
}
