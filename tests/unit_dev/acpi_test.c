/* SPDX-License-Identifier: MIT */
/* ACPI tables, right and wrong. */
#include "tests/lib/fuzz.h"
#include "tests/unit_dev/tables.h"
#include "tests/unit_time/check.h"

static struct tables t;
static struct acpi_facts f;

static bool parse(uint32_t rsdp)
{
	return acpi_parse(rsdp, tables_at, &t, &f);
}

static void a_machine_is_read(void **state)
{
	(void)state;
	for (int xsdt = 0; xsdt < 2; xsdt++) {
		assert_true(parse(tables_make(&t, xsdt)));
		assert_int_equal(f.bad_tables, 0);
		assert_int_equal(f.lapic_base, 0xfee00000);
		assert_int_equal(f.nr_cpus, 3);
		assert_int_equal(f.apic_id[1], 2);
		assert_int_equal(f.acpi_id[1], 1);
		assert_int_equal(f.apic_id[2], 256);
		assert_int_equal(f.acpi_id[2], 3);
		assert_int_equal(f.nr_ioapics, 1);
		assert_int_equal(f.ioapic[0].id, 7);
		assert_int_equal(f.ioapic[0].base, 0xfec00000);
		assert_int_equal(f.isa_override[0].gsi, 2);
		assert_false(f.isa_override[0].level);
		assert_int_equal(f.isa_override[1].gsi, 1);
		assert_true(f.isa_override[9].level && f.isa_override[9].low);
		assert_int_equal(f.sci_gsi, 9);
		assert_int_equal(f.pm1a_cnt, 0x604);
		assert_int_equal(f.pm1b_cnt, 0);
		assert_int_equal(f.pm_timer, 0x608);
		assert_true(f.s5_known);
		assert_int_equal(f.slp_typ_s5_a, 5);
		assert_int_equal(f.slp_typ_s5_b, 1);
		assert_true(f.reset_known);
		assert_int_equal(f.reset_space, ACPI_SPACE_IO);
		assert_int_equal(f.reset_addr, 0xcf9);
		assert_int_equal(f.reset_value, 0x0f);
		assert_int_equal(f.hpet_base, 0xfed00000);
		assert_int_equal(f.mcfg_base, 0xb0000000);
		assert_int_equal(f.mcfg_last_bus, 255);
	}
}

static void the_pointer_is_found_on_its_boundary(void **state)
{
	uint32_t rsdp = tables_make(&t, true);

	(void)state;
	assert_int_equal(acpi_scan_rsdp(t.bytes, t.used), rsdp - TABLES_BASE);
	t.bytes[rsdp - TABLES_BASE + 8]++; /* its checksum */
	assert_int_equal(acpi_scan_rsdp(t.bytes, t.used), -1);
	assert_false(parse(rsdp));
	assert_int_equal(acpi_scan_rsdp(t.bytes, 0), -1);
}

static void a_wrong_checksum_leaves_a_table_out(void **state)
{
	uint32_t rsdp = tables_make(&t, true);

	(void)state;
	for (uint32_t i = 0; i + 4 < t.used; i += 16)
		if (!memcmp(t.bytes + i, "HPET", 4))
			t.bytes[i + 44]++;
	assert_true(parse(rsdp));
	assert_int_equal(f.bad_tables, 1);
	assert_int_equal(f.hpet_base, 0);
	assert_int_equal(f.nr_cpus, 3);
}

static void a_bad_xsdt_falls_back_to_the_rsdt(void **state)
{
	uint32_t hpet[9] = {1, 0, 0xfed00000}, xsdt, rsdt;

	(void)state;
	memset(&t, 0, sizeof(t));
	hpet[0] = tables_put(&t, "HPET", hpet, 20);
	rsdt = tables_put(&t, "RSDT", hpet, 4);
	xsdt = tables_put(&t, "XSDT", hpet, 8);
	t.bytes[xsdt - TABLES_BASE + 9]++;
	assert_true(parse(tables_root(&t, rsdt, xsdt)));
	assert_int_equal(f.bad_tables, 1);
	assert_false(parse(tables_root(&t, 0, xsdt)));
	assert_false(parse(tables_root(&t, 0x1000, 0)));
	assert_false(parse(0));
}

