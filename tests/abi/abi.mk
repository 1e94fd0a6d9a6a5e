# Tests of the contract: headers against ABI.md, and the list of hypercalls.

ABI_CFLAGS := $(SAN_CFLAGS) $(HYPERCALL_CFLAGS)

$(BUILD)/tests/hypercalls-test: tests/abi/hypercalls_test.c \
		tests/abi/hypercalls_asm.S $(HYPERCALL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(ABI_CFLAGS)) -o $@ \
		$(filter tests/abi/%,$^) -lcmocka

TEST_NEEDS += $(BUILD)/tests/hypercalls-test
TESTS += tests/abi/abi_test@120 tests/abi/selftest@240 \
	$(BUILD)/tests/hypercalls-test@30
