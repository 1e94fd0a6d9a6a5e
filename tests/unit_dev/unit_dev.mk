# The dev room on the host: the ACPI parser, which is PURE, and the interrupt
# and port code on an imagined machine.

include tests/lib/fuzz.mk

UNIT_DEV := acpi irq ioport
UNIT_DEV_DIR := $(BUILD)/unit_dev
UNIT_DEV_TESTS := $(UNIT_DEV:%=$(UNIT_DEV_DIR)/%_test)
UNIT_DEV_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include
UNIT_DEV_MACHINE := $(addprefix $(UNIT_DEV_DIR)/,machine.o hv_irq.o hv_msi.o \
	hv_pci.o hv_ioport.o)

$(UNIT_DEV_DIR)/%.o: tests/unit_dev/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_DEV_CFLAGS) -include tests/unit_dev/fake_asm.h -c -o $@ $<

$(UNIT_DEV_DIR)/hv_%.o: hv/dev/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_DEV_CFLAGS) -include tests/unit_dev/fake_asm.h -c -o $@ $<

$(UNIT_DEV_DIR)/acpi_test: $(addprefix $(UNIT_DEV_DIR)/,tables.o acpi_fuzz.o \
	hv_acpi_parse.o)
$(UNIT_DEV_DIR)/irq_test $(UNIT_DEV_DIR)/ioport_test: $(UNIT_DEV_MACHINE)

$(UNIT_DEV_TESTS): %: %.o
	$(CC) $(UNIT_DEV_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

# make fuzz-acpi
$(eval $(call libfuzzer,acpi,tests/unit_dev/acpi_fuzz.o hv/dev/acpi_parse.o,,4096))

TEST_NEEDS += $(UNIT_DEV_TESTS)
TESTS += $(UNIT_DEV_TESTS)
