/* SPDX-License-Identifier: MIT */
/*
 * What the control domain asks about hardware: interrupts of IO-APIC pins, of
 * messages, PCI devices, platform_op; with wrong arguments throughout.  The RTC
 * is the device that rings: it is in every machine.
 */
#include "tests/guest/lib/hostile.h"

#define RTC_GSI 8

static int physdev(unsigned int op, void *arg)
{
	return HYPERVISOR_physdev_op(op, P(arg));
}

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "d"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port));
	return v;
}

static void rights_are_taken(void)
{
	struct pv_physdev_set_iopl iopl = {1};

	CHECK_EQ(physdev(PHYSDEVOP_set_iopl, &iopl), 0);
	iopl.iopl = 4;
	CHECK_EQ(physdev(PHYSDEVOP_set_iopl, &iopl), -EINVAL);
}

/* ---- IO-APIC pins --------------------------------------------------------------- */

static uint8_t rtc(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void rtc_set(uint8_t reg, uint8_t v)
{
	outb(0x70, reg);
	outb(0x71, v);
}

static evtchn_port_t bind_gsi(uint32_t gsi)
{
	struct pv_physdev_setup_gsi setup = {.gsi = gsi};
	struct pv_physdev_map_pirq map = {
		.domid = DOMID_SELF,
		.type = MAP_PIRQ_TYPE_GSI,
		.index = gsi,
		.pirq = gsi,
	};
	struct pv_evtchn_bind_pirq bind = {.pirq = gsi};
	evtchn_port_t port;

	CHECK_EQ(physdev(PHYSDEVOP_setup_gsi, &setup), 0);
	CHECK_EQ(physdev(PHYSDEVOP_map_pirq, &map), 0);
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, P(&bind)), 0);
	port = bind.port;
	port_unmask(port);
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, P(&bind)),
		 -EEXIST);
	CHECK_EQ(bind.port, port);
	return port;
}

static void a_device_rings(void)
{
	evtchn_port_t port = bind_gsi(RTC_GSI);
	struct pv_physdev_eoi eoi = {RTC_GSI};
	struct pv_physdev_irq_status_query query = {.irq = RTC_GSI};
	struct pv_physdev_unmap_pirq unmap = {.domid = DOMID_SELF,
					      .pirq = RTC_GSI};
	uint8_t a, b;
	unsigned int i;

	CHECK_EQ(physdev(PHYSDEVOP_irq_status_query, &query), 0);
	a = rtc(0x0a);
	b = rtc(0x0b);
	events_unmask();
	rtc_set(0x0a, (a & 0xf0) | 0x06); /* 1024 Hz */
	rtc_set(0x0b, b | 0x40); /* periodic */
	rtc(0x0c);
	for (i = 0; i < 5; i++) {
		uint32_t seen = event_count[port];

		if (!CHECKF(wait_change(&event_count[port], seen, 5000),
			    "ring %u", i))
			break;
		rtc(0x0c);
		CHECK_EQ(physdev(PHYSDEVOP_eoi, &eoi), 0);
	}
	rtc_set(0x0b, b);
	rtc_set(0x0a, a);
	rtc(0x0c);
	CHECK_EQ(physdev(PHYSDEVOP_eoi, &eoi), 0);
	events_mask();
	CHECK_EQ(port_close(port), 0);
	CHECK_EQ(physdev(PHYSDEVOP_unmap_pirq, &unmap), 0);
	CHECK(physdev(PHYSDEVOP_unmap_pirq, &unmap) < 0);
}

