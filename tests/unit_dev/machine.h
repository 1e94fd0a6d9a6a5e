/* SPDX-License-Identifier: MIT */
/*
 * An imagined machine around the dev room's interrupt code: PCI configuration
 * space behind its ports, one IO-APIC, local APICs, event ports.
 */
#ifndef TESTS_UNIT_DEV_MACHINE_H
#define TESTS_UNIT_DEV_MACHINE_H

#include "hv/dev/irq.h"

#define PINS       24
#define MSI_BDF    0x0010 /* an MSI device without mask bits, 8 messages  */
#define MASK_BDF   0x0018 /* one with mask bits, 64-bit, 4 messages      */
#define MSIX_BDF   0x0120 /* MSI-X, 16 entries at TABLE_BASE + 0x2000     */
#define TABLE_BASE 0xfe000000ull
#define MSI_CAP    0x50
#define MSIX_CAP   0x70
#define EOI_MFN    1 /* the one frame that the control domain can share  */

extern struct pin {
	uint8_t vector;
	uint32_t apic_id;
	bool level, low, masked;
} pins[PINS];
extern uint32_t msix_slots[16][4];
extern unsigned int eois; /* of the local APIC */
extern unsigned int raised[8192]; /* by port */
extern uint64_t clock_ns;
extern uint8_t ports[65536]; /* what a port reads, and was last written */
extern struct domain control, guest;
extern uint8_t guest_memory[65536];
extern uint64_t *const eoi_page;

void machine_start(void);
/* As the entry path does it: device vector @vector arrives at @cpu. */
void arrive(unsigned int cpu, uint8_t vector);
/* Run the storm timer if it is due. */
void run_timer(void);
uint32_t config_read(uint32_t bdf, unsigned int reg, unsigned int size);

#endif /* TESTS_UNIT_DEV_MACHINE_H */
