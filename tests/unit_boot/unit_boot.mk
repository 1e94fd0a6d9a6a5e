# The boot room's parsers on the host: they are PURE.

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

# A long run by hand: BUILD/unit_boot/boot_fuzz -max_total_time=3600 FOLDER
$(UNIT_BOOT_DIR)/boot_fuzz: tests/unit_boot/boot_fuzz.c hv/boot/elf.c \
		hv/boot/multiboot.c
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(UNIT_BOOT_CFLAGS)) -fsanitize=fuzzer \
		-o $@ $^

TEST_NEEDS += $(UNIT_BOOT_TESTS) $(UNIT_BOOT_DIR)/boot_fuzz
TESTS += $(UNIT_BOOT_TESTS)