static void wrong_interrupts_are_refused(void)
{
	static const int32_t numbers[] = {-1, 1000, 100000, 0x7fffffff,
					  -0x7fffffff};
	struct pv_physdev_unmap_pirq unmap = {.domid = DOMID_SELF};
	struct pv_physdev_map_pirq map;
	struct pv_evtchn_bind_pirq bind;
	struct pv_physdev_setup_gsi setup;
	struct pv_physdev_eoi eoi;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		map = (struct pv_physdev_map_pirq){
			.domid = DOMID_SELF,
			.type = MAP_PIRQ_TYPE_GSI,
			.index = numbers[i],
			.pirq = -1,
		};
		CHECKF(physdev(PHYSDEVOP_map_pirq, &map) < 0, "%d", numbers[i]);
		unmap.pirq = numbers[i];
		CHECKF(physdev(PHYSDEVOP_unmap_pirq, &unmap) < 0, "%d",
		       numbers[i]);
		eoi.irq = numbers[i];
		CHECKF(physdev(PHYSDEVOP_eoi, &eoi) < 0, "%d", numbers[i]);
		bind = (struct pv_evtchn_bind_pirq){.pirq = numbers[i]};
		CHECKF(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq,
						   P(&bind)) < 0,
		       "%d", numbers[i]);
		setup = (struct pv_physdev_setup_gsi){.gsi = numbers[i]};
		CHECKF(physdev(PHYSDEVOP_setup_gsi, &setup) < 0, "%d",
		       numbers[i]);
	}
	map = (struct pv_physdev_map_pirq){.domid = 0x1234,
					   .type = MAP_PIRQ_TYPE_GSI,
					   .index = 5,
					   .pirq = 5};
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = (struct pv_physdev_map_pirq){.domid = DOMID_SELF, .type = 77};
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map.type = MAP_PIRQ_TYPE_UNKNOWN;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	/* Mapped, but not bound by anybody. */
	bind = (struct pv_evtchn_bind_pirq){.pirq = 5};
	if (on_parapet())
		CHECK(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq,
						  P(&bind)) < 0);
}

static void the_io_apic_is_read(void)
{
	struct pv_physdev_apic apic = {.apic_physbase = 0xfec00000, .reg = 1};

	CHECK_EQ(physdev(PHYSDEVOP_apic_read, &apic), 0);
	CHECK_EQ(apic.value & 0xff, 0x20);
	CHECK_EQ(apic.value >> 16 & 0xff, 23);
	apic.apic_physbase = 0x12345000;
	CHECK(physdev(PHYSDEVOP_apic_read, &apic) < 0);
}

/* ---- PCI -------------------------------------------------------------------------- */

static uint32_t pci_read(unsigned int bus, unsigned int devfn, unsigned int reg)
{
	uint32_t v;

	__asm__ volatile("outl %0, %w1"
			 :
			 : "a"(0x80000000 | bus << 16 | devfn << 8 | reg),
			   "d"(0xcf8));
	__asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(0xcfc));
	return v;
}

static unsigned int ahci; /* devfn of the q35's disk controller, 31.2 */

static void devices_are_found_and_added(void)
{
	struct pv_physdev_pci_device_add add = {.devfn = 0};
	struct pv_physdev_manage_pci manage = {0, 0};

	ahci = 31 << 3 | 2;
	CHECK_EQ(pci_read(0, 0, 0) & 0xffff, 0x8086);
	CHECK_EQ(pci_read(0, ahci, 0), 0x29228086);
	CHECK_EQ(physdev(PHYSDEVOP_pci_device_add, &add), 0);
	add.devfn = ahci;
	CHECK_EQ(physdev(PHYSDEVOP_pci_device_add, &add), 0);
	manage.devfn = ahci;
	CHECK_EQ(physdev(PHYSDEVOP_manage_pci_add, &manage), 0);
	if (!on_parapet())
		return; /* others take any device */
	add.bus = 77;
	CHECK_EQ(physdev(PHYSDEVOP_pci_device_add, &add), -ENODEV);
	add.bus = 0;
	add.seg = 3;
	CHECK(physdev(PHYSDEVOP_pci_device_add, &add) < 0);
}

static struct pv_physdev_map_pirq msi_map(unsigned int devfn)
{
	return (struct pv_physdev_map_pirq){
		.domid = DOMID_SELF,
		.type = MAP_PIRQ_TYPE_MSI_SEG,
		.index = -1,
		.pirq = -1,
		.devfn = devfn,
	};
}

