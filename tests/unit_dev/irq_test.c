/* SPDX-License-Identifier: MIT */
/* Pins and messages: from the device to the port, and back by EOI. */
#include <pv/errno.h>

#include "hv/evtchn/evtchn.h"
#include "tests/unit_dev/machine.h"
#include "tests/unit_time/check.h"

static int start(void **state)
{
	(void)state;
	machine_start();
	clock_ns = 1000000000;
	eois = 0;
	return 0;
}

static void bind_pin(uint32_t gsi, uint32_t port)
{
	assert_int_equal(irq_map_gsi(&control, gsi), gsi);
	assert_int_equal(pirq_ops->bind(&control, gsi, port, false), 0);
}

/* ---- pins ------------------------------------------------------------------ */

static void a_level_pin_is_masked_until_its_eoi(void **state)
{
	(void)state;
	bind_pin(17, 40);
	assert_true(pins[17].level && pins[17].low && !pins[17].masked);
	assert_int_equal(pins[17].apic_id, 2); /* vcpu 0 is on cpu1 */
	arrive(1, pins[17].vector);
	assert_int_equal(raised[40], 1);
	assert_int_equal(eois, 1);
	assert_true(pins[17].masked);
	assert_int_equal(irq_eoi(&control, 17), 0);
	assert_false(pins[17].masked);
	/* One EOI too many does no harm. */
	assert_int_equal(irq_eoi(&control, 17), 0);
	assert_int_equal(irq_eoi(&control, 18), -EINVAL);
	assert_int_equal(irq_eoi(&control, ~0u), -EINVAL);
	assert_int_equal(irq_eoi(&guest, 17), -EINVAL);
}

static void an_edge_pin_stays_open(void **state)
{
	(void)state;
	bind_pin(4, 41);
	assert_true(!pins[4].level && !pins[4].low);
	arrive(1, pins[4].vector);
	arrive(1, pins[4].vector);
	assert_int_equal(raised[41], 2);
	assert_false(pins[4].masked);
}

static void the_firmware_and_the_kernel_choose_the_trigger(void **state)
{
	(void)state;
	bind_pin(9, 42); /* overridden by the tables */
	assert_true(pins[9].level && !pins[9].low);
	assert_int_equal(irq_set_trigger(9, false, true), 0);
	assert_true(!pins[9].level && pins[9].low);
	arrive(1, pins[9].vector);
	assert_false(pins[9].masked);
	assert_int_equal(irq_set_trigger(PINS, true, true), -EINVAL);
}

static void only_the_owner_binds_and_once(void **state)
{
	(void)state;
	assert_int_equal(pirq_ops->bind(&control, 17, 40, false), -EINVAL);
	assert_int_equal(irq_map_gsi(&guest, 17), -EINVAL);
	assert_int_equal(irq_map_gsi(&control, PINS), -EINVAL);
	bind_pin(17, 40);
	assert_int_equal(pirq_ops->bind(&control, 17, 50, true), -EEXIST);
	assert_int_equal(pirq_ops->bind(&guest, 17, 50, true), -EINVAL);
	assert_int_equal(pirq_ops->bind(&control, ~0u, 50, true), -EINVAL);
	pirq_ops->unbind(&control, 17);
	assert_true(pins[17].masked);
	arrive(1, pins[17].vector); /* was under way */
	assert_int_equal(raised[40], 0);
	assert_int_equal(eois, 1);
	assert_int_equal(pirq_ops->bind(&control, 17, 50, true), 0);
	assert_false(pins[17].masked);
}

static void a_vector_of_nobody_is_ended(void **state)
{
	(void)state;
	arrive(0, 0x77);
	assert_int_equal(eois, 1);
}

static void the_shared_page_says_who_needs_an_eoi(void **state)
{
	(void)state;
	bind_pin(17, 40);
	bind_pin(4, 41);
	assert_int_equal(irq_share_eoi_map(&control, 99), -EINVAL);
	assert_int_equal(irq_share_eoi_map(&guest, EOI_MFN), -ENOSYS);
	assert_int_equal(irq_share_eoi_map(&control, EOI_MFN), 0);
	assert_int_equal(irq_share_eoi_map(&control, EOI_MFN), -EBUSY);
	assert_int_equal(eoi_page[0], 1 << 17);
	assert_int_equal(irq_set_trigger(4, true, true), 0);
	assert_int_equal(irq_set_trigger(17, false, false), 0);
	assert_int_equal(eoi_page[0], 1 << 4);
}