/* How firmware writes the package, and what only looks like it. */
static void s5_in_many_encodings(void **state)
{
	static const struct {
		uint8_t code[18];
		int a, b; /* -1: not to be found */
	} cases[] = {
		{"\x08_S5_\x12\x0a\x04\x0a\x07\x0a\x06\x00\x00", 7, 6},
		{"\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0},
		{"\x08_S5_\x12\x06\x02\x01\x00", 1, 0},
		{"\x08\\_S5_\x12\x06\x04\x0a\x05\x0a\x05", 5, 5},
		{"\x08_S5_\x12\x46\x00\x04\x0a\x03\x01", 3, 1},
		{"\x08_S5_\x12\x06\x04\x0b\x02\x00\x01", 2, 1},
		{"\x08_S5_\x12\x06\x01\x0a\x05\xff", 5, 5}, /* one element */
		{"\x00_S5_\x12\x06\x04\x0a\x05\x0a\x05", -1, -1},
		{"\x08_S5_\x11\x06\x04\x0a\x05\x0a\x05", -1, -1},
		{"\x08_S5_\x12\x06\x04\x70\x05\x0a\x05", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t ssdt;
		uint8_t body[24] = {0};

		memset(&t, 0, sizeof(t));
		memcpy(body + 2, cases[i].code, sizeof(cases[i].code));
		ssdt = tables_put(&t, "SSDT", body, sizeof(body));
		assert_true(parse(
			tables_root(&t, tables_put(&t, "RSDT", &ssdt, 4), 0)));
		CHECK(f.s5_known == (cases[i].a >= 0), "case %zu", i);
		if (f.s5_known)
			CHECK(f.slp_typ_s5_a == cases[i].a &&
				      f.slp_typ_s5_b == cases[i].b,
			      "case %zu: %d %d", i, f.slp_typ_s5_a,
			      f.slp_typ_s5_b);
	}
}

static void odd_entries_end_the_madt(void **state)
{
	/* A length of 0, of 1, one that runs over the end. */
	static const uint8_t bad[] = {0, 1, 9};

	(void)state;
	for (size_t i = 0; i < sizeof(bad); i++) {
		uint8_t body[24] = {0};
		uint32_t madt;

		memset(&t, 0, sizeof(t));
		memcpy(body + 8, "\0\x08\0\0\1\0\0\0", 8);
		memcpy(body + 16, "\0\x08\1\1\1\0\0\0", 8);
		body[17] = bad[i];
		madt = tables_put(&t, "APIC", body, sizeof(body));
		assert_true(parse(
			tables_root(&t, tables_put(&t, "RSDT", &madt, 4), 0)));
		assert_int_equal(f.nr_cpus, 1);
	}
}

/* A bounded run of acpi_fuzz.c, the same on every machine. */
static void no_tables_harm_the_parser(void **state)
{
	uint64_t seed = 0xac91;
	static struct tables right;

	(void)state;
	tables_make(&right, true);
	for (unsigned int i = 0; i < 40000; i++) {
		uint8_t *copy = malloc(right.used);

		memcpy(copy, right.bytes, right.used);
		for (uint64_t k = chance_in(&seed, 1, 5); k; k--)
			copy[chance(&seed) % right.used] = chance(&seed) >> 40;
		LLVMFuzzerTestOneInput(
			copy, chance(&seed) % 4 ? right.used
						: chance(&seed) % right.used);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_read),
		cmocka_unit_test(the_pointer_is_found_on_its_boundary),
		cmocka_unit_test(a_wrong_checksum_leaves_a_table_out),
		cmocka_unit_test(a_bad_xsdt_falls_back_to_the_rsdt),
		cmocka_unit_test(s5_in_many_encodings),
		cmocka_unit_test(odd_entries_end_the_madt),
		cmocka_unit_test(no_tables_harm_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