static void messages_are_mapped(void)
{
	struct pv_physdev_map_pirq map = msi_map(ahci), again = map;
	struct pv_physdev_unmap_pirq unmap = {.domid = DOMID_SELF};
	struct pv_evtchn_bind_pirq bind = {0};

	if (!CHECK_EQ(physdev(PHYSDEVOP_map_pirq, &map), 0))
		return;
	CHECK(map.pirq >= 16);
	bind.pirq = map.pirq;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, P(&bind)), 0);
	/* A second interrupt for the one message is another, or none. */
	if (physdev(PHYSDEVOP_map_pirq, &again) == 0) {
		unmap.pirq = again.pirq;
		CHECK_EQ(physdev(PHYSDEVOP_unmap_pirq, &unmap), 0);
	}
	CHECK_EQ(port_close(bind.port), 0);
	unmap.pirq = map.pirq;
	CHECK_EQ(physdev(PHYSDEVOP_unmap_pirq, &unmap), 0);
}

static void wrong_messages_are_refused(void)
{
	struct pv_physdev_map_pirq map;

	map = msi_map(0); /* the host bridge has none */
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = msi_map(0x77);
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = msi_map(ahci);
	map.devfn = 0x12345;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = msi_map(ahci);
	map.bus = 0x7fffffff;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = msi_map(ahci); /* MSI-X, which it does not have */
	map.entry_nr = 3;
	map.table_base = 0xfee00000;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map = msi_map(ahci);
	map.type = MAP_PIRQ_TYPE_MULTI_MSI;
	map.entry_nr = 1 << 20;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
	map.entry_nr = -1;
	CHECK(physdev(PHYSDEVOP_map_pirq, &map) < 0);
}

/* ---- platform_op ------------------------------------------------------------------- */

static long platform(struct pv_platform_op *op)
{
	op->interface_version = XENPF_INTERFACE_VERSION;
	return HYPERVISOR_platform_op(P(op));
}

static void processors_are_told(void)
{
	struct pv_platform_op op = {.cmd = XENPF_get_cpuinfo};

	CHECK_EQ(platform(&op), 0);
	CHECK(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE);
	CHECK_EQ(op.u.pcpu_info.apic_id, 0);
	CHECK(op.u.pcpu_info.max_present >= 1);
	op.u.pcpu_info.xen_cpuid = 1;
	CHECK_EQ(platform(&op), 0);
	CHECK_EQ(op.u.pcpu_info.apic_id, 1);
	op.u.pcpu_info.xen_cpuid = 4000;
	CHECK_EQ(platform(&op), 0);
	CHECK(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_INVALID);
	op.u.pcpu_info.xen_cpuid = ~0u;
	CHECK_EQ(platform(&op), 0);
	CHECK(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_INVALID);
}

static void firmware_is_told(void)
{
	struct pv_platform_op op = {.cmd = XENPF_firmware_info};
	unsigned int type;

	for (type = XEN_FW_DISK_INFO; type <= XEN_FW_EFI_INFO; type++) {
		op.u.firmware_info.type = type;
		op.u.firmware_info.index = 1000;
		CHECKF(platform(&op) < 0, "type %u", type);
	}
	op.u.firmware_info.type = 99;
	CHECK(platform(&op) < 0);
}

static void other_sleeps_are_refused(void)
{
	struct pv_platform_op op = {.cmd = XENPF_enter_acpi_sleep};

	if (!on_parapet()) {
		skip("others fall asleep");
		return;
	}
	op.u.enter_acpi_sleep.sleep_state = 3;
	CHECK_EQ(platform(&op), -EINVAL);
	op.u.enter_acpi_sleep.sleep_state = 99;
	CHECK_EQ(platform(&op), -EINVAL);
	op.u.enter_acpi_sleep.sleep_state = 5;
	op.u.enter_acpi_sleep.flags = XENPF_ACPI_SLEEP_EXTENDED;
	CHECK_EQ(platform(&op), -EINVAL);
}

RUN("smp=2 vcpus=1");

const struct test tests[] = {
	{"I/O rights are taken", rights_are_taken},
	{"a device rings", a_device_rings},
	{"wrong interrupts are refused", wrong_interrupts_are_refused},
	{"the IO-APIC is read", the_io_apic_is_read},
	{"PCI devices are found and added", devices_are_found_and_added},
	{"messages are mapped", messages_are_mapped},
	{"wrong messages are refused", wrong_messages_are_refused},
	{"processors are told", processors_are_told},
	{"firmware is told", firmware_is_told},
	{"other sleeps are refused", other_sleeps_are_refused},
	{},
};