/* ---- messages -------------------------------------------------------------- */

static void a_message_names_cpu_and_vector(void **state)
{
	int irq = irq_map_msi(&control, MSI_BDF, 1);

	(void)state;
	assert_in_range(irq, PINS, NR_IRQS - 1);
	assert_int_equal(config_read(MSI_BDF, MSI_CAP + 4, 4), 0xfee02000);
	assert_int_equal(config_read(MSI_BDF, MSI_CAP + 8, 2),
			 irqs[irq].vector);
	assert_int_equal(config_read(MSI_BDF, MSI_CAP + 2, 2), 3 << 1);
	assert_int_equal(pirq_ops->bind(&control, irq, 60, false), 0);
	arrive(1, irqs[irq].vector);
	assert_int_equal(raised[60], 1);
	assert_int_equal(irq_unmap(&control, irq), 0);
	assert_int_equal(irq_unmap(&control, irq), -EINVAL);
	assert_int_equal(pirq_ops->bind(&control, irq, 60, false), -EINVAL);
}

static void a_set_of_messages_has_vectors_in_a_row(void **state)
{
	int irq = irq_map_msi(&control, MASK_BDF, 3);
	uint8_t vector;

	(void)state;
	assert_true(irq > 0);
	vector = irqs[irq].vector;
	assert_int_equal(vector % 4, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(irqs[irq + i].vector, vector + i);
	/* 64-bit address: data is at 12; 4 messages enabled; all masked. */
	assert_int_equal(config_read(MASK_BDF, MSI_CAP + 12, 2), vector);
	assert_int_equal(config_read(MASK_BDF, MSI_CAP + 2, 2) >> 4 & 7, 2);
	assert_int_equal(config_read(MASK_BDF, MSI_CAP + 16, 4), 7);
	assert_int_equal(pirq_ops->bind(&control, irq + 1, 61, false), 0);
	assert_int_equal(config_read(MASK_BDF, MSI_CAP + 16, 4), 5);
	arrive(1, vector + 1);
	assert_int_equal(raised[61], 1);
	assert_int_equal(irq_unmap(&control, irq + 1), -EINVAL);
	assert_int_equal(irq_unmap(&control, irq), 0);
	assert_int_equal(irqs[irq + 2].kind, IRQ_NONE);
}

static void msix_slots_are_masked_until_bound(void **state)
{
	int irq = irq_map_msix(&control, MSIX_BDF, TABLE_BASE, 5);

	(void)state;
	assert_true(irq > 0);
	assert_int_equal(msix_slots[5][0], 0xfee02000);
	assert_int_equal(msix_slots[5][2], irqs[irq].vector);
	assert_int_equal(msix_slots[5][3], 1);
	assert_int_equal(pirq_ops->bind(&control, irq, 62, false), 0);
	assert_int_equal(msix_slots[5][3], 0);
	/* A reset took the registers along. */
	memset(msix_slots, 0, sizeof(msix_slots));
	assert_int_equal(irq_restore_messages(MSIX_BDF), 0);
	assert_int_equal(msix_slots[5][0], 0xfee02000);
	pirq_ops->unbind(&control, irq);
	assert_int_equal(msix_slots[5][3], 1);
}

static void what_a_device_has_not_is_refused(void **state)
{
	(void)state;
	assert_int_equal(irq_map_msi(&control, 0x0fff, 1), -ENODEV);
	assert_int_equal(irq_map_msi(&control, MSIX_BDF, 1), -ENODEV);
	assert_int_equal(irq_map_msi(&control, MASK_BDF, 5), -EINVAL);
	assert_int_equal(irq_map_msi(&control, MSI_BDF, 0), -EINVAL);
	assert_int_equal(irq_map_msi(&control, MSI_BDF, 33), -EINVAL);
	assert_int_equal(irq_map_msi(&guest, MSI_BDF, 1), -EINVAL);
	assert_int_equal(irq_map_msix(&control, MSI_BDF, TABLE_BASE, 0),
			 -ENODEV);
	assert_int_equal(irq_map_msix(&control, MSIX_BDF, TABLE_BASE, 16),
			 -EINVAL);
	assert_int_equal(irq_restore_messages(0x0fff), -ENODEV);
	/* A table in RAM, in the IO-APIC, beyond the address lines. */
	assert_int_equal(irq_map_msix(&control, MSIX_BDF, 0x100000, 0),
			 -ENOSPC);
	assert_int_equal(
		irq_map_msix(&control, MSIX_BDF, 0xfec00000 - 0x2000, 0),
		-ENOSPC);
	assert_int_equal(irq_map_msix(&control, MSIX_BDF, 1ull << 40, 0),
			 -EINVAL);
}

/* ---- moving ---------------------------------------------------------------- */

static void what_was_under_way_still_arrives(void **state)
{
	int irq = irq_map_msix(&control, MSIX_BDF, TABLE_BASE, 0);
	uint8_t old;

	(void)state;
	assert_int_equal(pirq_ops->bind(&control, irq, 63, false), 0);
	old = irqs[irq].vector;
	pirq_ops->rebind(&control, irq, control.vcpu[1]);
	assert_int_equal(irqs[irq].cpu, 2);
	assert_int_equal(msix_slots[0][0], 0xfee04000);
	arrive(1, old);
	assert_int_equal(raised[63], 1);
	/* Not again before the old vector is done with. */
	pirq_ops->rebind(&control, irq, control.vcpu[0]);
	assert_int_equal(irqs[irq].cpu, 2);
	arrive(2, irqs[irq].vector);
	assert_int_equal(raised[63], 2);
	arrive(1, old);
	assert_int_equal(raised[63], 2);
	pirq_ops->rebind(&control, irq, control.vcpu[0]);
	assert_int_equal(irqs[irq].cpu, 1);
}

static void a_message_without_mask_keeps_its_vector(void **state)
{
	int irq = irq_map_msi(&control, MSI_BDF, 1);
	uint8_t old = irqs[irq].vector;

	(void)state;
	assert_int_equal(pirq_ops->bind(&control, irq, 64, false), 0);
	pirq_ops->rebind(&control, irq, control.vcpu[1]);
	assert_int_equal(irqs[irq].cpu, 2);
	assert_int_equal(irqs[irq].vector, old);
	assert_int_equal(config_read(MSI_BDF, MSI_CAP + 4, 4), 0xfee04000);
}

/* ---- too much -------------------------------------------------------------- */

static void a_storm_is_masked_for_a_moment(void **state)
{
	(void)state;
	bind_pin(4, 65);
	for (unsigned int i = 0; i < 100000 && !pins[4].masked; i++)
		arrive(1, pins[4].vector);
	assert_true(pins[4].masked);
	assert_in_range(raised[65], 1000, 20000);
	run_timer();
	assert_true(pins[4].masked);
	clock_ns += 20000000;
	run_timer();
	assert_false(pins[4].masked);
	/* As much at a device's pace is none. */
	for (unsigned int i = 0; i < 100000; i++) {
		clock_ns += 10000;
		arrive(1, pins[4].vector);
		assert_false(pins[4].masked);
	}
}

static unsigned int fill(int *mapped)
{
	unsigned int n = 0;
	int irq;

	while ((irq = irq_map_msi(&control, MSI_BDF, 1)) > 0)
		mapped[n++] = irq;
	assert_int_equal(irq, -ENOSPC);
	return n;
}

static void vectors_run_out_and_come_back(void **state)
{
	static int mapped[NR_IRQS];
	unsigned int n = fill(mapped);

	(void)state;
	assert_int_equal(n, VEC_LAST_DEV - VEC_FIRST_DEV + 1);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(irq_unmap(&control, mapped[i]), 0);
	assert_int_equal(fill(mapped), n);
	/* All of a domain's go with it. */
	irq_domain_destroy(&control);
	assert_int_equal(irq_domain_init(&control), 0);
	assert_int_equal(fill(mapped), n);
}

static void numbers_can_be_reserved(void **state)
{
	int irq = irq_reserve(&control);

	(void)state;
	assert_true(irq >= PINS);
	assert_int_not_equal(irq_reserve(&control), irq);
	assert_int_equal(irq_unmap(&control, irq), 0);
	assert_int_equal(irq_reserve(&control), irq);
}

/* ---- anything in any order -------------------------------------------------- */

/* Each vector of each CPU belongs to at most one irq, and leads to it. */
static void check_vectors(uint64_t seed)
{
	bool seen[4][256] = {0};

	for (unsigned int i = 0; i < NR_IRQS; i++) {
		const struct irq *irq = &irqs[i];

		if (irq->vector) {
			CHECK(!seen[irq->cpu][irq->vector], "seed %lx", seed);
			seen[irq->cpu][irq->vector] = true;
		}
		if (irq->old_vector) {
			CHECK(!seen[irq->old_cpu][irq->old_vector], "seed %lx",
			      seed);
			seen[irq->old_cpu][irq->old_vector] = true;
		}
		CHECK(!irq->bound || irq->vector, "seed %lx", seed);
		CHECK(!irq->bound || irq->mapped, "seed %lx", seed);
		CHECK(irq->kind != IRQ_NONE || !irq->vector, "seed %lx", seed);
	}
}

static void one_step(uint64_t *seed)
{
	uint64_t r = chance(seed);
	uint32_t pirq = (r >> 8) % 64;
	struct irq *irq = &irqs[pirq];
	unsigned int was, port;

	clock_ns += 100000;
	switch (r % 9) {
	case 0:
		(void)!irq_map_gsi(&control, pirq);
		break;
	case 1:
		(void)!irq_map_msi(&control, MASK_BDF, r >> 16 & 7);
		break;
	case 2:
		(void)!irq_map_msix(&control, MSIX_BDF, TABLE_BASE,
				    r >> 16 & 15);
		break;
	case 3:
		(void)!irq_unmap(&control, pirq);
		break;
	case 4:
		(void)!pirq_ops->bind(&control, pirq, pirq + 100, false);
		break;
	case 5:
		pirq_ops->unbind(&control, pirq);
		break;
	case 6:
		pirq_ops->rebind(&control, pirq, control.vcpu[r >> 16 & 1]);
		break;
	case 7:
		(void)!irq_eoi(&control, pirq);
		break;
	default:
		if (!irq->vector)
			break;
		port = irq->port;
		was = raised[port];
		arrive(irq->cpu, irq->vector);
		CHECK(raised[port] == was + irq->bound, "irq %u", pirq);
		CHECK(!irq_needs_eoi(irq) || pins[pirq].masked, "irq %u", pirq);
	}
}

static void no_order_of_calls_confuses_vectors(void **state)
{
	uint64_t seed = 0x1e9;

	(void)state;
	for (unsigned int i = 0; i < 60000; i++) {
		uint64_t at = seed;

		one_step(&seed);
		if (i % 16 == 0)
			check_vectors(at);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_level_pin_is_masked_until_its_eoi),
		TEST(an_edge_pin_stays_open),
		TEST(the_firmware_and_the_kernel_choose_the_trigger),
		TEST(only_the_owner_binds_and_once),
		TEST(a_vector_of_nobody_is_ended),
		TEST(the_shared_page_says_who_needs_an_eoi),
		TEST(a_message_names_cpu_and_vector),
		TEST(a_set_of_messages_has_vectors_in_a_row),
		TEST(msix_slots_are_masked_until_bound),
		TEST(what_a_device_has_not_is_refused),
		TEST(what_was_under_way_still_arrives),
		TEST(a_message_without_mask_keeps_its_vector),
		TEST(a_storm_is_masked_for_a_moment),
		TEST(vectors_run_out_and_come_back),
		TEST(numbers_can_be_reserved),
		TEST(no_order_of_calls_confuses_vectors),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	irq_domain_destroy(&control);
	return failed;
}
