/* SPDX-License-Identifier: MIT */
/*
 * The end: switching the machine off, or starting it again.
 *
 * Each way is tried in turn, from what the firmware documents to what has
 * always worked; one that has no effect is followed by the next.
 */
#include "hv/cpu/asm.h"
#include "hv/dev/irq.h"
#include "hv/lib/log.h"

#define SLP_TYP(n) ((n) << 10)
#define SLP_EN     (1 << 13)

static void sleep_now(uint16_t port, uint16_t value)
{
	uint16_t keep;

	if (!port)
		return;
	keep = inw(port) & ~(SLP_TYP(7) | SLP_EN);
	value &= SLP_TYP(7);
	outw(port, keep | value);
	outw(port, keep | value | SLP_EN);
}

/*
 * Half a second, for what obeys late: an emulator goes on for a while.  By
 * port accesses of a microsecond or more, as a panic may be why we are here.
 */
static void pause_long(void)
{
	for (unsigned int i = 0; i < 500000; i++)
		inb(0x80);
}

static void NORETURN stop(void)
{
	log_err("machine: it did not obey; stopped");
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* With PM1 control values that the control domain computed. */
void machine_poweroff_by(uint16_t pm1a, uint16_t pm1b)
{
	log_info("machine: power off");
	sleep_now(acpi.pm1a_cnt, pm1a);
	sleep_now(acpi.pm1b_cnt, pm1b);
	pause_long();
	/* QEMU's machines, without tables. */
	outw(0x604, SLP_EN);
	outw(0xb004, SLP_EN);
	pause_long();
	stop();
}

void machine_poweroff(void)
{
	machine_poweroff_by(SLP_TYP(acpi.slp_typ_s5_a),
			    SLP_TYP(acpi.slp_typ_s5_b));
}

static void reset_by_firmware(void)
{
	volatile uint8_t *reg;

	if (!acpi.reset_known)
		return;
	if (acpi.reset_space == ACPI_SPACE_IO) {
		outb(acpi.reset_addr, acpi.reset_value);
	} else if (acpi.reset_space == ACPI_SPACE_MEMORY) {
		reg = iomap(acpi.reset_addr, 1);
		if (reg)
			*reg = acpi.reset_value;
	}
	pause_long();
}

void machine_reboot(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} PACKED no_idt = {0, 0};

	log_info("machine: reboot");
	reset_by_firmware();
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	pause_long();
	for (unsigned int i = 0; i < 10; i++) { /* the keyboard controller */
		for (unsigned int n = 0; n < 1000 && inb(0x64) & 2; n++)
			inb(0x80);
		outb(0x64, 0xfe);
		pause_long();
	}
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	stop();
}
