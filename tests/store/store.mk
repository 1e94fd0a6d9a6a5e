# Tests and benchmark of the store.

include tools/store/objects.mk tools/xs/objects.mk

STORE_SAN := $(addprefix $(BUILD)/san/,$(STORE_PURE) $(STORE_HOST)) \
	$(BUILD)/san/tests/store/harness.o

$(BUILD)/tests/store-%: $(BUILD)/san/tests/store/%.o $(STORE_SAN)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

STORE_UNIT := $(addprefix $(BUILD)/tests/store-,store_test txn_test \
	journal_test ring_test)

# The interface test, linked with our library (and the sanitizers) and with
# Debian's.
$(BUILD)/tests/xs-api-ours: $(BUILD)/san/tests/store/api_test.o \
		$(addprefix $(BUILD)/san/,$(XS_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -pthread

$(BUILD)/tests/xs-api-debian: $(BUILD)/obj/tests/store/api_test.o
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -l:libxenstore.so.4 \
		-lcmocka -pthread

$(BUILD)/tests/xs-ext: $(BUILD)/san/tests/store/ext_test.o \
		$(addprefix $(BUILD)/san/,$(XS_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -pthread

STORE_API := $(addprefix $(BUILD)/tests/xs-,api-ours api-debian ext)

TEST_NEEDS += $(STORE_UNIT) $(STORE_API) $(BUILD)/san/bin/parapet-stored
TESTS += $(addsuffix @60,$(STORE_API)) tests/store/clients_test.sh@120 \
	tests/store/cli_test.sh@120
TESTS += $(addsuffix @60,$(STORE_UNIT))

$(BUILD)/tests/store-bench: $(BUILD)/obj/tests/store/bench.o \
		$(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -pthread
