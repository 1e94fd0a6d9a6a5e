/* SPDX-License-Identifier: MIT */
/* Ports and device memory: the control domain's, ours, and shared ones. */
#include <pv/errno.h>

#include "tests/unit_dev/machine.h"
#include "tests/unit_time/check.h"

static int start(void **state)
{
	(void)state;
	machine_start();
	for (unsigned int i = 0; i < sizeof(ports); i++)
		ports[i] = (uint8_t)(i ^ i >> 8);
	return 0;
}

static void most_ports_are_the_control_domains(void **state)
{
	(void)state;
	assert_int_equal(dev_port_read(&control, 0x71, 1), 0x71);
	assert_int_equal(dev_port_read(&control, 0x1f0, 2), 0xf0f1);
	dev_port_write(&control, 0x60, 1, 0xed);
	assert_int_equal(ports[0x60], 0xed);
	dev_port_write(&control, 0x1f0, 4, 0x12345678);
	assert_int_equal(ports[0x1f3], 0x12);
}

static void ours_read_as_ones_and_ignore_writes(void **state)
{
	static const uint16_t ours[] = {0x20, 0x21, 0xa0, 0xa1, 0x3f8, 0x3ff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		uint8_t before = ports[ours[i]];

		assert_int_equal(dev_port_read(&control, ours[i], 1), 0xff);
		dev_port_write(&control, ours[i], 1, ~before & 0xff);
		assert_int_equal(ports[ours[i]], before);
	}
	/* An access that only touches them is theirs too. */
	assert_int_equal(dev_port_read(&control, 0x1f, 2), 0xffff);
	assert_int_equal(dev_port_read(&control, 0x3f5, 4), 0xffffffff);
	assert_int_equal(dev_port_read(&guest, 0x71, 4), 0xffffffff);
	assert_int_equal(dev_port_read(&guest, 0x42, 1), 0);
	assert_int_equal(dev_port_read(&control, 0x42, 1), 0x42);
	dev_port_write(&guest, 0x60, 1, 0x11);
	assert_int_equal(ports[0x60], 0x60);
}

static void configuration_addresses_do_not_meet(void **state)
{
	(void)state;
	dev_port_write(&control, 0xcf8, 4, 1u << 31 | MSI_BDF << 8);
	assert_int_equal(irq_map_msi(&control, MASK_BDF, 1), PINS);
	assert_int_equal(dev_port_read(&control, 0xcf8, 4),
			 1u << 31 | MSI_BDF << 8);
	assert_int_equal(dev_port_read(&control, 0xcfc, 4), 0x12348086);
	assert_int_equal(dev_port_read(&control, 0xcfe, 2), 0x1234);
	dev_port_write(&control, 0xcf8, 4, 1u << 31 | MSI_BDF << 8 | 0x3c);
	dev_port_write(&control, 0xcfc, 1, 11);
	assert_int_equal(config_read(MSI_BDF, 0x3c, 1), 11);
}

static void rights_follow_iopl_and_bitmap(void **state)
{
	struct vcpu v = {.domain = &control, .id = 3};

	(void)state;
	assert_false(dev_port_granted(&v, false, 0x60, 1));
	v.iopl = 1;
	assert_true(dev_port_granted(&v, false, 0x60, 1));
	assert_false(dev_port_granted(&v, true, 0x60, 1));
	memset(guest_memory, 0xff, sizeof(guest_memory));
	guest_memory[0x1000 + 0x60 / 8] = 0xfe; /* port 0x60 */
	guest_memory[0x1000 + 0x67 / 8] &= 0x7f; /* 0x67 and 0x68 */
	guest_memory[0x1000 + 0x68 / 8] = 0xfe;
	assert_int_equal(dev_port_bitmap(&v, 0x1000, 65537), -EINVAL);
	assert_int_equal(dev_port_bitmap(&v, 0x1000, 0x70), 0);
	assert_true(dev_port_granted(&v, true, 0x60, 1));
	assert_false(dev_port_granted(&v, true, 0x60, 2));
	assert_true(dev_port_granted(&v, true, 0x67, 2));
	assert_false(dev_port_granted(&v, true, 0x67, 4));
	assert_false(dev_port_granted(&v, true, 0x70, 1));
	v.iopl = 3;
	assert_true(dev_port_granted(&v, true, 0x61, 1));
	assert_true(dev_port_granted(&v, true, 0xfffc, 4));
	assert_false(dev_port_granted(&v, true, 0xffff, 2));
	v.iopl = 0;
	assert_int_equal(dev_port_bitmap(&v, 0xffffffff0000, 0x70), 0);
	assert_false(dev_port_granted(&v, true, 0x60, 1)); /* unreadable */
	assert_int_equal(dev_port_bitmap(&v, 0, 0x70), 0);
	assert_false(dev_port_granted(&v, true, 0x60, 1));
	/* Another domain's IOPL gives it ports that are nobody's. */
	v.domain = &guest;
	v.iopl = 3;
	assert_true(dev_port_granted(&v, false, 0x60, 1));
	assert_int_equal(dev_port_read(&guest, 0x60, 1), 0xff);
	v.iopl = 0;
	assert_int_equal(dev_port_bitmap(&v, 0x1000, 0x70), 0);
	assert_false(dev_port_granted(&v, true, 0x60, 1));
}

static void interrupt_controllers_are_not_mapped(void **state)
{
	(void)state;
	assert_false(dev_mmio_allowed(&control, mfn_of(0xfee00)));
	assert_false(dev_mmio_allowed(&control, mfn_of(0xfec00)));
	assert_true(dev_mmio_allowed(&control, mfn_of(0xfed00)));
	assert_true(dev_mmio_allowed(&control, mfn_of(0xb0000)));
	assert_false(dev_mmio_allowed(&guest, mfn_of(0xb0000)));
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(most_ports_are_the_control_domains),
		TEST(ours_read_as_ones_and_ignore_writes),
		TEST(configuration_addresses_do_not_meet),
		TEST(rights_follow_iopl_and_bitmap),
		TEST(interrupt_controllers_are_not_mapped),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	irq_domain_destroy(&control);
	return failed;
}
