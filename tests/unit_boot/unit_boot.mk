# The boot room's parsers on the host: they are PURE.

include tests/lib/fuzz.mk

UNIT_BOOT := elf multiboot boot_fuzz
UNIT_BOOT_DIR := $(BUILD)/unit_boot
UNIT_BOOT_HV := $(UNIT_BOOT_DIR)/hv_elf.o $(UNIT_BOOT_DIR)/hv_multiboot.o
UNIT_BOOT_TESTS := $(UNIT_BOOT:%=$(UNIT_BOOT_DIR)/%_test)
UNIT_BOOT_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include

$(UNIT_BOOT_DIR)/%.o: tests/unit_boot/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_BOOT_CFLAGS) -c -o $@ $<

$(UNIT_BOOT_DIR)/hv_%.o: hv/boot/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_BOOT_CFLAGS) -c -o $@ $<

$(UNIT_BOOT_TESTS): %: %.o $(UNIT_BOOT_DIR)/image.o $(UNIT_BOOT_HV)
	$(CC) $(UNIT_BOOT_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka
$(UNIT_BOOT_DIR)/boot_fuzz_test: $(UNIT_BOOT_DIR)/boot_fuzz.o

# make fuzz-boot
$(eval $(call libfuzzer,boot,tests/unit_boot/boot_fuzz.o hv/boot/elf.o \
	hv/boot/multiboot.o,,8192))

TEST_NEEDS += $(UNIT_BOOT_TESTS)
TESTS += $(UNIT_BOOT_TESTS)
