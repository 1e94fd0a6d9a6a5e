# Tests and benchmark of the store.

include tools/store/objects.mk tools/xs/objects.mk tests/lib/fuzz.mk

STORE_SAN := $(addprefix $(BUILD)/san/,$(STORE_PURE) $(STORE_HOST)) \
	$(BUILD)/san/tests/store/harness.o

$(BUILD)/tests/store-%: $(BUILD)/san/tests/store/%.o $(STORE_SAN)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

STORE_UNIT := $(addprefix $(BUILD)/tests/store-,store_test perms_test \
	watch_test quota_test txn_test turn_test journal_test ring_test)

# make fuzz-store-wire, fuzz-store-ring, fuzz-store-journal
$(foreach what,wire ring journal,$(eval $(call fuzzer,store-$(what), \
	tests/store/fuzz_$(what).o tests/store/fuzz_check.o \
	tests/store/harness.o $(STORE_PURE) $(STORE_HOST),-lcmocka,16384)))

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

$(BUILD)/tests/xs-eager: $(addprefix $(BUILD)/san/,tests/store/eager_test.o \
		tools/xs/eager.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

STORE_API := $(addprefix $(BUILD)/tests/xs-,api-ours api-debian ext eager)

TEST_NEEDS += $(STORE_UNIT) $(STORE_API) $(BUILD)/san/bin/parapet-stored
TESTS += $(addsuffix @60,$(STORE_API)) tests/store/clients_test.sh@120 \
	tests/store/cli_test.sh@120 tests/store/daemon_test.py@300
TESTS += $(addsuffix @60,$(STORE_UNIT))

$(BUILD)/tests/store-bench: $(BUILD)/obj/tests/store/bench.o \
		$(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -pthread

# Table on the terminal; JSON and a plot in $(BUILD)/bench-store.  CONTROL=1:
# inside an emulated control domain, and beside C xenstored under Xen.
CONTROL ?=

bench-store: $(BUILD)/tests/store-bench $(BUILD)/bin/parapet-stored \
		$(if $(CONTROL),$(BUILD)/parapet $(BUILD)/bin/parapet-extract)
	$(if $(CONTROL),tools/image/prepare.sh --kernel-only $(BUILD) amd64)
	tests/store/$(if $(CONTROL),control_)bench.py $(BENCH_STORE_OPTIONS)

.PHONY: bench-store
