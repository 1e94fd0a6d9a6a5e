# How fuzzers are made; included where they are.  A fuzzer is a name, objects
# (one has the target of tests/lib/fuzz.h), libraries, and how long inputs are.
#
#   $(eval $(call libfuzzer,NAME,OBJECTS,LIBRARIES,BYTES))
#       $(BUILD)/fuzz/NAME; "make fuzz-NAME" runs it until it is stopped, or for
#       FUZZ_SECONDS
#   $(eval $(call fuzzer,NAME,OBJECTS,LIBRARIES,BYTES))
#       the same, and $(BUILD)/tests/fuzz-NAME, a bounded run in "make test"

FUZZ_SECONDS ?= 0

$(BUILD)/libfuzzer/%.o: %.c
	@mkdir -p $(@D)
	clang $(SAN_CFLAGS) -Ihypercall/include -fsanitize=fuzzer-no-link -c \
		-o $@ $<
$(BUILD)/libfuzzer/hv/%.o $(BUILD)/libfuzzer/tests/unit_%.o: \
	SAN_CFLAGS += -DHV_HOST

define libfuzzer
$(BUILD)/fuzz/$(1): $(addprefix $(BUILD)/libfuzzer/,$(2))
	@mkdir -p $$(@D)
	clang -fsanitize=fuzzer,address,undefined $$(USER_LDFLAGS) -o $$@ $$^ $(3)

fuzz-$(1): $(BUILD)/fuzz/$(1)
	@mkdir -p $(BUILD)/fuzz/corpus-$(1)
	$$< -max_total_time=$$(FUZZ_SECONDS) -max_len=$(4) \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus-$(1)

.PHONY: fuzz-$(1)
TEST_NEEDS += $(BUILD)/fuzz/$(1)
endef

define fuzzer
$(call libfuzzer,$(1),$(2),$(3),$(4))

$(BUILD)/tests/fuzz-$(1): $(addprefix $(BUILD)/san/,$(2) tests/lib/fuzz_main.o)
	@mkdir -p $$(@D)
	$$(CC) $$(SAN_CFLAGS) $$(USER_LDFLAGS) -o $$@ $$^ $(3)

TEST_NEEDS += $(BUILD)/tests/fuzz-$(1)
TESTS += $(BUILD)/tests/fuzz-$(1)@120
endef
