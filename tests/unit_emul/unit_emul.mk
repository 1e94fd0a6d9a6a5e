# The emul room on the host: all of it is PURE.

include tests/lib/fuzz.mk

UNIT_EMUL := decode native policy decode_fuzz
UNIT_EMUL_DIR := $(BUILD)/unit_emul
UNIT_EMUL_HV := $(patsubst hv/emul/%.c,$(UNIT_EMUL_DIR)/hv_%.o,$(wildcard \
	hv/emul/*.c))
UNIT_EMUL_TESTS := $(UNIT_EMUL:%=$(UNIT_EMUL_DIR)/%_test)
UNIT_EMUL_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include

$(UNIT_EMUL_DIR)/%.o: tests/unit_emul/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_EMUL_CFLAGS) -c -o $@ $<

$(UNIT_EMUL_DIR)/%.o: tests/unit_emul/%.S
	@mkdir -p $(@D)
	$(CC) $(UNIT_EMUL_CFLAGS) -c -o $@ $<

$(UNIT_EMUL_DIR)/hv_%.o: hv/emul/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_EMUL_CFLAGS) -c -o $@ $<

$(UNIT_EMUL_TESTS): %: %.o $(UNIT_EMUL_HV)
	$(CC) $(UNIT_EMUL_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka
$(UNIT_EMUL_DIR)/native_test: $(UNIT_EMUL_DIR)/native_run.o
$(UNIT_EMUL_DIR)/decode_fuzz_test: $(UNIT_EMUL_DIR)/decode_fuzz.o

# make fuzz-decode
$(eval $(call libfuzzer,decode,tests/unit_emul/decode_fuzz.o $(patsubst %.c,%.o, \
	$(wildcard hv/emul/*.c)),,64))

TEST_NEEDS += $(UNIT_EMUL_TESTS)
TESTS += $(UNIT_EMUL_TESTS)
