# Tests and benchmark of the store.

include tools/store/objects.mk

STORE_SAN := $(addprefix $(BUILD)/san/,$(STORE_PURE) $(STORE_HOST)) \
	$(BUILD)/san/tests/store/harness.o

$(BUILD)/tests/store-%: $(BUILD)/san/tests/store/%.o $(STORE_SAN)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

STORE_UNIT := $(addprefix $(BUILD)/tests/store-,store_test txn_test \
	journal_test ring_test)

TEST_NEEDS += $(STORE_UNIT)
TESTS += $(addsuffix @60,$(STORE_UNIT))

$(BUILD)/tests/store-bench: $(BUILD)/obj/tests/store/bench.o \
		$(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -pthread
