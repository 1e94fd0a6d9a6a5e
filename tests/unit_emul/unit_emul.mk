# The emul room on the host: all of it is PURE.

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

# A long run by hand: BUILD/unit_emul/decode_fuzz -max_total_time=3600 FOLDER
$(UNIT_EMUL_DIR)/decode_fuzz: tests/unit_emul/decode_fuzz.c \
		$(wildcard hv/emul/*.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(UNIT_EMUL_CFLAGS)) -fsanitize=fuzzer \
		-o $@ $^

TEST_NEEDS += $(UNIT_EMUL_TESTS) $(UNIT_EMUL_DIR)/decode_fuzz
TESTS += $(UNIT_EMUL_TESTS)
